"""From a kernel or a design to a bitstream for a board, with utilisation and clock frequency."""

from .building import BuildOptions, build, build_network, plan
from .record import BuildRecord, find_record

__all__ = ["BuildOptions", "BuildRecord", "build", "build_network", "find_record", "plan"]
