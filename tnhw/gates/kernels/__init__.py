"""Architectures of a kernel: which of its terms are summed in one cycle."""

from .architecture import Architecture
from .parallel import Parallel
from .serial import Serial
from .tile import Tile

__all__ = ["Architecture", "Parallel", "Serial", "Tile"]
