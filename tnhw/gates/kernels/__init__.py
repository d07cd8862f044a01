"""Architectures of a kernel: which of its terms are summed in one cycle."""

from .architecture import Architecture
from .parallel import Parallel
from .serial import Serial
from .tile import Tile

__all__ = ["ARCHITECTURES", "Architecture", "Parallel", "Serial", "Tile"]

#: Architectures by the name in a kernel file; plug-ins add theirs.
ARCHITECTURES: dict[str, type[Architecture]] = {
    "parallel": Parallel,
    "serial": Serial,
    "tile": Tile,
}
