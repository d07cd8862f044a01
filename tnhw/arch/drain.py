"""From the sums of a group of outputs to results, a few a cycle."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .requantise import Requantise
from .sequencer import select

__all__ = ["Drain"]

BLOCK_ROM_BITS = 256


class Drain(wiring.Component):
    """Takes the sums of a group at once, adds biases and requantises as they leave.

    ::

        sums --> shift register --> + bias --> register --> requantise --> o

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
        A group arrives; only when `ready`.
    ready : Out(1)
    layer, closing, leave : In
        Of the group, see :class:`~tnhw.arch.sequencer.Sequencer`.
    o : Out(stream.Signature)
        Results in order, `drain` a beat.
    o_layer : Out
        To which layer they belong.
    """

    latency = 2  # cycles from `load` to the first beat

    def __init__(self, stages, sum_format, output):
        self._stages, self._sum_format, self._output = stages, sum_format, output
        fold = stages[0].fold
        layer = range(max(2, len(stages)))
        super().__init__(
            {
                "load": In(1),
                "sums": In(ArrayLayout(sum_format.bits, fold.units)),
                "ready": Out(1),
                "layer": In(layer),
                "closing": In(1),
                "leave": In(1),
                "o": Out(stream.Signature(ArrayLayout(output.shape, fold.drain))),
                "o_layer": Out(layer),
            }
        )

    def elaborate(self, platform):
        m = Module()
        stages, d = self._stages, self._stages[0].fold.drain
        bits, units = self._sum_format.bits, stages[0].fold.units
        beats = units // d

        # The group, and how many beats of it are left.
        group = [Signal(bits, name=f"sum_{k}") for k in range(units)]
        left = Signal(range(beats + 1))
        layer, closing, leave = Signal.like(self.layer), Signal(), Signal()
        moves = Signal()
        m.d.comb += self.ready.eq((left == 0) | ((left == 1) & moves))
        with m.If(moves & (left != 0)):
            m.d.sync += left.eq(left - 1)
        with m.If(self.load):
            rest = select([stage.beats[1] for stage in stages], self.layer)
            m.d.sync += [
                left.eq(Mux(self.closing, rest, beats)),
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
        read = memory.read_port()
        index, following = Signal(range(max(2, len(rows)))), Signal(range(max(2, len(rows))))
        m.d.comb += [read.addr.eq(following), following.eq(index)]
        with m.If(moves & (left != 0)):
            m.d.comb += following.eq(index + 1)
            with m.If(closing & (left == 1)):
                with m.If(~leave):
                    m.d.comb += following.eq(select(bases, layer))
                with m.Elif(layer == len(stages) - 1):
                    m.d.comb += following.eq(0)
        m.d.sync += index.eq(following)

        # Sum with bias, then the result.
        full = Signal()
        totals = [Signal(self._sum_format.shape, name=f"total_{k}") for k in range(d)]
        m.d.comb += [moves.eq(~full | self.o.ready), self.o.valid.eq(full)]
        with m.If(moves):
            m.d.sync += [full.eq(left != 0), self.o_layer.eq(layer)]
            for k, total in enumerate(totals):
                m.d.sync += total.eq(group[k] + read.data.word_select(k, bits))
        kinds = [(stage.layer.kernel.shift, stage.layer.kernel.output) for stage in stages]
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
                    value = Mux(self.o_layer == number, results[kind], value)
            m.d.comb += self.o.payload[k].eq(value)
        return m
