"""From the sums of a group of outputs to results, of which a few leave in each cycle."""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .loops import select
from .results import later
from .skid import Skid

__all__ = ["Drain"]

BLOCK_ROM_BITS = 256


class Drain(wiring.Component):
    """Takes the sums of a whole group in one cycle, adds biases, and makes results of them as they leave.

    The sums of images side by side leave in the same cycles, each with a results part of its own.

    ::

        sums --> shift register --> + bias --> register --> results --> two places --> o

    Parameters
    ----------
    stages : list of Stage
        The layers whose sums arrive.
    sum_format : Format
        Format of a sum with its bias and rounding constant.
    output : Format
        Format of an element of `o`.

    Members
    -------
    load : In(1), sums : In
        The sums of a group arrive; only in a cycle after `ready_next`.
    ready_next : Out(1)
        A group may arrive in the next cycle.
    layer, closing, leave : In
        Flags of the group; see :class:`~tnhw.gates.engine.sequencer.Sequencer`.
    o : Out(stream.Signature)
        Results in order, `drain` of them in each beat.
    o_layer : Out
        The layer to which these results belong.
    write, write_row, write_data : In
        Only if parameters can be loaded: writes a row of biases.
    """

    @staticmethod
    def latency_of(stages):
        """Cycles from `load` to the first beat."""
        return 3 + max(stage.plan.latency for stage in stages)

    def __init__(self, stages, sum_format, output):
        self._stages, self._sum_format, self._output = stages, sum_format, output
        fold = stages[0].fold
        layer = range(max(2, len(stages)))
        super().__init__(
            {
                "load": In(1),
                "sums": In(ArrayLayout(sum_format.bits, fold.units * fold.images)),
                "ready_next": Out(1),
                "layer": In(layer),
                "closing": In(1),
                "leave": In(1),
                "o": Out(stream.Signature(ArrayLayout(output.shape, fold.drain * fold.images))),
                "o_layer": Out(layer),
            }
            | (_writes(stages, sum_format) if stages[0].loadable else {})
        )

    def elaborate(self, platform):
        m = Module()
        fold, bits = self._stages[0].fold, self._sum_format.bits
        # The sums of the group, and the number of beats that are left of it.
        group = [
            Signal(bits, name=f"sum_{k}", reset_less=True) for k in range(fold.units * fold.images)
        ]
        left = Signal(range(fold.units // fold.drain + 1), reset_less=True)
        some, one = Signal(), Signal()
        layer = Signal.like(self.layer, reset_less=True)
        closing, leave = Signal(reset_less=True), Signal(reset_less=True)
        moves = Signal()
        held = _Group(group, left, some, one, layer, closing, leave)
        m.submodules.skid = skid = Skid(
            StructLayout({"results": self.o.payload.shape(), "layer": len(self.layer)})
        )
        self._group(m, held, moves, skid)
        biases, row = self._biases(m, held, moves)
        self._totals(m, held, moves, biases, row, skid)
        return m

    def _group(self, m, held, moves, skid):
        """Take a group, and shift it by one beat of results whenever the drain moves."""
        stages, fold = self._stages, self._stages[0].fold
        beats, step = fold.units // fold.drain, fold.drain * fold.images
        rests = [stage.beats[1] for stage in stages]
        # Whether a group may arrive must be known one cycle ahead, as the enable of the engine is a register.
        # Therefore `some` and `one` are registers of their own, whose next values are known.
        some_next, one_next = Signal(), Signal()
        m.d.comb += [
            some_next.eq(self.load | (held.some & ~(held.one & moves))),
            one_next.eq(Mux(moves, held.left == 2, held.one)),
            self.ready_next.eq(~some_next | (one_next & skid.ready_next)),
        ]
        m.d.sync += [held.some.eq(some_next), held.one.eq(one_next)]
        with m.If(moves):
            m.d.sync += held.left.eq(held.left - 1)
        with m.If(self.load):
            ones = select([int(number == 1) for number in rests], self.layer)
            m.d.comb += one_next.eq(Mux(self.closing, ones, int(beats == 1)))
            m.d.sync += [
                held.left.eq(Mux(self.closing, select(rests, self.layer), beats)),
                held.layer.eq(self.layer),
                held.closing.eq(self.closing),
                held.leave.eq(self.leave),
            ]
        with m.If(self.load | moves):
            for k, register in enumerate(held.sums):
                later = held.sums[k + step] if k + step < len(held.sums) else register
                m.d.sync += register.eq(Mux(self.load, self.sums[k], later))

    def _biases(self, m, held, moves):
        """Make the memory of biases, in the order in which results leave; returns the biases of a beat, and their row."""
        stages, d, bits = self._stages, self._stages[0].fold.drain, self._sum_format.bits
        rows, bases = [], []
        for stage in stages:
            bases.append(len(rows))
            rows += [
                sum(bias << (k * bits) for k, bias in enumerate(row)) for row in stage.biases(bits)
            ]
        style = {"rom_style": "block"} if len(rows) * d * bits >= BLOCK_ROM_BITS else {}
        m.submodules.biases = memory = Memory(
            shape=bits * d, depth=max(2, len(rows)), init=rows, attrs=style
        )
        if stages[0].loadable:
            write = memory.write_port()
            m.d.comb += [
                write.en.eq(self.write),
                write.addr.eq(self.write_row),
                write.data.eq(self.write_data),
            ]
        read = memory.read_port()
        if stages[0].loadable:
            m.d.comb += read.en.eq(~self.write)  # never both at once, so no bypass is needed
        shape = range(max(2, len(rows)))
        # The next row is a register too. The address of the memory, which is slow, then comes from registers and
        # one multiplexer, without an adder.
        index, following = Signal(shape), Signal(shape, init=min(1, len(rows) - 1))
        steps = Signal()
        m.d.comb += [steps.eq(moves & held.some), read.addr.eq(Mux(steps, following, index))]
        with m.If(steps):
            m.d.sync += [
                index.eq(following),
                following.eq(Mux(following == len(rows) - 1, 0, following + 1)),
            ]
        if len(stages) > 1 and any(stage.layer.positions > 1 for stage in stages):
            # If a layer has more positions after its last output, its biases begin again.
            again = held.closing & held.one & ~held.leave
            # The last layer may have one row only; then the first row of all follows.
            base = select(bases, held.layer)
            second = select([(base + 1) % len(rows) for base in bases], held.layer)
            m.d.comb += read.addr.eq(Mux(steps, Mux(again, base, following), index))
            with m.If(steps & again):
                m.d.sync += [index.eq(base), following.eq(second)]
        return read.data, index

    def _totals(self, m, held, moves, biases, row, skid):
        """Add the biases, register the totals, and make results of them as the plan of their layer says."""
        stages, bits = self._stages, self._sum_format.bits
        d, images = stages[0].fold.drain, stages[0].fold.images
        plans = [stage.plan for stage in stages]
        valid, layer = Signal(name="valid_0"), Signal.like(held.layer, name="layer_0")
        totals = [
            Signal(self._sum_format.shape, name=f"total_{k}", reset_less=True)
            for k in range(d * images)
        ]
        total_row = Signal.like(row, name="total_row", reset_less=True)
        m.d.comb += moves.eq(skid.i.ready)
        with m.If(moves):
            m.d.sync += [valid.eq(held.some), layer.eq(held.layer), total_row.eq(row)]
            for k, total in enumerate(totals):
                m.d.sync += total.eq(held.sums[k] + biases.word_select(k // images, bits))
        depth = max(plan.latency for plan in plans)
        results = {}
        for number, plan in enumerate(plans):
            if plan.kind in results:  # layers with plans of one kind share gates
                continue
            results[plan.kind] = found = [None] * len(totals)
            for image in range(images):
                gates = plan.gates(self._sum_format, plans, d)
                name = f"{number}" if images == 1 else f"{number}_{image}"
                m.submodules[f"results_{name}"] = gates
                m.d.comb += [gates.enable.eq(moves), gates.valid.eq(valid), gates.row.eq(total_row)]
                m.d.comb += [z.eq(totals[k * images + image]) for k, z in enumerate(gates.z)]
                late = later(m, Value.cast(gates.y), moves, f"y_{name}", depth - plan.latency)
                element = gates.y.shape().elem_shape
                for k in range(d):
                    part = late.word_select(k, element.width)
                    found[k * images + image] = part.as_signed() if element.signed else part
        valid = later(m, valid, moves, "valid", depth, reset_less=False)
        layer = later(m, layer, moves, "layer", depth)
        for k in range(d * images):
            value = results[plans[-1].kind][k]
            for number, plan in enumerate(plans[:-1]):
                if plan.kind != plans[-1].kind:
                    value = Mux(layer == number, results[plan.kind][k], value)
            m.d.comb += skid.i.payload.results[k].eq(value)
        m.d.comb += [
            skid.i.valid.eq(valid),
            skid.i.payload.layer.eq(layer),
            self.o.payload.eq(skid.o.payload.results),
            self.o_layer.eq(skid.o.payload.layer),
            self.o.valid.eq(skid.o.valid),
            skid.o.ready.eq(self.o.ready),
        ]


@dataclass(frozen=True)
class _Group:
    """Registers of the group that is leaving.

    `sums` shift down by one beat of results at a time; `left` counts the beats that are left, `some` says that it is
    not 0, and `one` that it is 1. `layer`, `closing` and `leave` are the flags with which the group arrived.
    """

    sums: list[Signal]
    left: Signal
    some: Signal
    one: Signal
    layer: Signal
    closing: Signal
    leave: Signal


def _writes(stages, sum_format):
    rows = sum(len(stage.biases(sum_format.bits)) for stage in stages)
    data = sum_format.bits * stages[0].fold.drain
    return {"write": In(1), "write_row": In(range(max(2, rows))), "write_data": In(data)}
