"""Results of one output channel whose constants are in the gates: one sum in each cycle.

These are what a plan of `tnhw.gates.engine.results` becomes where every channel has gates of its own. They have no
enable: a sum moves one register in each cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...synapse import Addend, Format
from ..summing.requantise import Requantise
from ..summing.tree import AdderTree, normalise

__all__ = ["Wired", "WiredScale", "WiredShift", "WiredStaircase"]


class Wired(wiring.Component):
    """From a sum to a result.

    Attributes
    ----------
    latency : int
        Registers from `z` to `y`.

    Members
    -------
    z : In
        The sum, with its bias and rounding constant.
    y : Out
        The result.
    """

    latency: int

    def __init__(self, sum_format: Format, output: Format) -> None:
        self._sum, self._output = sum_format, output
        super().__init__({"z": In(sum_format.shape), "y": Out(output.shape)})


def _clamped(m: Module, z: Value, number: Format, shift: int, output: Format, y: Any) -> None:
    """Register a sum of the format `number`, shifted and clamped."""
    m.submodules.requantise = part = Requantise(number, shift, output)
    result = Signal(output.shape, name="result", reset_less=True)
    m.d.comb += [part.z.eq(z), y.eq(result)]
    m.d.sync += result.eq(part.y)


class WiredShift(Wired):
    """A shift and a clamp with a register behind them; or the sum as it is, if it `clamps` not."""

    def __init__(self, sum_format: Format, output: Format, shift: int, clamps: bool) -> None:
        super().__init__(sum_format, output)
        self._shift, self._clamps = shift, clamps

    @property
    def latency(self) -> int:  # type: ignore[override]
        return int(self._clamps)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if self._clamps:
            _clamped(m, self.z, self._sum, self._shift, self._output, self.y)
        else:
            m.d.comb += self.y.eq(self.z)
        return m


class WiredStaircase(Wired):
    """A binary search in a pipeline: in each step one comparison, with the threshold that what was found before chooses."""

    def __init__(
        self, sum_format: Format, output: Format, steps: Sequence[int], falling: int
    ) -> None:
        super().__init__(sum_format, output)
        self._steps, self._falling = list(steps), falling

    @property
    def latency(self) -> int:  # type: ignore[override]
        return self._output.bits

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = self._output.bits
        # A step is at most one above the largest sum, so one bit more holds sums and steps.
        wide = Format(self._sum.bits + 2, signed=True)
        z: Value = self.z
        found: Value = Const(0, 0)
        for level in range(bits):
            half = 1 << (bits - level - 1)
            threshold = Signal(wide.shape, name=f"threshold_{level}")
            with m.Switch(found):
                for before in range(1 << level):
                    with m.Case(before):
                        m.d.comb += threshold.eq(self._steps[2 * half * before + half - 1])
            reached = Signal(level + 1, name=f"found_{level}", reset_less=True)
            m.d.sync += reached.eq(Cat(z >= threshold, found))
            if level + 1 < bits:
                later = Signal(self._sum.shape, name=f"z_{level}", reset_less=True)
                m.d.sync += later.eq(z)
                z = later
            found = reached
        flips = ((1 << bits) - 1) * self._falling
        if self._output.signed:  # the smallest code has the sign bit alone
            flips ^= 1 << (bits - 1)
        m.d.comb += self.y.eq(found ^ Const(flips, bits))
        return m


class WiredScale(Wired):
    """A multiplication by a constant, as a pipelined tree of its digits, with the offset; then a shift and a clamp."""

    def __init__(
        self,
        sum_format: Format,
        output: Format,
        scaled: Format,
        multiplier: int,
        offset: int,
        shift: int,
        clamps: bool,
    ) -> None:
        super().__init__(sum_format, output)
        self._scaled, self._shift, self._clamps = scaled, shift, clamps
        z = Signal(sum_format.shape)
        leaves, constant = normalise([Addend(z, multiplier)])
        self._tree = AdderTree(
            [leaf for _, leaf in leaves], scaled.bits, constant=constant + offset
        )
        self._leaves = len(leaves)

    @property
    def latency(self) -> int:  # type: ignore[override]
        return self._tree.levels + self._clamps

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.tree = tree = self._tree
        m.d.comb += tree.enable.eq(1)
        if self._leaves:
            ((value, _),), _ = normalise([Addend(self.z, 1)])
            m.d.comb += tree.leaf_0.eq(value)
        total = Signal(self._scaled.shape, name="total")
        m.d.comb += total.eq(tree.total)
        if self._clamps:
            _clamped(m, total, self._scaled, self._shift, self._output, self.y)
        else:
            m.d.comb += self.y.eq(total)
        return m
