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


_HALF = """\
design -reset
read_verilog cells.v
{read}
hierarchy -check -top {top}
proc
flatten
memory_map
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
equiv_simple -undef
equiv_struct
equiv_induct -undef
tee -q -o status.txt equiv_status
"""


def unequal(rtlil, ports):
    """Bits of wires and registers that are not proven equal: (how many were compared, names of the others)."""
    modules = writer.modules(rtlil, ports)
    top = modules[-1].kind
    halves = (("gold", "read_rtlil gold.il"), ("gate", "read_verilog gate.v"))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "cells.v").write_text("\n".join(MODULES.values()))
        Path(folder, "gold.il").write_text(_renamed(rtlil, {m.name: m.names for m in modules}))
        Path(folder, "gate.v").write_text(writer.verilog(rtlil, ports))
        script = "".join(_HALF.format(name=name, read=read, top=top) for name, read in halves)
        tools.yosys(script + _COMPARE, cwd=folder)
        status = Path(folder, "status.txt").read_text()
    found = int(re.search(r"Found (\d+) \$equiv cells", status)[1])
    return found, re.findall(r"Unproven \$equiv \S+: (.*)", status)


def _renamed(rtlil, names):
    """RTLIL with the names that its wires have in Verilog; those that have none there are out of the way."""
    lines, own, kind = [], {}, None

    def new(match):
        return f"\\{own[match[1]]}" if match[1] in own else f"\\only_in_rtlil.{match[1]}"

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
                pin = names[kind].get(pin, f"only_in_rtlil.{pin}")
            value = re.sub(r"\\(\S+)", new, value)
            line = f"    connect \\{pin} {value}"
        elif word in ("wire", "connect", "assign", "switch"):
            line = re.sub(r"\\(\S+)", new, line)
        lines.append(line)
    return "\n".join(lines) + "\n"
