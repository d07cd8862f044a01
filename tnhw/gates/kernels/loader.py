"""Loading of parameters through their own stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Loader"]


class Loader(wiring.Component):
    """Counts a load: output-major, the synapses of an output first, then its bias.

    A load begins when the kernel is idle and takes effect at its last beat; until then `ready`
    keeps the kernel from starting a vector. A reset in the middle of a load leaves the kernel
    waiting for a complete one.

    Parameters
    ----------
    inputs, outputs : int
    width : int
        Payload of a beat.
    initialised : bool
        Whether the parameters have initial contents, so that vectors may come before a load.

    Members
    -------
    p : In(stream.Signature(width))
    idle : In(1)
        No vector is in the kernel.
    restart : In(1)
        The load so far is void.
    write_synapse, write_bias : Out(1)
        This cycle's beat is the synapse [`row`, `column`], or the bias of `row`.
    column, row : Out
        Index of the beat.
    word : Out(width)
    ready : Out(1)
        Vectors may start.
    """

    def __init__(self, inputs, outputs, width, *, initialised):
        self._inputs = inputs
        self._outputs = outputs
        self._initialised = initialised
        super().__init__(
            {
                "p": In(stream.Signature(width)),
                "idle": In(1),
                "restart": In(1),
                "write_synapse": Out(1),
                "write_bias": Out(1),
                "column": Out(range(inputs + 1)),
                "row": Out(range(max(2, outputs))),
                "word": Out(width),
                "ready": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        beat = self.p.valid & self.p.ready
        at_bias = self.column == self._inputs
        # Not reset: what a reset interrupts stays incomplete.
        loaded = Signal(init=int(self._initialised), reset_less=True)

        m.d.comb += [
            self.p.ready.eq(self.idle),
            self.word.eq(self.p.payload),
            self.write_synapse.eq(beat & ~at_bias),
            self.write_bias.eq(beat & at_bias),
            self.ready.eq(loaded & ~self.p.valid),
        ]

        with m.If(beat):
            m.d.sync += loaded.eq(0)
            with m.If(~at_bias):
                m.d.sync += self.column.eq(self.column + 1)
            with m.Else():
                m.d.sync += [self.column.eq(0), self.row.eq(self.row + 1)]
                with m.If(self.row == self._outputs - 1):
                    m.d.sync += [self.row.eq(0), loaded.eq(1)]
        with m.If(self.restart):
            m.d.sync += [self.column.eq(0), self.row.eq(0), loaded.eq(0)]
        return m
