"""Standard cells: a library in Liberty format, netlists of its cells, and their clock period and energy."""

from .liberty import Library
from .mapping import synthesise
from .power import energy
from .timing import analyse

__all__ = ["Library", "analyse", "energy", "synthesise"]
