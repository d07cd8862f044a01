"""The writer of Verilog: what it writes is the design that Amaranth wrote, in names of the design."""

import re

import pytest
from emission import unequal
from emitted_kernels import KERNELS
from faults import mutate
from folded_networks import image, plain, shared, short, wide
from proof_kernels import kernel

from tnhw.verilog import emitting, expressions, processes, sharing, text

pytestmark = pytest.mark.needs("pyosys")

NETWORKS = {"image": image, "plain": plain, "shared": shared, "short": short, "wide": wide}
TILE = {"architecture": "tile", "storage": "memory", "arithmetic": "heap", "adder": "prefix"}
KINDS = {made.name: made for made in KERNELS} | {
    "tile": kernel(**TILE),
    "element": kernel("mac", "serial", "ports", arithmetic="heap"),
    "latches": kernel(**TILE, registers="latch"),
}


def designs():
    for name, made in KINDS.items():
        yield pytest.param(lambda made=made: made, id=name)
    for name, made in NETWORKS.items():
        for loadable in (False, True):
            design = f"{name}-loadable" if loadable else name
            yield pytest.param(
                lambda made=made, loadable=loadable: made(loadable=loadable).design(), id=design
            )


@pytest.mark.parametrize("made", list(designs()))
def test_equal(made):
    hardware = made()
    compared, others = unequal(*emitting.as_rtlil(hardware.create(), hardware.name))
    assert compared > 10 and others == []


@pytest.mark.parametrize("made", list(designs()))
def test_names_are_the_designs(made):
    hardware = made()
    written = text.verilog(*emitting.as_rtlil(hardware.create(), hardware.name))
    assert "$" not in re.sub(r"\$signed", "", written) and "\\" not in written
    assert not re.search(r"\b_\d|\bmade\d", written)
    kinds = re.findall(r"^module (\w+)", written, flags=re.M)
    bodies = re.findall(r"^module \w+ (.*?)^endmodule", written, flags=re.M | re.S)
    assert len(set(kinds)) == len(kinds) and len(set(bodies)) == len(bodies)


FAULTS = {
    "a sign": (expressions, "operator", '_BINARY[kind]', '"+"'),
    "an order": (expressions, "operator", 'operands["B"]', 'operands["A"]'),
    "no sign": (expressions, "extended", "_signed(cell, port)", "False"),
    "a reset that is none": (processes._Maker, "block", "_targets(branches[0][1], always=True)", "_targets(branches[0][1])"),
    "equal that are not": (sharing, "_merge", "cell.kind", "0"),
    "too narrow": (sharing, "_narrow", "read.get(wire.name, 0)", "read.get(wire.name, 0) - 1"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    mutate(monkeypatch, *FAULTS[fault])
    found = 0
    for made in KERNELS:
        try:
            found += bool(unequal(*emitting.as_rtlil(made.create(), made.name))[1])
        except Exception:
            found += 1
    assert found
