"""Standard cells: a Liberty library, a netlist of its cells, and the period and energy of that netlist."""

from .liberty import Library
from .mapping import synthesise
from .power import energy
from .timing import analyse

__all__ = ["Library", "analyse", "energy", "synthesise"]
