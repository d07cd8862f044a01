"""Objects that a notebook shows as a picture."""

from __future__ import annotations

from ..errors import TnhwError
from .svg import Diagram

__all__ = ["Pictured"]


class Pictured:
    """Base of what has a `diagram`, which a notebook shows."""

    def diagram(self) -> Diagram:
        """A picture of it."""
        raise NotImplementedError

    def _repr_svg_(self) -> str | None:
        """SVG text, or None where it cannot be drawn: a notebook then shows the `repr`."""
        try:
            return self.diagram().svg()
        except TnhwError:
            return None
