"""AXI4-Stream ports around a kernel."""

from math import ceil

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring

from ..framing import drop_rest, members, whole_bytes

__all__ = ["AxiStream"]


class AxiStream(wiring.Component):
    """A kernel's streams as AXI4-Stream, with the usual names of ports.

    Each element takes whole bytes, sign- or zero-extended, with element 0 in the low bytes. The last beat of a vector
    is padded with zeros and has `tlast`. If `tlast` comes too early, the vector is discarded, and the next beat starts
    a new one. If the last beat has no `tlast`, the vector is discarded, and so is every further beat up to and
    including the next one with `tlast`; these beats are taken at once. In both cases `error` is high for one cycle,
    the one after the beat that shows the fault. A load of parameters is framed in the same way; after a wrong one the
    kernel waits for a complete load.

    Parameters
    ----------
    core : Architecture

    Attributes
    ----------
    latency : int
        Cycles from the acceptance of a vector's last beat to its first result beat, if nothing stalls.
    interval : int
        Cycles from vector to vector, if nothing stalls.
    sink_beats, source_beats : int
        Beats of a vector, and of a result.

    Its members are those of `tnhw.gates.framing.members`; only storage `memory` has loads.
    """

    def __init__(self, core):
        self._core = core
        kernel = core.kernel
        self._sink_beat = min(kernel.beat or kernel.inputs, kernel.inputs)
        self._source_beat = min(kernel.beat or kernel.outputs, kernel.outputs)
        self._has_load = kernel.storage == "memory"
        self._streaming = "abort" in core.signature.members  # the core takes elements one by one
        vector = 8 * whole_bytes(kernel.input) * self._sink_beat
        result = 8 * whole_bytes(kernel.output_format) * self._source_beat
        super().__init__(members(vector, result, kernel.width_p if self._has_load else 0))

    @property
    def core(self):
        return self._core

    @property
    def sink_beats(self):
        return ceil(self._core.kernel.inputs / self._sink_beat)

    @property
    def source_beats(self):
        return ceil(self._core.kernel.outputs / self._source_beat)

    @property
    def interval(self):
        return max(self._core.interval, self.sink_beats, self.source_beats)

    @property
    def latency(self):
        kernel = self._core.kernel
        latency = self._core.latency + (self.source_beats > 1)
        if self._streaming:
            rest = kernel.inputs - (self.sink_beats - 1) * self._sink_beat
            return latency + (rest if self._sink_beat > 1 else 0)
        return latency + (self.sink_beats > 1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self._core

        # Framing of vectors. `busy`: a part of a vector is here; `start`: a new one may come.
        busy, start, wrong = Signal(name="busy"), Signal(name="start"), Signal(name="wrong")
        position = Signal(range(max(2, self.sink_beats)))
        at_end = position == self.sink_beats - 1
        take, dropping = Signal(name="take"), Signal(name="dropping")
        blocked = dropping | ~start & (position == 0)
        errors = [wrong]
        if self._streaming:
            held, ready = self._feed_elements(m, take & ~wrong, at_end, blocked)
        else:
            held, ready = self._feed_vector(m, take, wrong, at_end, blocked)
        m.d.comb += [
            self.s_axis_tready.eq(dropping | ready),
            take.eq(self.s_axis_tvalid & ready),
            wrong.eq(take & (self.s_axis_tlast != at_end)),
            busy.eq((position != 0) | held),
        ]
        with m.If(take):
            m.d.sync += position.eq(Mux(at_end | wrong, 0, position + 1))
        drop_rest(m, dropping, wrong, self.s_axis_tvalid, self.s_axis_tlast)

        # A load waits until the vectors before it are through, and vectors wait for a load.
        if self._has_load:
            errors.append(self._feed_load(m, busy))
            # In the cycle of a restart, `may_start` does not yet show that the parameters are void.
            m.d.comb += start.eq(core.may_start & ~self.s_axis_param_tvalid & ~core.restart)
        else:
            m.d.comb += start.eq(1)
        m.d.sync += self.error.eq(Cat(errors).any())
        if self._streaming:
            aborted = Signal()
            m.d.sync += aborted.eq(wrong)
            m.d.comb += core.abort.eq(aborted)

        self._drain(m)
        return m

    def _elements(self):
        """The elements of the beat at the input port."""
        kernel = self._core.kernel
        step = 8 * whole_bytes(kernel.input)
        return [self.s_axis_tdata[k * step :][: kernel.input.bits] for k in range(self._sink_beat)]

    def _feed_vector(self, m, take, wrong, at_end, blocked):
        """Collect a whole vector for the core; returns two bits: one is held, and a beat can be taken."""
        core, kernel = self._core, self._core.kernel
        data = Cat(self._elements())
        if self.sink_beats == 1:
            m.d.comb += [
                core.i.payload.eq(data),
                core.i.valid.eq(self.s_axis_tvalid & self.s_axis_tlast & ~blocked),
            ]
            return Const(0, 1), core.i.ready & ~blocked
        gathered = Signal(len(data) * self.sink_beats, reset_less=True)
        full = Signal()
        m.d.comb += [
            core.i.payload.eq(gathered[: kernel.inputs * kernel.input.bits]),
            core.i.valid.eq(full),
        ]
        with m.If(full & core.i.ready):
            m.d.sync += full.eq(0)
        with m.If(take):
            m.d.sync += gathered.eq(Cat(gathered[len(data) :], data))
            with m.If(at_end & ~wrong):
                m.d.sync += full.eq(1)
        return full, (~full | core.i.ready) & ~blocked

    def _feed_elements(self, m, take, at_end, blocked):
        """Give the core the elements of a beat one by one; returns the same bits as `_feed_vector`."""
        core, kernel = self._core, self._core.kernel
        elements = self._elements()
        if self._sink_beat == 1:
            m.d.comb += [
                core.i.payload.eq(elements[0]),
                core.i.valid.eq(take),
            ]
            return Const(0, 1), core.i.ready & ~blocked
        rest = kernel.inputs - (self.sink_beats - 1) * self._sink_beat
        held = Signal(kernel.input.bits * self._sink_beat, reset_less=True)
        left = Signal(range(self._sink_beat + 1))
        m.d.comb += [
            core.i.payload.eq(held[: kernel.input.bits]),
            core.i.valid.eq(left != 0),
        ]
        with m.If(core.i.valid & core.i.ready):
            m.d.sync += [held.eq(held >> kernel.input.bits), left.eq(left - 1)]
        with m.If(take):
            m.d.sync += [held.eq(Cat(elements)), left.eq(Mux(at_end, rest, self._sink_beat))]
        return left != 0, ((left == 0) | ((left == 1) & core.i.ready)) & ~blocked

    def _feed_load(self, m, busy):
        """Give the core a load of parameters; returns the bit that says that its framing is wrong."""
        core = self._core
        beats = core.kernel.beats_p
        position = Signal(range(max(2, beats)), name="load_position")
        at_end = position == beats - 1
        passes, wrong = Signal(name="load_passes"), Signal(name="load_wrong")
        restart, dropping = Signal(name="load_restart"), Signal(name="load_dropping")
        blocked = busy | restart | dropping
        m.d.comb += [
            passes.eq(~blocked & core.p.ready),
            self.s_axis_param_tready.eq(dropping | passes),
            wrong.eq(self.s_axis_param_tvalid & passes & (self.s_axis_param_tlast != at_end)),
            core.p.valid.eq(
                self.s_axis_param_tvalid & ~blocked & (self.s_axis_param_tlast == at_end)
            ),
            core.p.payload.eq(self.s_axis_param_tdata),
            core.restart.eq(restart),
        ]
        m.d.sync += restart.eq(wrong)
        with m.If(self.s_axis_param_tvalid & passes):
            m.d.sync += position.eq(Mux(at_end | wrong, 0, position + 1))
        drop_rest(m, dropping, wrong, self.s_axis_param_tvalid, self.s_axis_param_tlast)
        return wrong

    def _drain(self, m):
        """Send the result vector of the core in beats."""
        core, kernel = self._core, self._core.kernel
        step = 8 * whole_bytes(kernel.output_format)
        beats = []
        for j in range(self.source_beats * self._source_beat):
            element = Signal(step, name=f"element_{j}")
            if j < kernel.outputs:
                m.d.comb += element.eq(core.o.payload[j])
            beats.append(element)
        if self.source_beats == 1:
            m.d.comb += [
                self.m_axis_tdata.eq(Cat(beats)),
                self.m_axis_tvalid.eq(core.o.valid),
                self.m_axis_tlast.eq(1),
                core.o.ready.eq(self.m_axis_tready),
            ]
            return
        held = Signal(len(Cat(beats)), name="results", reset_less=True)
        left = Signal(range(self.source_beats + 1), name="results_left")
        m.d.comb += [
            self.m_axis_tdata.eq(held),
            self.m_axis_tvalid.eq(left != 0),
            self.m_axis_tlast.eq(left == 1),
            core.o.ready.eq((left == 0) | ((left == 1) & self.m_axis_tready)),
        ]
        with m.If(self.m_axis_tvalid & self.m_axis_tready):
            m.d.sync += [held.eq(held >> len(self.m_axis_tdata)), left.eq(left - 1)]
        with m.If(core.o.valid & core.o.ready):
            m.d.sync += [held.eq(Cat(beats)), left.eq(self.source_beats)]
