"""External tools: which there are, where they are, whether they will do, and how one runs."""

from .toolbox import (
    TOOLS,
    ToolStatus,
    ToolTimeout,
    doctor,
    find,
    prepare,
    program,
    run,
    share,
    verilator_environment,
    versions,
    yosys,
    yosys_in_use,
)

__all__ = [
    "TOOLS",
    "ToolStatus",
    "ToolTimeout",
    "doctor",
    "find",
    "prepare",
    "program",
    "run",
    "share",
    "verilator_environment",
    "versions",
    "yosys",
    "yosys_in_use",
]
