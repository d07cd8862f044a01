"""The writer of Verilog: what it writes is the design that Amaranth wrote, in names of the design."""

import re

import pytest
from emission import designs, unequal
from emitted_kernels import KERNELS
from faults import mutate
from folded_networks import short

from tnhw.errors import ToolFailed
from tnhw.verilog import emitting
from tnhw.verilog.writer import processes, sharing, text, values

pytestmark = pytest.mark.needs("pyosys")


@pytest.mark.parametrize("made", list(designs()))
def test_equal(made):
    hardware = made()
    compared, others = unequal(*emitting.as_rtlil(hardware.create(), hardware.name))
    assert compared > 10 and others == []


@pytest.mark.parametrize("made", list(designs()))
def test_names_are_the_designs(made):
    hardware = made()
    written = text.verilog(*emitting.as_rtlil(hardware.create(), hardware.name))
    assert "$" not in re.sub(r"\$(un)?signed", "", written) and "\\" not in written
    assert not re.search(r"\b_\d|\bmade\d", written)
    kinds = re.findall(r"^module (\w+)", written, flags=re.M)
    bodies = re.findall(r"^module \w+ (.*?)^endmodule", written, flags=re.M | re.S)
    assert len(set(kinds)) == len(kinds) and len(set(bodies)) == len(bodies)


FAULTS = {
    "a sign": (values, "operator", "(_BINARY | _DIVIDE)[kind]", '"+"'),
    "an operand": (values, "operator", 'operands["A"]', 'operands.get("B", operands["A"])'),
    "no sign": (values, "extended", "_signed(cell, port)", "False"),
    "a reset that is none": (processes._Maker, "block", "_targets(branches[0][1], always=True)", "_targets(branches[0][1])"),
    "equal that are not": (sharing, "_merge", "twins.get(key)", "next(iter(twins.values()), None)"),
    "too narrow": (sharing, "_narrow", "read.get(wire.name, 0)", "read.get(wire.name, 0) - 1"),
    "no inverse": (sharing, "known", "_inverted(cell.ports['A'], size, maker)", "cell.ports['A']"),
    "an initial value": (text._Writer, "_initial", "constant(wire.init, wire.width)", "constant(0, wire.width)"),
    "no initial values": (text._Writer, "_initial", "wire.init is not None", "wire.init"),
    "an input in the wrong place": (text, "join_inputs", "_bits(value)", "dict.fromkeys(_bits(value), 0)"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    mutate(monkeypatch, *FAULTS[fault])
    assert any(
        map(_differs, [*KERNELS, short().design()])
    )  # no register of a kernel begins with a 1


def _differs(made):
    try:
        return bool(unequal(*emitting.as_rtlil(made.create(), made.name))[1])
    except (AssertionError, LookupError, ToolFailed, ValueError):
        return True
