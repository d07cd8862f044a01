"""Hardware that works with every rule: it adds up terms, in space and in time."""

from .summing.heap import Heap
from .summing.terms import Terms
from .summing.tree import AdderTree

__all__ = ["AdderTree", "Heap", "Terms"]
