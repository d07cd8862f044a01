"""From the sums of a group of outputs to results, a few a cycle."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..summing.requantise import Requantise
from .sequencer import select
from .skid import Skid

__all__ = ["Drain"]

BLOCK_ROM_BITS = 256


class Drain(wiring.Component):
    """Takes the sums of a group at once, adds biases and requantises as they leave.

    ::

        sums --> shift register --> + bias --> register --> requantise --> two places --> o

    Parameters
    ----------
    stages : list of Stage
        Layers whose sums come.
    sum_format : Format
        Of a sum with its bias and rounding constant.
    output : Format
        Of an element of `o`.

    Members
    -------
    load : In(1), sums : In
        A group arrives; only after `ready_next`.
    ready_next : Out(1)
        A group may arrive in the next cycle.
    layer, closing, leave : In
        Of the group, see :class:`~tnhw.gates.engine.sequencer.Sequencer`.
    o : Out(stream.Signature)
        Results in order, `drain` a beat.
    o_layer : Out
        To which layer they belong.
    write, write_row, write_data : In
        Where parameters may change: a row of biases.
    """

    latency = 3  # cycles from `load` to the first beat

    def __init__(self, stages, sum_format, output):
        self._stages, self._sum_format, self._output = stages, sum_format, output
        fold = stages[0].fold
        layer = range(max(2, len(stages)))
        super().__init__(
            {
                "load": In(1),
                "sums": In(ArrayLayout(sum_format.bits, fold.units)),
                "ready_next": Out(1),
                "layer": In(layer),
                "closing": In(1),
                "leave": In(1),
                "o": Out(stream.Signature(ArrayLayout(output.shape, fold.drain))),
                "o_layer": Out(layer),
            }
            | (_writes(stages, sum_format) if stages[0].loadable else {})
        )

    def elaborate(self, platform):
        m = Module()
        stages, d = self._stages, self._stages[0].fold.drain
        bits, units = self._sum_format.bits, stages[0].fold.units
        beats = units // d

        # The group, and how many beats of it are left: none, one, or more.
        group = [Signal(bits, name=f"sum_{k}", reset_less=True) for k in range(units)]
        left = Signal(range(beats + 1), reset_less=True)
        some, one = Signal(), Signal()
        layer = Signal.like(self.layer, reset_less=True)
        closing, leave = Signal(reset_less=True), Signal(reset_less=True)
        moves = Signal()
        m.submodules.skid = skid = Skid(
            StructLayout({"results": self.o.payload.shape(), "layer": len(self.layer)})
        )
        rests = [stage.beats[1] for stage in stages]
        some_next, one_next = Signal(), Signal()
        m.d.comb += [
            some_next.eq(self.load | (some & ~(one & moves))),
            one_next.eq(Mux(moves, left == 2, one)),
            self.ready_next.eq(~some_next | (one_next & skid.ready_next)),
        ]
        m.d.sync += [some.eq(some_next), one.eq(one_next)]
        with m.If(moves):
            m.d.sync += left.eq(left - 1)
        with m.If(self.load):
            ones = select([int(number == 1) for number in rests], self.layer)
            m.d.comb += one_next.eq(Mux(self.closing, ones, int(beats == 1)))
            m.d.sync += [
                left.eq(Mux(self.closing, select(rests, self.layer), beats)),
                layer.eq(self.layer),
                closing.eq(self.closing),
                leave.eq(self.leave),
            ]
        with m.If(self.load | moves):
            for k, register in enumerate(group):
                later = group[k + d] if k + d < units else register
                m.d.sync += register.eq(Mux(self.load, self.sums[k], later))

        # Biases in the order in which results leave.
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
            m.d.comb += read.en.eq(~self.write)  # never both, so nothing needs to be bypassed
        shape = range(max(2, len(rows)))
        index, following = Signal(shape), Signal(shape, init=min(1, len(rows) - 1))
        steps = Signal()
        m.d.comb += [steps.eq(moves & some), read.addr.eq(Mux(steps, following, index))]
        with m.If(steps):
            m.d.sync += [
                index.eq(following),
                following.eq(Mux(following == len(rows) - 1, 0, following + 1)),
            ]
        if len(stages) > 1 and any(stage.layer.positions > 1 for stage in stages):
            # Where a layer is not over at its last output, its biases begin again.
            again = closing & one & ~leave
            # The row after the first one of the last layer may be the first of all.
            base = select(bases, layer)
            second = select([(base + 1) % len(rows) for base in bases], layer)
            m.d.comb += read.addr.eq(Mux(steps, Mux(again, base, following), index))
            with m.If(steps & again):
                m.d.sync += [index.eq(base), following.eq(second)]

        # Sum with bias, then the result.
        full, total_layer = Signal(), Signal.like(layer)
        totals = [
            Signal(self._sum_format.shape, name=f"total_{k}", reset_less=True) for k in range(d)
        ]
        m.d.comb += [moves.eq(skid.i.ready), skid.i.valid.eq(full)]
        with m.If(moves):
            m.d.sync += [full.eq(some), total_layer.eq(layer)]
            for k, total in enumerate(totals):
                m.d.sync += total.eq(group[k] + read.data.word_select(k, bits))
        kinds = [(stage.kernel.shift, stage.kernel.output) for stage in stages]
        for k, total in enumerate(totals):
            results = {}
            for kind in dict.fromkeys(kinds):
                shift, output = kind
                if output is None:
                    results[kind] = total
                    continue
                name = f"requantise_{k}_{len(results)}"
                m.submodules[name] = part = Requantise(self._sum_format, shift, output)
                m.d.comb += part.z.eq(total)
                results[kind] = part.y
            value = results[kinds[-1]]
            for number, kind in enumerate(kinds[:-1]):
                if kind != kinds[-1]:
                    value = Mux(total_layer == number, results[kind], value)
            m.d.comb += skid.i.payload.results[k].eq(value)
        m.d.comb += [
            skid.i.payload.layer.eq(total_layer),
            self.o.payload.eq(skid.o.payload.results),
            self.o_layer.eq(skid.o.payload.layer),
            self.o.valid.eq(skid.o.valid),
            skid.o.ready.eq(self.o.ready),
        ]
        return m


def _writes(stages, sum_format):
    rows = sum(len(stage.biases(sum_format.bits)) for stage in stages)
    data = sum_format.bits * stages[0].fold.drain
    return {"write": In(1), "write_row": In(range(max(2, rows))), "write_data": In(data)}
