"""Objects that a notebook shows as a picture."""

from __future__ import annotations

from ..errors import TnhwError
from .svg import Diagram

__all__ = ["Pictured"]


class Pictured:
    """Base of objects that have a `diagram`, which a notebook shows."""

    def diagram(self) -> Diagram:
        """A picture of the object."""
        raise NotImplementedError

    def _repr_svg_(self) -> str | None:
        """SVG text, or None if it cannot be drawn; a notebook then shows the `repr`."""
        try:
            return self.diagram().svg()
        except TnhwError:
            return None
