"""Tile architecture: all inputs of all outputs in one cycle, usually with parameters that stay."""

from amaranth.hdl import Cat, ClockSignal, Module, Signal

from ...synapse import Addend
from ..summing.heap import summation
from ..summing.primitives import hold
from ..summing.requantise import Requantise
from ..summing.sharing import share
from ..summing.terms import Terms
from ..summing.tree import Leaf, normalise
from .architecture import Architecture

__all__ = ["Tile"]


class Tile(Architecture):
    """Computes all terms of all outputs in one cycle, between two rows of registers.

    ::

        i --> [registers] --> terms, sum, [requantise] --> [registers] --> o
        p --> [parameters: latches or registers, one clock gate] --^

    A vector is accepted in every cycle (initiation interval 1). The whole sum is one combinational path, as in a
    weight-stationary tile on standard cells, for which ``arithmetic = "heap"`` is meant. Every row of registers has
    one clock gate.

    Parameters
    ----------
    kernel : Kernel

    Attributes
    ----------
    latency : int
        Cycles from a vector's acceptance to its result, if nothing stalls: 2.

    Members
    -------
    i, o : In, Out(stream.Signature)
        Vector (with its parameters for storage `ports`), result vector.
    p : In(stream.Signature)
        Only for storage `memory`: all parameters in one beat. It is taken in the cycle after the one in which it is
        written; latches are transparent in between.
    may_start, restart
        Only for storage `memory`; see `Architecture`.
    """

    latency = 2
    interval = 1

    def elaborate(self, platform):
        kernel = self._kernel
        m = Module()
        clock = ClockSignal()

        # The pipeline moves when the vector at its end is taken, or there is none.
        enable, held = Signal(), Signal()
        accepted = self.i.valid & self.i.ready
        m.d.comb += enable.eq(self.o.ready | ~self.o.valid)
        with m.If(enable):
            m.d.sync += [held.eq(accepted), self.o.valid.eq(held)]

        # Parameters.
        words, biases = self._parameters(m, platform, clock, ~held & ~self.o.valid)
        if kernel.storage == "memory":
            m.d.comb += self.i.ready.eq(enable & self.may_start)
        else:
            m.d.comb += self.i.ready.eq(enable)

        # Input registers.
        vector = Signal(kernel.layout_i, name="vector", reset_less=True)
        pairs = [(vector.as_value(), self.i.payload.as_value())]
        hold(m, platform, clock, pairs, accepted, "inputs")
        x = vector
        if kernel.storage == "ports":
            x = vector.x
            words = [
                [vector.p.synapses[j][i] for i in range(kernel.inputs)]
                for j in range(kernel.outputs)
            ]
            if kernel.port_bias is not None:
                biases = list(vector.p.bias)

        terms, results = Terms(kernel.synapse, kernel.storage == "ports" and not kernel.folded), []
        rows = [self._row(terms, j, x, words) for j in range(kernel.outputs)]
        if (kernel.storage, kernel.arithmetic, kernel.sharing) == ("constant", "heap", "pairs"):
            rows = self._shared(m, rows)
        for j, row in enumerate(rows):
            total = self._sum(m, j, *row, biases)
            if kernel.output is not None:
                requantise = Requantise(kernel.sum_format, kernel.shift, kernel.output)
                m.submodules[f"requantise_{j}"] = requantise
                m.d.comb += requantise.z.eq(total)
                total = requantise.y
            result = Signal(len(total), name=f"result_{j}", reset_less=True)
            m.d.comb += self.o.payload[j].eq(result)
            results.append((result, total))
        m.d.comb += [signal.eq(value) for signal, value in terms.connected(m)]
        hold(m, platform, clock, results, enable & held, "results")
        return m

    def _row(self, terms, j, x, words):
        """What is added for one output: pairs of value and leaf, and a constant."""
        kernel = self._kernel
        pairs, constant = [], kernel.start(j)
        for i in range(kernel.inputs):
            name = f"{i}_{j}"
            if kernel.storage == "constant":
                more, owed = terms.constant(x[i], kernel.constants(j, i), name)
            else:
                more, owed = terms.runtime(x[i], words[j][i], name, kernel.polarity[i])
            pairs += more
            constant += owed
        return pairs, constant

    def _shared(self, m, rows):
        """The same rows after `share`: terms that several outputs have in common are added once."""
        sums = [
            [
                Addend(v, -leaf.scale if leaf.negative else leaf.scale, leaf.high)
                for v, leaf in pairs
            ]
            for pairs, _ in rows
        ]
        sums, made = share(sums)
        m.d.comb += [signal.eq(value) for signal, value in made]
        found = []
        for addends, (_, constant) in zip(sums, rows, strict=True):
            pairs, owed = normalise(addends)
            found.append((pairs, constant + owed))
        return found

    def _sum(self, m, j, pairs, constant, biases):
        """The sum of one output, with its bias."""
        kernel = self._kernel
        width = kernel.sum_format.bits
        if biases is not None:
            bias = Signal(width, name=f"bias_{j}")
            m.d.comb += bias.eq(biases[j])
            pairs = [*pairs, (bias, Leaf((1 << width) - 1))]
        if kernel.storage == "memory" or kernel.folded:
            constant = 0  # in the bias already
        leaves = [leaf for _, leaf in pairs]
        adder = summation(kernel)(leaves, width, registered=False, constant=constant)
        m.submodules[f"sum_{j}"] = adder
        for k, (value, _) in enumerate(pairs):
            m.d.comb += getattr(adder, f"leaf_{k}").eq(value)
        return adder.total

    def _parameters(self, m, platform, clock, idle):
        """Parameter words [output][input] and start values of storage `memory`, or (None, None)."""
        kernel = self._kernel
        if kernel.storage != "memory":
            return None, None
        # Without reset: a load that a reset interrupts stays incomplete.
        opened, open_ = Signal(), Signal()
        loaded = Signal(init=int(kernel.initialised), reset_less=True)
        m.d.comb += [
            open_.eq(self.p.valid & idle & ~opened),
            self.p.ready.eq(opened),
            self.may_start.eq(loaded & ~self.p.valid),
        ]
        m.d.sync += opened.eq(open_)
        with m.If(open_ | self.restart):
            m.d.sync += loaded.eq(0)
        with m.Elif(opened & self.p.valid):  # a reset may have withdrawn the beat
            m.d.sync += loaded.eq(1)

        bits, width = kernel.synapse.word_bits, kernel.sum_format.bits
        words, biases, pairs, at = [], [], [], 0
        for j in range(kernel.outputs):
            row = []
            for i in range(kernel.inputs):
                init = kernel.initial_words[j][i] if kernel.initialised else 0
                row.append(Signal(bits, name=f"word_{j}_{i}", init=init, reset_less=True))
            start = kernel.initial_starts[j] if kernel.initialised else 0
            biases.append(Signal(width, name=f"start_{j}", init=start, reset_less=True))
            for register in (*row, biases[j]):
                pairs.append((register, Cat(self.p.payload)[at : at + len(register)]))
                at += len(register)
            words.append([kernel.synapse.word(word) for word in row])
        latch = kernel.registers == "latch"
        hold(m, platform, clock, pairs, open_, "parameters", latch=latch)
        return words, biases
