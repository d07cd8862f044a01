"""Hardware that knows no rule: how terms are summed in time and space."""

from .summing.heap import Heap
from .summing.terms import Terms
from .summing.tree import AdderTree

__all__ = ["AdderTree", "Heap", "Terms"]
