"""Two banks of activations: one is written while the other is read."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Banks"]


class Banks(wiring.Component):
    """Decides which of two banks is written and which is read; the memory itself is elsewhere.

    Parameters
    ----------
    beats, words : int
        Beats and words of an image.

    Members
    -------
    beat : In(1)
        A beat is taken in this cycle.
    space : Out(1)
        A beat may be taken.
    write : In(1)
        A word is written in this cycle.
    address, write_bank : Out(range(words)), Out(1)
        Where that word is written.
    read_bank : Out(1)
        The bank that is read.
    reading : In(1)
        `read_bank` may be read in this cycle.
    release : In(1)
        The image in `read_bank` is not needed after this cycle.
    start : Out(1)
        There is a whole image in `read_bank` from the next cycle on.
    """

    def __init__(self, beats, words):
        self._beats, self._words = beats, words
        members = {name: In(1) for name in ("beat", "write", "reading", "release")}
        members |= {name: Out(1) for name in ("space", "write_bank", "read_bank", "start")}
        super().__init__(members | {"address": Out(range(max(2, words)))})

    def elaborate(self, platform):
        m = Module()

        # A bank counts as taken from the last beat of its image on, and as full from its last word on. A released
        # bank counts for one cycle more, which keeps the path from `release` short.
        taken, held, released = Signal(2), Signal(2), Signal()
        image_taken, image_written = Signal(), Signal()
        one, two = Signal(), Signal()
        count = Signal(range(max(2, self._beats)))
        m.d.comb += [
            self.space.eq(~taken[1]),
            one.eq(held[1] | (held[0] & ~released)),
            two.eq(held[1] & ~released),
            self.start.eq(Mux(self.release, two, one)),
            image_taken.eq(self.beat & (count == self._beats - 1)),
            image_written.eq(self.write & (self.address == self._words - 1)),
            # The bank that is read is never written: while one is full, only the other is open.
            self.write_bank.eq(self.read_bank ^ (self.reading | one)),
        ]
        with m.If(self.beat):
            m.d.sync += count.eq(Mux(image_taken, 0, count + 1))
        with m.If(self.write):
            m.d.sync += self.address.eq(Mux(image_written, 0, self.address + 1))
        m.d.sync += [
            released.eq(self.release),
            taken.eq(taken + image_taken - released),
            held.eq(held + image_written - released),
            self.read_bank.eq(self.read_bank ^ self.release),  # an enable would be too slow
        ]
        return m
