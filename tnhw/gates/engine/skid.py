"""A buffer for a stream, whose sender knows one cycle ahead whether it will be ready."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Skid"]


class Skid(wiring.Component):
    """A skid buffer: two places for a payload, so that no path leads from `o.ready` back to `i.ready`.

    Parameters
    ----------
    shape : ShapeLike
        Shape of the payload.

    Members
    -------
    i, o : In, Out(stream.Signature)
        A payload reaches `o` one cycle after it was taken, or later if `o` stalls.
    ready_next : Out(1)
        `i` will be ready in the next cycle, whatever happens in this one.
    """

    def __init__(self, shape):
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "ready_next": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        payload, held = Value.cast(self.o.payload), Value.cast(self.i.payload)
        spare = Signal(len(payload), reset_less=True)
        occupied = Signal()
        m.d.comb += [
            self.i.ready.eq(~occupied),
            self.ready_next.eq(self.o.ready | ~self.o.valid),
        ]
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += [
                payload.eq(Mux(occupied, spare, held)),
                self.o.valid.eq(occupied | self.i.valid),
                occupied.eq(0),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += occupied.eq(1)
        with m.If(~occupied):
            m.d.sync += spare.eq(held)
        return m
