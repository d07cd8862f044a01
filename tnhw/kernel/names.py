"""Names that are used in Verilog and in the file system."""

from __future__ import annotations

import keyword
import re
from functools import cache
from typing import Any

from ..errors import InputError

__all__ = ["check_design_name", "check_name"]

MAX_LENGTH = 64

# IEEE 1364-2005 and IEEE 1800-2017, Annex B of each.
_KEYWORDS = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle
checker class clocking cmos config const constraint context continue cover covergroup coverpoint
cross deassign default defparam design disable dist do edge else end endcase endchecker endclass
endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage
endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually
expect export extends extern final first_match for force foreach forever fork forkjoin function
generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies
import incdir include initial inout input inside instance int integer interconnect interface
intersect join join_any join_none large let liblist library local localparam logic longint
macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive
priority program property protected pull0 pull1 pulldown pullup pulsestyle_ondetect
pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg reject_on
release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually
s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled signed small
soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1
sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran
tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until
until_with untyped use uwire var vectored virtual void wait wait_order wand weak weak0 weak1 while
wildcard wire with within wor xnor xor
"""
KEYWORDS = frozenset(_KEYWORDS.split())

# IEEE 1076-2008, 15.10; VHDL ignores case.
_VHDL = """
abs access after alias all and architecture array assert assume assume_guarantee attribute begin
block body buffer bus case component configuration constant context cover default disconnect downto
else elsif end entity exit fairness file for force function generate generic group guarded if impure
in inertial inout is label library linkage literal loop map mod nand new next nor not null of on
open or others out package parameter port postponed procedure process property protected pure range
record register reject release rem report restrict restrict_guarantee return rol ror select sequence
severity shared signal sla sll sra srl strong subtype then to transport type unaffected units until
use variable vmode vprop vunit wait when while with xnor xor
"""
VHDL_KEYWORDS = frozenset(_VHDL.split())

# Ports of emitted modules: a simulator that looks for the port `rst` must not find a module of that name.
_PORTS = re.compile(
    r"clk|rst|error|aclk|aresetn|[iop]_(payload|valid|ready)"
    r"|(s_axis|s_axis_param|m_axis)_t(data|valid|ready|last)"
    r"|s_axil_(aw|ar|w|r|b)(addr|prot|data|strb|resp|valid|ready)"
)
_DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")  # no file has such a name on Windows

# Folders of Yosys with the primitives of the families that tnhw synthesises for.
_LIBRARIES = ("ice40", "ecp5", "lattice", "gowin", "gatemate", "nexus", "xilinx")


def check_name(name: Any, key: str = "name") -> str:
    """Check a name for use in Verilog and in file systems, and return it.

    Raises
    ------
    InputError
        If it is not a plain identifier of at most 64 characters, or a keyword.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise InputError(
            f"`{key}` must be letters, digits and underscores, a letter first, not {name!r}"
        )
    if len(name) > MAX_LENGTH:
        raise InputError(f"`{key}` must have at most {MAX_LENGTH} characters, not {len(name)}")
    if name in KEYWORDS:
        raise InputError(f"`{key}` must not be the Verilog keyword `{name}`")
    return name


def check_design_name(name: Any, key: str = "name") -> str:
    """Check a name for a kernel or a network, whose module is in a design with others, and return it.

    Raises
    ------
    InputError
        If `check_name` raises it, or the name has another meaning in the design or in a tool.
    """
    check_name(name, key)
    if (reason := _clash(name)) is not None:
        raise InputError(f"`{key}` must not be `{name}`: {reason}; {_other(name)} would do")
    return name


def _other(name):
    """A similar name that is allowed."""
    plain = re.sub("_+", "_", name.lower()).strip("_").removeprefix("tnhw_")
    plain = re.sub("_(axis|axil|tb)$", "", plain)
    return f"`{plain}`" if plain and _clash(plain) is None else f"`my_{plain}`"


def _clash(name):
    """Why a name is not allowed, as half a sentence, or None if it is."""
    small = name.lower()
    if small in KEYWORDS | VHDL_KEYWORDS:
        return "it is a keyword of " + ("Verilog" if small in KEYWORDS else "VHDL")
    if keyword.iskeyword(name):
        return "it is a keyword of Python, in which the driver of an IP package is a module of this name"
    if "__" in name or name.endswith("_"):
        return "two underscores separate a module's name from those inside it, and VHDL allows none at the end"
    if small.startswith("tnhw_"):
        return "names of the modules that tnhw adds begin like this"
    if _PORTS.fullmatch(small):
        return "it is a port of an emitted module"
    if small.endswith(("_axis", "_axil", "_tb")):
        return "modules of IP packages end like this"
    if _DEVICES.fullmatch(small):
        return "Windows does not allow a file of this name"
    if name != small and name in _primitives():
        return "it is a primitive of an FPGA family, with which netlists would confuse it"
    return None


@cache
def _primitives():
    """Names of all primitives that Yosys has for the FPGA families."""
    from ..tools import share

    paths = (path for folder in _LIBRARIES for path in share(folder).glob("*.v*"))
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in paths)
    return frozenset(name for text in texts for name in re.findall(r"(?m)^\s*module\s+(\w+)", text))
