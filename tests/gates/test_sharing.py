"""Common sub-expressions of constant kernels: what is shared, and that a wrong one is found."""

import numpy as np
import pytest
from amaranth.hdl import Signal
from faults import mutate
from random_kernels import Case, check

from tnhw.gates.summing import sharing
from tnhw.synapse import Addend
from tnhw.verilog import emit

FAULTS = {
    "digit at the wrong place": ("share", "values[b] << distance", "values[b] << distance + 1"),
    "added for subtracted": ("share", "values[a] - upper", "values[a] + upper"),
    "shift forgotten": (
        "common",
        "Digit(new, digit.shift, digit.sign)",
        "Digit(new, 0, digit.sign)",
    ),
}


def rows(matrix, bits=4):
    """Sums of the rows of a matrix of weights."""
    x = [Signal(bits, name=f"x{k}") for k in range(len(matrix[0]))]
    return [[Addend(v, w) for v, w in zip(x, row, strict=True) if w] for row in matrix]


def made(matrix):
    """Weights of every sum, and how many values were taken out."""
    sums, shared = sharing.share(rows(matrix))
    return [sorted(addend.weight for addend in row) for row in sums], len(shared)


@pytest.mark.parametrize(
    ("matrix", "sums", "count"),
    [
        ([[1, 1, 0], [1, 1, 1]], [[1], [1, 1]], 1),
        ([[1, -1, 0], [-2, 2, 1]], [[1], [-2, 1]], 1),  # up to a shift and a sign
        ([[1, 2, 0], [0, 1, 2]], [[1, 2], [1, 2]], 0),  # alike, but of other inputs
        ([[5, 0], [0, 5]], [[5], [5]], 0),
        ([[45]], [[45]], 0),  # twice 1 - 4, but that is no narrower than its digits
        ([[1, 1]], [[1, 1]], 0),
        ([[], []], [[], []], 0),
    ],
)
def test_pairs(matrix, sums, count):
    assert made(matrix) == (sums, count)


def constant(seed, **keys):
    rng = np.random.default_rng(seed)
    keys = {"name": "k", "rule": "mac", "architecture": "tile", "inputs": 6, "outputs": 5, "input": "s4",
            "parameter": "s5", "storage": "constant", "arithmetic": "heap", "bias": "s8"} | keys  # fmt: skip
    arrays = {"weight": rng.integers(-16, 16, (5, 6)), "bias": rng.integers(-128, 128, 5)}
    return Case(keys, arrays, seed)


def test_good():
    check(constant(0))


def test_none():
    """No signal is shared, and the results are as they were."""
    one, other = constant(0), constant(0, sharing="none")
    assert "shared_0" in emit(one.kernel.create(), "k")
    assert "shared_0" not in emit(other.kernel.create(), "k")
    assert check(other) == check(one)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    name, old, new = FAULTS[fault]
    mutate(monkeypatch, sharing, name, old, new)
    monkeypatch.setattr("tnhw.gates.kernels.tile.share", sharing.share)
    with pytest.raises(AssertionError):
        check(constant(0))
