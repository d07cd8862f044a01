"""AXI4-Stream ports around a network."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from ..framing import drop_rest, members, whole_bytes

__all__ = ["AxiChain"]


class AxiChain(wiring.Component):
    """A network's streams as AXI4-Stream, with the usual names of ports.

    A beat has the elements of a word of the first layer, and a result is one beat. Each element takes whole bytes,
    sign- or zero-extended, with element 0 in the low bytes. The last beat of a vector has `tlast`.

    A vector with a wrong `tlast` gives no result, and `error` is high for one cycle, the one after the beat that shows
    the fault. As its beats are in the network by then, the network is given as many more as are missing, with whatever
    the port shows, and the result is dropped; vectors after it wait until then. If `tlast` is missing on the last beat,
    all further beats up to and including the next one with `tlast` are dropped at once. A load of parameters is framed
    in the same way; after a wrong one, vectors wait for a whole load.

    Parameters
    ----------
    core : Chain
    input, output : Format
        Of an element of a vector, and of a result.
    outputs : int
        Elements of a result.
    beats, beats_p : int
        Beats of a vector, and of a load of parameters, which is 0 if there is none.

    Attributes
    ----------
    sink_beats, source_beats : int
        Beats of a vector, and of a result.

    Its members are those of `tnhw.gates.framing.members`.
    """

    source_beats = 1

    def __init__(self, core, *, input, output, outputs, beats, beats_p):
        self._core = core
        self._input, self._output, self._outputs = input, output, outputs
        self._beats, self._beats_p = beats, beats_p
        self._elements = len(Value.cast(core.i.payload)) // input.bits
        vector = 8 * whole_bytes(input) * self._elements
        result = 8 * whole_bytes(output) * outputs
        super().__init__(members(vector, result, len(core.p.payload) if beats_p else 0))

    @property
    def core(self):
        return self._core

    @property
    def sink_beats(self):
        return self._beats

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = self._core
        # Without reset: a load that a reset interrupts stays incomplete, as in the network itself.
        void = Signal(reset_less=True)
        errors = [self._vectors(m, void)]
        if self._beats_p:
            errors.append(self._load(m, void))
        m.d.sync += self.error.eq(Cat(errors).any())
        return m

    def _vectors(self, m, void):
        """Connect vectors and results; returns the bit that says that a `tlast` is wrong."""
        core = self._core
        position = Signal(range(max(2, self._beats)))
        at_end = position == self._beats - 1
        filling, dropping, take = Signal(), Signal(), Signal()
        condemned = Signal()  # a vector is inside, or coming in, whose result is not wanted
        inside = Signal(range(core.images + 1))
        enters, leaves = Signal(), Signal()
        # No vector starts while another one is condemned, or the parameters are not all there.
        waits = condemned | void | (inside == core.images)
        passes = ~filling & ~dropping & ~(waits & (position == 0))
        step = 8 * whole_bytes(self._input)
        data = Cat(self.s_axis_tdata[k * step :][: self._input.bits] for k in range(self._elements))
        wrong = take & (self.s_axis_tlast != at_end)
        moves = core.i.valid & core.i.ready
        m.d.comb += [
            # What fills a discarded vector up is zeros, so that nothing unknown is computed with.
            core.i.payload.eq(data & ~filling.replicate(len(data))),
            core.i.valid.eq(filling | (self.s_axis_tvalid & passes)),
            self.s_axis_tready.eq(dropping | (core.i.ready & passes)),
            take.eq(self.s_axis_tvalid & core.i.ready & passes),
            enters.eq(moves & at_end),
            leaves.eq(core.o.valid & core.o.ready),
        ]
        with m.If(moves):
            m.d.sync += position.eq(Mux(at_end, 0, position + 1))
        m.d.sync += inside.eq(inside + enters - leaves)
        with m.If(wrong & ~at_end):
            m.d.sync += filling.eq(1)
        with m.Elif(enters):
            m.d.sync += filling.eq(0)
        drop_rest(
            m, dropping, take & at_end & ~self.s_axis_tlast, self.s_axis_tvalid, self.s_axis_tlast
        )

        # Results come in order, so a condemned one comes last of those inside.
        unwanted = condemned & ~filling & (inside == 1)
        step = 8 * whole_bytes(self._output)
        result = Value.cast(core.o.payload)
        width = self._output.bits
        for j in range(self._outputs):
            element = Signal(step, name=f"element_{j}")
            own = result[j * width :][:width]
            m.d.comb += [
                element.eq(own.as_signed() if self._output.signed else own),
                self.m_axis_tdata[j * step :][:step].eq(element),
            ]
        m.d.comb += [
            self.m_axis_tvalid.eq(core.o.valid & ~unwanted),
            self.m_axis_tlast.eq(1),
            core.o.ready.eq(self.m_axis_tready | unwanted),
        ]
        with m.If(wrong):
            m.d.sync += condemned.eq(1)
        with m.Elif(leaves & unwanted):
            m.d.sync += condemned.eq(0)
        return wrong

    def _load(self, m, void):
        """Connect the load; returns the bit that says that a `tlast` is wrong."""
        core = self._core
        position = Signal(range(max(2, self._beats_p)), name="load_position")
        at_end = position == self._beats_p - 1
        filling, dropping = Signal(name="load_filling"), Signal(name="load_dropping")
        take = Signal(name="load_take")
        passes = ~filling & ~dropping
        wrong = take & (self.s_axis_param_tlast != at_end)
        m.d.comb += [
            core.p.payload.eq(self.s_axis_param_tdata),
            core.p.valid.eq(filling | (self.s_axis_param_tvalid & passes)),
            self.s_axis_param_tready.eq(dropping | (core.p.ready & passes)),
            take.eq(self.s_axis_param_tvalid & core.p.ready & passes),
        ]
        with m.If(core.p.valid & core.p.ready):
            m.d.sync += position.eq(Mux(at_end, 0, position + 1))
            with m.If(at_end):
                m.d.sync += filling.eq(0)
        with m.If(take):
            m.d.sync += void.eq(~(at_end & self.s_axis_param_tlast))
            with m.If(wrong & ~at_end):
                m.d.sync += filling.eq(1)
        drop_rest(
            m, dropping, take & at_end & ~self.s_axis_param_tlast,
            self.s_axis_param_tvalid, self.s_axis_param_tlast,
        )  # fmt: skip
        return wrong
