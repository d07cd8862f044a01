"""Bit heaps against exact sums; the checks of the adder tree, and faults that they must find."""

import numpy as np
import pytest
from faults import mutate
from leaves import check, random_leaves

from tnhw.gates import Heap
from tnhw.gates.summing import heap
from tnhw.gates.summing.tree import Leaf


def rows_of(rng, leaves):
    ends = [[0] * len(leaves), [leaf.high for leaf in leaves]]
    return ends + [[rng.integers(0, leaf.high + 1) for leaf in leaves] for _ in range(10)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("constant", [None, 0, 37, -5])
@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize("adder", ["ripple", "prefix"])
def test_random(seed, constant, registered, adder):
    rng = np.random.default_rng(seed)
    leaves = random_leaves(rng, int(rng.integers(1, 20)))
    width = int(rng.integers(2, 16))
    made = Heap(leaves, width, registered=registered, constant=constant, adder=adder)
    if constant is not None:
        assert made.owed == 0
    check(made, leaves, rows_of(rng, leaves), constant or 0)


@pytest.mark.parametrize("negative", [0, 1, 3])
def test_mostly_negative(negative):
    leaves = [Leaf(7, negative=k < negative) for k in range(3)]
    rng = np.random.default_rng(0)
    check(Heap(leaves, 6, registered=False, constant=9), leaves, rows_of(rng, leaves), 9)


def test_nothing_to_add():
    check(Heap([], 4, registered=False, constant=5), [], [[]], 5)


def test_fault_is_found(monkeypatch):
    def wrong(m, platform, bits, name):
        return bits[0] ^ bits[1], bits[0] | bits[1]

    monkeypatch.setattr(heap, "half_adder", wrong)
    with pytest.raises(AssertionError):
        test_random(3, 0, False, "ripple")


def test_fault_of_the_prefix_is_found(monkeypatch):
    mutate(monkeypatch, heap.Heap, "_prefix", "(place & -step) - 1", "(place & -step)")
    with pytest.raises(AssertionError):
        test_random(3, 0, False, "prefix")
