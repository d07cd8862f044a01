"""Emitted Verilog of every kind, and whether it is the design that Amaranth wrote as RTLIL.

Yosys compares both register by register.
"""

import re
import tempfile
from pathlib import Path

import pytest
from emitted_kernels import KERNELS
from folded_networks import image, plain, shared, short, wide
from proof_kernels import kernel

from tnhw import tools
from tnhw.gates.summing.primitives import MODULES
from tnhw.verilog import writer

__all__ = ["designs", "unequal"]

NETWORKS = {"image": image, "plain": plain, "shared": shared, "short": short, "wide": wide}
TILE = {"architecture": "tile", "storage": "memory", "arithmetic": "heap", "adder": "prefix"}
KINDS = {made.name: made for made in KERNELS} | {
    "tile": kernel(**TILE),
    "element": kernel("mac", "serial", "ports", arithmetic="heap"),
    "latches": kernel(**TILE, registers="latch"),
}


def designs():
    """A parameter of a test for each kind of kernel, and for networks, loadable and not: a function that makes it."""
    for name, made in KINDS.items():
        yield pytest.param(lambda made=made: made, id=name)
    for name, made in NETWORKS.items():
        for loadable in (False, True):
            design = f"{name}-loadable" if loadable else name
            yield pytest.param(
                lambda made=made, loadable=loadable: made(loadable=loadable).design(), id=design
            )


_RTLIL_ONLY = "only_in_rtlil"
_HALF = """\
design -reset
read_verilog cells.v
{read}
hierarchy -check -top {top}
proc
flatten
memory_map
select a:init
dump -n -o {name}.init
select -clear
{undefined}
opt_clean
rename {top} {name}
design -stash {name}
"""
_COMPARE = """\
design -reset
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
equiv_make gold gate equiv
hierarchy -top equiv
{prove}
tee -q -o {status} equiv_status
"""
_READ = {"gold": "read_rtlil gold.il", "gate": "read_verilog gate.v"}
#: What nobody defines is 0 in one comparison and 1 in the other. Where it is of one side only, these differ.
_QUICK = {
    value: (f"techmap t:$shiftx\nsetundef -{value}", "equiv_simple") for value in ("zero", "one")
}
#: Bits that are undefined are modelled as such, and may become anything. Four times slower.
_EXACT = {"x": ("", "equiv_simple -undef\nequiv_struct\nequiv_induct -undef")}


def unequal(rtlil, ports):
    """Bits of wires and registers that are not proven equal: (how many were compared, names of the others).

    Wires and registers of one name are cut points, so that one step is enough; the values that registers begin with are
    compared as well.
    """
    modules = writer.modules(rtlil, ports)
    top = modules[-1].kind
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "cells.v").write_text("\n".join(MODULES.values()))
        Path(folder, "gold.il").write_text(_renamed(rtlil, {m.name: m.names for m in modules}))
        Path(folder, "gate.v").write_text(writer.verilog(rtlil, ports))
        found, others = _compared(folder, top, _QUICK)
        if others:
            found, others = _compared(folder, top, _EXACT)
        begin = [_beginnings(Path(folder, f"{name}.init").read_text()) for name in _READ]
    return found, others + _begin_otherwise(*begin)


def _compared(folder, top, ways):
    """Have Yosys compare in each of some ways: bits compared, and names of those that one of them did not prove."""
    script = ""
    for way, (undefined, prove) in ways.items():
        for name, read in _READ.items():
            script += _HALF.format(name=name, read=read, top=top, undefined=undefined)
        script += _COMPARE.format(prove=prove, status=f"{way}.txt")
    tools.yosys(script, cwd=folder)
    texts = [Path(folder, f"{way}.txt").read_text() for way in ways]
    found = min(int(re.search(r"Found (\d+) \$equiv cells", text)[1]) for text in texts)
    return found, [
        name for text in texts for name in re.findall(r"Unproven \$equiv \S+: (.*)", text)
    ]


def _beginnings(text):
    """{name: bits} of the registers' initial values in RTLIL."""
    found = re.findall(
        r"attribute \\init \d+'([01x]+)\n(?:\s*attribute .*\n)*\s*wire .*?(\S+)\n", text
    )
    return {name: bits for bits, name in found}


def _begin_otherwise(gold, gate):
    """Names of registers that begin with another value than they should.

    Of those that RTLIL and Verilog call differently (a register that is a port in one of them, or one of several that
    are equal), Verilog's must have the value of one in RTLIL.
    """
    faults = [
        name
        for name, bits in gold.items()
        if _RTLIL_ONLY not in name and not re.fullmatch(bits.replace("x", "."), gate.get(name, ""))
    ]
    left = {bits for name, bits in gold.items() if name not in gate}
    faults += [name for name, bits in gate.items() if name not in gold and bits not in left]
    return [f"initial value of {name}" for name in faults]


def _renamed(rtlil, names):
    """RTLIL with the names that its wires have in Verilog; those that have none there are out of the way."""
    lines, own, kind = [], {}, None

    def new(match):
        return f"\\{own[match[1]]}" if match[1] in own else f"\\{_RTLIL_ONLY}.{match[1]}"

    for line in rtlil.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "module":
            own = names[rest.removeprefix("\\")]
        elif word == "cell":
            kind = rest.split()[0].removeprefix("\\")
        elif word == "end":
            kind = None
        elif (
            word == "connect" and kind is not None
        ):  # a pin has the name that the other module knows
            pin, _, value = rest.partition(" ")
            pin = pin.removeprefix("\\")
            if kind in names:
                pin = names[kind].get(pin, f"{_RTLIL_ONLY}.{pin}")
            value = re.sub(r"\\(\S+)", new, value)
            line = f"    connect \\{pin} {value}"
        elif word in ("wire", "connect", "assign", "switch"):
            if rest.startswith("width 0 "):  # no port in Verilog
                line = re.sub(r"(in|out)put \d+", "", line)
            line = re.sub(r"\\(\S+)", new, line)
        lines.append(line)
    return "\n".join(lines) + "\n"
