"""Wires for parts that are used several times: the same values, and no part that is written twice."""

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.sim import Simulator

from tnhw.gates.summing.reuse import with_wires
from tnhw.kernel import Kernel
from tnhw.verilog.emitting import as_rtlil


def expression(a, b, s):
    """Parts that are read several times, and parts of those; signed and unsigned, of several widths."""
    difference = a - b
    more = (difference > 3) ^ s[0]
    chosen = Mux(more, difference, ~difference)[:6].as_signed()
    return Cat(chosen, more.replicate(3)).as_signed() + Mux(s[1], chosen << 2, chosen) - difference


def test_values_stay_the_same():
    a, b, s = Signal(signed(5)), Signal(signed(4)), Signal(2)
    before = expression(a, b, s)
    after, wires = with_wires(before)
    assert len(wires) >= 3 and after.shape() == before.shape()
    m = Module()
    wanted, found = Signal(before.shape()), Signal(before.shape())
    m.d.comb += [wanted.eq(before), found.eq(after), *(wire.eq(value) for wire, value in wires)]

    async def bench(ctx):
        rng = np.random.default_rng(0)
        for _ in range(300):
            ctx.set(a, int(rng.integers(-16, 16)))
            ctx.set(b, int(rng.integers(-8, 8)))
            ctx.set(s, int(rng.integers(4)))
            await ctx.delay(1e-9)
            assert ctx.get(wanted) == ctx.get(found)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def test_nothing_to_share():
    a = Signal(4)
    value = (a + 1) ^ 3
    after, wires = with_wires(value)
    assert wires == [] and repr(after) == repr(value)


def test_work_does_not_double():
    """A value that is used twice in each of 40 steps: written out it has more parts than any memory holds."""
    value, one = Signal(4), Signal()
    for _ in range(40):
        value = Mux(one, value, ~value)
    _, wires = with_wires(value)
    assert len(wires) == 39


def test_gates_of_a_kernel_are_written_once():
    """The result of a comparison selects each of 8 bits, of a difference that is shifted in two steps."""
    kernel = Kernel(
        name="k",
        rule="threshold",
        inputs=8,
        input="u8",
        parameter="u8",
        storage="memory",
        gain=True,
    )
    text, _ = as_rtlil(kernel.create(), "k")
    assert text.count("cell $gt ") == kernel.inputs * kernel.outputs
