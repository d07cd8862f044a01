"""From a kernel or a design to the bitstream of a board, with its utilisation and its clock."""

from .building import BuildOptions, build, build_network, plan
from .record import BuildRecord, find_record

__all__ = ["BuildOptions", "BuildRecord", "build", "build_network", "find_record", "plan"]
