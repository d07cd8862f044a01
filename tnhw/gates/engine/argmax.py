"""The end of a network: its last layer's results become a class, or one result vector."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from ...synapse import Format

__all__ = ["Argmax", "Collect"]


class Argmax(wiring.Component):
    """Index of the largest of `count` elements, the first if several are equal.

    Parameters
    ----------
    element : Format
    count : int

    Attributes
    ----------
    latency : int
        Cycles from the last element to the result.

    Members
    -------
    i : In(stream.Signature)
        One element in each beat.
    o : Out(stream.Signature)
        The index, unsigned, one beat for every `count` elements.
    """

    latency = 1

    def __init__(self, element, count):
        self._count = count
        number = Format.of_interval(0, max(1, count - 1)).shape
        super().__init__(
            {
                "i": In(stream.Signature(ArrayLayout(element.shape, 1))),
                "o": Out(stream.Signature(ArrayLayout(number, 1))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        value = self.i.payload[0]
        if value.shape().signed:  # unsigned numbers in the same order
            value = Cat(value[:-1], ~value[-1])
        index, fresh = Signal(range(max(2, self._count))), Signal(init=1)
        last = index == self._count - 1
        taken = Signal()
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            taken.eq(self.i.valid & self.i.ready),
        ]

        # The largest element so far is either the newest one or the largest before it. Which of them is decided
        # one cycle later, so that no path has both the comparison and the multiplexer that depends on it.
        new_value, old_value = (Signal(len(value), name=n, reset_less=True) for n in ("new", "old"))
        new_index, old_index = (Signal.like(index, name=f"{n}_index") for n in ("new", "old"))
        overtakes = Signal(reset_less=True)
        leader, leader_index = Signal.like(old_value), Signal.like(old_index)
        m.d.comb += [
            leader.eq(Mux(overtakes, new_value, old_value)),
            leader_index.eq(Mux(overtakes, new_index, old_index)),
            self.o.payload[0].eq(leader_index),
        ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & last)
        with m.If(taken):
            m.d.sync += [
                new_value.eq(value),
                new_index.eq(index),
                old_value.eq(leader),
                old_index.eq(leader_index),
                overtakes.eq(Mux(fresh, 1, (leader - value)[-1])),
                fresh.eq(last),
                index.eq(Mux(last, 0, index + 1)),
            ]
        return m


class Collect(wiring.Component):
    """Collects the elements of a result vector, and gives them all in one beat.

    Parameters
    ----------
    element : Format
    beat, count : int
        Elements in a beat of `i` (the last beat may have fewer), and in the vector.

    Attributes
    ----------
    latency : int
        Cycles from the last beat to the result.

    Members
    -------
    i : In(stream.Signature)
        `beat` elements in each beat.
    o : Out(stream.Signature)
        All `count` elements.
    """

    latency = 1

    def __init__(self, element, beat, count):
        self._bits, self._beat, self._count = element.bits, beat, count
        super().__init__(
            {
                "i": In(stream.Signature(ArrayLayout(element.shape, beat))),
                "o": Out(stream.Signature(ArrayLayout(element.shape, count))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        beats = -(-self._count // self._beat)
        step = self._bits * self._beat
        data = Signal(step * beats, reset_less=True)
        index = Signal(range(max(2, beats)))
        last = index == beats - 1
        taken = Signal()
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            taken.eq(self.i.valid & self.i.ready),
            Value.cast(self.o.payload).eq(data[: self._bits * self._count]),
        ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & last)
        with m.If(taken):
            m.d.sync += [
                data.eq(Cat(data[step:], Value.cast(self.i.payload))),
                index.eq(Mux(last, 0, index + 1)),
            ]
        return m
