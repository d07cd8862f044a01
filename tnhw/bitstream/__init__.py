"""From a kernel or a design to the bitstream of a board, with its utilisation and its clock."""

from .building import BuildRecord, build, build_network, find_record, plan

__all__ = ["BuildRecord", "build", "build_network", "find_record", "plan"]
