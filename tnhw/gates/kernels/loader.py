"""Loading of a kernel's parameters through a stream of their own."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Loader"]


class Loader(wiring.Component):
    """Counts the beats of a load: output by output, first the synapses of an output, then its bias.

    A load begins when no vector is in the kernel, and takes effect with its last beat; until then `ready` keeps the
    kernel from starting a vector. After a reset in the middle of a load, the kernel waits for a complete one.

    Parameters
    ----------
    inputs, outputs : int
    width : int
        Payload bits of a beat.
    initialised : bool
        Whether the parameters have initial values, so that vectors may come before a load.

    Members
    -------
    p : In(stream.Signature(width))
        The load.
    idle : In(1)
        No vector is in the kernel.
    restart : In(1)
        The load so far is void, and a whole one must follow.
    write_synapse, write_bias : Out(1)
        The beat that is taken in this cycle is the synapse [`row`, `column`], or the bias of output `row`.
    column, row : Out
        Index of the beat that is taken in this cycle, or that comes next.
    word : Out(width)
        Payload of the beat.
    ready : Out(1)
        A vector may start: parameters are complete, and no load is offered.
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
        # Without reset: a load that a reset interrupts stays incomplete.
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
