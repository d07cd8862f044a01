"""Gathers beats of a few elements into words."""

from math import ceil

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .loops import select

__all__ = ["Packer"]


class Packer(wiring.Component):
    """Gathers the channels of a position into words of `simd` elements.

    The last word of a position may have fewer elements than `simd`; the rest of it then holds old elements. A word is
    complete in the cycle after its last beat, or in the same cycle if a beat is a whole word.

    Parameters
    ----------
    bits : int
        Bits of an element.
    beat : int
        Elements in a beat; must divide `simd`.
    simd : int
        Elements in a word.
    channels : list of int
        Elements of a position, for each layer whose results arrive.

    Attributes
    ----------
    latency : int
        Cycles from a word's last beat to the word.

    Members
    -------
    beat_valid, beat_data : In(1), In(bits * beat)
        A beat, with its first element in the low bits. It is always taken.
    layer : In
        Index into `channels`.
    write, word : Out(1), Out(bits * simd)
        A complete word.
    """

    def __init__(self, bits, beat, simd, channels):
        self._bits, self._beat, self._simd, self._channels = bits, beat, simd, channels
        super().__init__(
            {
                "beat_valid": In(1),
                "layer": In(range(max(2, len(channels)))),
                "beat_data": In(bits * beat),
                "write": Out(1),
                "word": Out(bits * simd),
            }
        )

    @property
    def latency(self):
        return int(self._beat != self._simd)

    def elaborate(self, platform):
        m = Module()
        beats = self._simd // self._beat
        in_position = [ceil(channels / self._beat) for channels in self._channels]
        if beats == 1:
            m.d.comb += [self.word.eq(self.beat_data), self.write.eq(self.beat_valid)]
            return m

        parts = [
            Signal(self._bits * self._beat, name=f"part_{k}", reset_less=True) for k in range(beats)
        ]
        m.d.comb += self.word.eq(Cat(parts))
        m.d.sync += self.write.eq(0)
        index = Signal(range(beats))
        at_end = index == beats - 1
        if any(number % beats for number in in_position):
            count = Signal(range(max(in_position)))
            position_ends = count == select([number - 1 for number in in_position], self.layer)
            at_end = at_end | position_ends
            with m.If(self.beat_valid):
                m.d.sync += count.eq(count + 1)
                with m.If(position_ends):
                    m.d.sync += count.eq(0)
        with m.If(self.beat_valid):
            m.d.sync += [index.eq(index + 1), self.write.eq(at_end)]
            with m.If(at_end):
                m.d.sync += index.eq(0)
            for k, part in enumerate(parts):
                with m.If(index == k):
                    m.d.sync += part.eq(self.beat_data)
        return m
