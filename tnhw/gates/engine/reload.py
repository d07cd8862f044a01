"""Loading of a network's parameters while no image is inside."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

__all__ = ["Reload", "Turnstile"]


class Reload(wiring.Component):
    """Counts the beats of one engine's part of a load.

    The load has the parameters row by row, in each row unit by unit; then the rows of biases.

    Parameters
    ----------
    units, rows, biases : int
        Units in a row, rows of parameters, rows of biases.

    Members
    -------
    beat : In(1)
        A beat is taken in this cycle.
    unit, row : Out
        Unit and row to which the beat belongs.
    write, write_bias : Out(1)
        The beat has the parameters of a unit; it is a row of biases.
    last : Out(1)
        The beat is the last of this engine.
    """

    def __init__(self, units, rows, biases):
        self._units, self._rows, self._biases = units, rows, biases
        super().__init__(
            {
                "beat": In(1),
                "unit": Out(range(max(2, units))),
                "row": Out(range(max(2, rows, biases))),
                "write": Out(1),
                "write_bias": Out(1),
                "last": Out(1),
            }
        )

    @property
    def beats(self):
        """Number of beats in this engine's part of a load."""
        return self._rows * self._units + self._biases

    def elaborate(self, platform):
        m = Module()
        in_biases, ends = Signal(), Signal()
        last_unit = self.unit == self._units - 1
        m.d.comb += [
            self.write.eq(self.beat & ~in_biases),
            self.write_bias.eq(self.beat & in_biases),
            self.last.eq(self.write_bias & (self.row == self._biases - 1)),
            ends.eq(self.last | (self.write & last_unit & (self.row == self._rows - 1))),
        ]
        with m.If(self.write):
            m.d.sync += self.unit.eq(self.unit + 1)
            with m.If(last_unit):
                m.d.sync += self.unit.eq(0)
        with m.If(self.write_bias | (self.write & last_unit)):
            m.d.sync += self.row.eq(self.row + 1)
        with m.If(ends):
            m.d.sync += [self.row.eq(0), in_biases.eq(~in_biases)]
        return m


class Turnstile(wiring.Component):
    """Admits images while there is no load, and a load while no image is inside.

    A load takes effect with its last beat; until then no image starts. After a reset in the middle of a load, the
    network waits for a whole load.

    Parameters
    ----------
    beats : int
        Beats of an image.
    most : int
        Most images that may be in the network at the same time; no further one is let in then.

    Members
    -------
    p : In(stream.Signature(0))
        Handshake of the load; its payload does not pass through here.
    last : In(1)
        The beat of `p` that is taken is the last one.
    i_beat, o_beat : In(1)
        A beat of an image is taken in this cycle; a result is taken in this cycle.
    enter : Out(1)
        A beat of an image may be taken.
    at_rest : Out(1)
        No image is inside.
    """

    def __init__(self, beats, most):
        self._beats, self._most = beats, most
        super().__init__(
            {
                "p": In(stream.Signature(0)),
                "last": In(1),
                "i_beat": In(1),
                "o_beat": In(1),
                "enter": Out(1),
                "at_rest": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        index, begun = Signal(range(max(2, self._beats))), Signal()
        inside = Signal(ceil_log2(self._most + 1))
        # Without reset: a load that a reset interrupts stays incomplete.
        loaded = Signal(init=1, reset_less=True)
        m.d.comb += [
            self.at_rest.eq(inside == 0),
            self.p.ready.eq(self.at_rest),
            self.enter.eq((index != 0) | (loaded & ~self.p.valid & (inside != self._most))),
            begun.eq(self.i_beat & (index == 0)),
        ]
        with m.If(self.i_beat):
            m.d.sync += index.eq(index + 1)
            with m.If(index == self._beats - 1):
                m.d.sync += index.eq(0)
        m.d.sync += inside.eq(inside + begun - self.o_beat)
        with m.If(self.p.valid & self.p.ready):
            m.d.sync += loaded.eq(self.last)
        return m
