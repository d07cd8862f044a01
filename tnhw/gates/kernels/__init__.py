"""Architectures of a kernel: which of its terms are summed in one cycle."""

from .parallel import Parallel
from .serial import Serial
from .tile import Tile

__all__ = ["Parallel", "Serial", "Tile"]
