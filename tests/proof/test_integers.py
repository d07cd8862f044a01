"""The control of networks is executed as integers: each cell does what it does to single values in `gates.py`."""

import numpy as np
import pytest

from tnhw.proof.networks.gates import KINDS, evaluate
from tnhw.proof.networks.integers import Integers
from tnhw.proof.networks.netlist import Cell, Memory, Netlist
from tnhw.proof.networks.signals import constant
from tnhw.proof.networks.values import UNKNOWN, NotUnderstood, Space

COUNT = 40
ONE = (
    "$not",
    "$pos",
    "$neg",
    "$reduce_and",
    "$reduce_or",
    "$reduce_bool",
    "$reduce_xor",
    "$logic_not",
)
SHIFTS = ("$shl", "$shr", "$sshl", "$sshr")


def netlist(ports, cell):
    """Inputs of some widths in front of a cell."""
    inputs = {name: (k, width) for k, (name, width) in enumerate(ports.items())}
    return Netlist(inputs, {}, [cell], [], [], len(ports) + 1)


def widths(kind, rng):
    a, b, out = rng.integers(1, 9, 3).tolist()
    if kind in ONE:
        return {"A": a}, out
    if kind == "$mux":
        return {"A": out, "B": out, "S": 1}, out
    if kind == "$pmux":
        return {"A": out, "B": out * 3, "S": 3}, out
    return {"A": a, "B": min(b, 4) if kind in SHIFTS else b}, out


@pytest.mark.parametrize("kind", KINDS)
def test_cells(kind):
    """Random widths and signs, and values of all bits."""
    rng = np.random.default_rng(KINDS.index(kind))
    for _ in range(COUNT):
        ports, out = widths(kind, rng)
        signed = bool(rng.integers(2))
        both = signed and bool(rng.integers(2)) if "B" in ports else signed
        runs = {name: [(k, 0, width)] for k, (name, width) in enumerate(ports.items())}
        cell = Cell(kind, runs, len(ports), out, signed, both)
        values = [rng.integers(0, 1 << width, 20) for width in ports.values()]
        found = [*values, None]
        integers = Integers(netlist(ports, cell))
        integers.settle(found)
        for case, result in enumerate(integers.signal([(len(ports), 0, out)], found).tolist()):
            signals = {
                name: ((width, int(column[case])),)
                for (name, width), column in zip(ports.items(), values, strict=True)
            }
            assert constant(evaluate(Space(), kind, signals, out, signed, both)) == result, (
                kind,
                signals,
            )


def test_signals():
    """Parts of values, constants between them, and what is not known."""
    integers = Integers(
        netlist({"a": 6, "b": 3}, Cell("$not", {"A": [(None, UNKNOWN, 2)]}, 2, 2, False, False))
    )
    values = [np.array([0b101101, 0b010010]), np.array([5, 2]), None]
    integers.settle(values)
    runs = [(0, 2, 3), (None, 1, 2), (1, 0, 3)]
    assert integers.signal(runs, values).tolist() == [0b101_01_011, 0b010_01_100]
    with pytest.raises(NotUnderstood, match="unknown"):
        integers.signal([(2, 0, 1)], values)


def test_memories():
    """Constants are read; a word that is not there is an error."""
    memory = Memory(3, 4, [((4, k + 7),) for k in range(3)], [([(0, 0, 2)], 1)], [])
    integers = Integers(Netlist({"a": (0, 2)}, {}, [(0, 0)], [], [memory], 2))
    values = [np.array([2, 0, 1]), None]
    integers.settle(values)
    assert integers.signal([(1, 0, 4)], values).tolist() == [9, 7, 8]
    with pytest.raises(NotUnderstood, match="outside a memory"):
        integers.settle([np.array([3]), None])


def test_a_cell_that_is_not_known():
    with pytest.raises(NotUnderstood, match=r"of the kind \$div"):
        Integers(netlist({"A": 2}, Cell("$div", {"A": [(0, 0, 2)]}, 1, 2, False, False)))
