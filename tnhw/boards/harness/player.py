"""From a buffer of bytes to the beats of a component's streams."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..protocol import Sizes, bytes_of

__all__ = ["Player"]


class Player(wiring.Component):
    """Reads the buffer from its start and offers the bytes as beats of stream `i` or of stream `p`.

    Each byte takes two cycles, and each beat at least one more.

    Parameters
    ----------
    sizes : Sizes
        Widths of the two streams, and numbers of beats.

    Members
    -------
    start : In(1)
        High for one cycle to begin.
    load : In(1)
        High if the buffer holds a load of parameters, for stream `p`; low if it holds a vector, for
        stream `i`. Must not change until `done`.
    address, read, data : Out(range(bytes)), Out(1), In(8)
        Read port of the buffer; the data follow one cycle after `read`.
    payload_i, valid_i, ready_i : Out(width_i), Out(1), In(1)
        Stream `i`.
    payload_p, valid_p, ready_p : Out(width_p), Out(1), In(1)
        Stream `p`.
    done : Out(1)
        High in the cycle in which the last beat is accepted.
    """

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        members = {"start": In(1), "load": In(1), "done": Out(1), "data": In(8), "read": Out(1)}
        members["address"] = Out(range(max(sizes.vector_bytes, sizes.load_bytes, 2)))
        for name, width in (("i", sizes.width_i), ("p", sizes.width_p)):
            members[f"payload_{name}"] = Out(width)
            members[f"valid_{name}"] = Out(1)
            members[f"ready_{name}"] = In(1)
        super().__init__(members)

    @property
    def sizes(self) -> Sizes:
        """Widths of the two streams, and numbers of beats."""
        return self._sizes

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        sizes = self._sizes
        bytes_i, bytes_p = bytes_of(sizes.width_i), bytes_of(sizes.width_p)
        last_byte = Signal(range(max(bytes_i, bytes_p)))
        last_address = Signal(len(self.address))
        ready = Signal()
        m.d.comb += [
            last_byte.eq(Mux(self.load, bytes_p - 1, bytes_i - 1)),
            last_address.eq(Mux(self.load, sizes.load_bytes, sizes.vector_bytes)),
            ready.eq(Mux(self.load, self.ready_p, self.ready_i)),
        ]

        # Bytes enter at the top, so a complete beat is in the top bits, however wide its stream is.
        shift = Signal(8 * max(bytes_i, bytes_p))
        count = Signal(range(max(bytes_i, bytes_p)))
        m.d.comb += [
            self.payload_i.eq(shift[len(shift) - 8 * bytes_i :]),
            self.payload_p.eq(shift[len(shift) - 8 * bytes_p :]),
        ]

        with m.FSM():
            with m.State("idle"):
                m.d.sync += [self.address.eq(0), count.eq(0)]
                with m.If(self.start):
                    m.next = "read"
            with m.State("read"):
                m.d.comb += self.read.eq(1)
                m.d.sync += self.address.eq(self.address + 1)
                m.next = "shift"
            with m.State("shift"):
                m.d.sync += [shift.eq(Cat(shift[8:], self.data)), count.eq(count + 1)]
                m.next = "read"
                with m.If(count == last_byte):
                    m.next = "offer"
            with m.State("offer"):
                m.d.comb += [self.valid_i.eq(~self.load), self.valid_p.eq(self.load)]
                m.d.sync += count.eq(0)
                with m.If(ready):
                    m.next = "read"
                    # The address is that of the next byte; after a full buffer it has wrapped to 0,
                    # and so has `last_address`.
                    with m.If(self.address == last_address):
                        m.d.comb += self.done.eq(1)
                        m.next = "idle"
        return m
