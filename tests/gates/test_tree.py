from itertools import product

import numpy as np
import pytest
from amaranth.hdl import Signal, signed, unsigned
from amaranth.sim import Simulator
from leaves import check, random_leaves, weight

from tnhw.gates import AdderTree
from tnhw.gates.summing.tree import Leaf, normalise
from tnhw.synapse import Addend


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("constant", [None, 0, 37])
@pytest.mark.parametrize("registered", [True, False])
def test_random(seed, constant, registered):
    rng = np.random.default_rng(seed)
    leaves = random_leaves(rng, int(rng.integers(1, 20)))
    width = int(rng.integers(2, 16))
    tree = AdderTree(leaves, width, registered=registered, constant=constant)
    if constant is not None:
        assert tree.owed == 0
    ends = [[0] * len(leaves), [leaf.high for leaf in leaves]]
    rows = ends + [[rng.integers(0, leaf.high + 1) for leaf in leaves] for _ in range(10)]
    check(tree, leaves, rows, constant or 0)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9])
def test_bits_are_counted(count):
    """All patterns of single bits."""
    leaves = [Leaf(1)] * count
    tree = AdderTree(leaves, 4, registered=False, constant=0)
    check(tree, leaves, list(product([0, 1], repeat=count)))


def test_gap_between_operands():
    """Equal odd multiples that share no bit position: 3 x and 48 x, with 2 bits of x."""
    leaves = [Leaf(3, 0, 3), Leaf(3, 4, 3)]
    check(AdderTree(leaves, 9, constant=0), leaves, list(product(range(4), repeat=2)))


def test_extremes_reach_the_top_of_the_width():
    leaves = [Leaf(15)] * 17  # 255 in 8 bits
    tree = AdderTree(leaves, 8, constant=0)
    check(tree, leaves, [[15] * 17, [0] * 17, [15] * 16 + [14]])


@pytest.mark.parametrize(
    ("count", "levels"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (16, 4), (64, 6)]
)
def test_levels(count, levels):
    """Balanced: the logarithm of the number of leaves."""
    assert AdderTree([Leaf(255)] * count, 16, constant=0).levels == levels


def test_nothing_to_add():
    for constant in (0, 5):
        tree = AdderTree([], 4, constant=constant)
        check(tree, [], [[]], constant)


def test_enable_holds():
    leaves = [Leaf(7)] * 2
    tree = AdderTree(leaves, 4, constant=0)

    async def bench(ctx):
        for enable, value, total in ((1, 3, 6), (0, 5, 6), (0, 7, 6), (1, 7, 14)):
            ctx.set(tree.enable, enable)
            ctx.set(tree.leaf_0, value)
            ctx.set(tree.leaf_1, value)
            await ctx.tick()
            assert ctx.get(tree.total) == total

    simulator = Simulator(tree)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("shape", [unsigned(3), signed(3), unsigned(1), signed(1)])
@pytest.mark.parametrize("by", [1, -1, 6, -20])
def test_normalise(shape, by):
    """Any addend is an unsigned leaf and a constant."""
    value = Signal(shape)
    ((leaf_value, leaf),), constant = normalise([Addend(value, by)])

    async def bench(ctx):
        low = -(1 << (shape.width - 1)) if shape.signed else 0
        for number in range(low, low + (1 << shape.width)):
            ctx.set(value, number)
            assert 0 <= ctx.get(leaf_value) <= leaf.high
            assert weight(leaf) * ctx.get(leaf_value) + constant == by * number
        assert leaf.odd % 2 == 1

    from amaranth.hdl import Module

    m = Module()
    m.d.comb += Signal(8).eq(value)
    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def test_normalise_drops_weight_zero():
    assert normalise([Addend(Signal(3), 0)]) == ([], 0)
