"""The class of a vector whose outputs are all there at once: a pipelined tree of comparisons."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from ...synapse import Format

__all__ = ["Largest"]


class Largest(wiring.Component):
    """Index of the largest of `count` elements, the first if several are equal.

    In each cycle neighbours are compared, and the larger one moves on with its index. It has no handshake.

    Parameters
    ----------
    element : Format
    count : int

    Attributes
    ----------
    latency : int
        Cycles from `x` to `y`: the comparisons one after the other.

    Members
    -------
    x : In
        The elements.
    y : Out(unsigned)
        The index.
    """

    def __init__(self, element: Format, count: int) -> None:
        self._count = count
        number = Format.of_interval(0, max(1, count - 1)).shape
        super().__init__({"x": In(ArrayLayout(element.shape, count)), "y": Out(number)})

    @property
    def latency(self) -> int:
        return (self._count - 1).bit_length()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        rivals: list[tuple[Value, Value]] = []
        for k in range(self._count):
            value = self.x[k]
            if value.shape().signed:  # unsigned numbers in the same order
                value = Cat(value[:-1], ~value[-1])
            rivals.append((value, Const(0, 0)))
        for level in range(self.latency):
            rivals = [
                self._winner(m, rivals[k : k + 2], level, k) for k in range(0, len(rivals), 2)
            ]
        m.d.comb += self.y.eq(rivals[0][1])
        return m

    def _winner(self, m, pair, level, number):
        """The larger of two elements or the only one, a register later: its value, and its index among all so far."""
        value = Signal(len(pair[0][0]), name=f"value_{level}_{number}", reset_less=True)
        index = Signal(level + 1, name=f"index_{level}_{number}", reset_less=True)
        if len(pair) == 1:
            m.d.sync += [value.eq(pair[0][0]), index.eq(pair[0][1])]
            return value, index
        (one, left), (other, right) = pair
        later = Signal(name=f"later_{level}_{number}")
        m.d.comb += later.eq((one - other)[-1])  # the carry of a subtraction
        m.d.sync += [
            value.eq(Mux(later, other, one)),
            index.eq(Cat(Mux(later, right, left), later)),
        ]
        return value, index
