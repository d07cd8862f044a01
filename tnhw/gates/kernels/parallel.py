"""Parallel architecture: a whole vector in each cycle, and a pipelined adder tree for each output."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring

from ..summing.heap import summation
from ..summing.requantise import Requantise
from ..summing.terms import Terms, direct
from ..summing.tree import AdderTree, Leaf
from .architecture import Architecture
from .loader import Loader

__all__ = ["Parallel"]


class Parallel(Architecture):
    """Computes all terms of all outputs in one cycle.

    ::

        i --> lanes --> adder tree, a register after each level --> [requantise] --> o

    A vector is accepted in every cycle (initiation interval 1). The pipeline moves in lock-step: when the vector at
    its end is taken, or there is none.

    Parameters
    ----------
    kernel : Kernel

    Attributes
    ----------
    latency : int
        Cycles from a vector's acceptance to its result, if nothing stalls: 1 + adder levels + (1 with `output`). A bit
        heap is one level.

    Members
    -------
    i, o : In, Out(stream.Signature)
        Vector (with its parameters for storage `ports`), result vector.
    p, may_start, restart
        Only for storage `memory`; see `Architecture`.
    """

    interval = 1

    def __init__(self, kernel):
        super().__init__(kernel)
        self._plan()

    @property
    def tree(self):
        """Adder tree of output 0, or None if the kernel has bit heaps instead."""
        tree, _ = self._trees[0]
        return tree if isinstance(tree, AdderTree) else None

    @property
    def latency(self):
        return max(1, self._levels + 1) + (self._kernel.output is not None)

    def _plan(self):
        """Make leaves, trees and parameter registers, which `elaborate` connects."""
        kernel = self._kernel
        runtime_remainder = kernel.storage == "ports" and not kernel.folded
        self._terms = Terms(kernel.synapse, runtime_remainder)
        self._words, self._biases = [], []
        payload = self.i.payload
        x = payload.x if kernel.storage == "ports" else payload
        x = [direct(element) for element in x]
        rows = payload.p.synapses if kernel.storage == "ports" else None
        sums = []
        for j in range(kernel.outputs):
            row = rows[j] if rows is not None else None  # once: Amaranth looks at a whole layout
            leaves, constant = [], kernel.start(j)
            for i in range(kernel.inputs):
                name = f"{i}_{j}"
                if kernel.storage == "constant":
                    more, owed = self._terms.constant(x[i], kernel.constants(j, i), name)
                else:
                    more, owed = self._terms.runtime(
                        x[i], self._word(j, i, row), name, kernel.polarity[i]
                    )
                leaves += more
                constant += owed
            sums.append((leaves, constant))
        self._delays = []
        self._trees = [self._tree(j, *sums[j]) for j in range(kernel.outputs)]
        self._levels = max(tree.levels for tree, _ in self._trees)

    def _word(self, j, i, row):
        kernel = self._kernel
        if row is not None:
            return direct(row[i])
        init = kernel.initial_words[j][i] if kernel.initialised else 0
        word = Signal(kernel.synapse.word_bits, name=f"word_{j}_{i}", init=init, reset_less=True)
        self._words.append(word)
        return kernel.synapse.word(word)

    def _bias(self, j):
        """The bias at run time, in the same cycle as the lanes; None if there is none."""
        kernel = self._kernel
        width = kernel.sum_format.bits
        if kernel.storage == "memory":
            init = kernel.initial_starts[j] if kernel.initialised else 0
            self._biases.append(Signal(width, name=f"bias_{j}", init=init, reset_less=True))
            return self._biases[j]
        if kernel.storage == "ports" and kernel.bias is not None:
            register = Signal(width, name=f"bias_{j}", reset_less=True)
            self._delays.append((register, self.i.payload.p.bias[j]))
            return self._delays[j][0]
        return None

    def _tree(self, j, leaves, constant):
        """The adder tree of one output, and the values and leaves that it adds."""
        kernel = self._kernel
        width = kernel.sum_format.bits
        bias = self._bias(j)
        if bias is not None:
            static = kernel.storage == "memory"
            leaves = [*leaves, (bias, Leaf((1 << width) - 1, static=static))]
        if kernel.storage == "memory" or kernel.folded:
            constant = 0  # in the bias already
        adder = summation(kernel)
        return adder([leaf for _, leaf in leaves], width, constant=constant), leaves

    def elaborate(self, platform):
        kernel = self._kernel
        m = Module()

        # The pipeline moves when the vector at its end is taken, or there is none.
        enable = Signal()
        m.d.comb += enable.eq(self.o.ready | ~self.o.valid)
        valids = Signal(self.latency)
        start = self.i.valid
        m.d.comb += self.o.valid.eq(valids[-1])

        if kernel.storage == "memory":
            loader = Loader(
                kernel.inputs, kernel.outputs, kernel.width_p, initialised=kernel.initialised
            )
            m.submodules.loader = loader
            wiring.connect(m, wiring.flipped(self.p), loader.p)
            m.d.comb += [
                loader.idle.eq(~valids.any()),
                loader.restart.eq(self.restart),
                self.may_start.eq(loader.ready),
                self.i.ready.eq(enable & loader.ready),
            ]
            start = start & loader.ready
            # Words move along a chain of registers; after a whole load each is in its place.
            for write, chain in (
                (loader.write_synapse, self._words),
                (loader.write_bias, self._biases),
            ):
                with m.If(write):
                    for word, following in zip(chain, [*chain[1:], loader.word], strict=True):
                        m.d.sync += word.eq(following)
        else:
            m.d.comb += self.i.ready.eq(enable)

        with m.If(enable):
            m.d.sync += valids.eq(Cat(start, valids))

        # Lanes, and the parameters that travel with them.
        lanes = self._terms.connected(m)
        with m.If(enable):
            for signal, value in [*lanes, *self._delays]:
                m.d.sync += signal.eq(value)

        for j, (tree, leaves) in enumerate(self._trees):
            m.submodules[f"sum_{j}"] = tree
            m.d.comb += tree.enable.eq(enable)
            for k, (value, _) in enumerate(leaves):
                m.d.comb += getattr(tree, f"leaf_{k}").eq(value)
            total = tree.total
            for level in range(tree.levels, self._levels):
                delayed = Signal.like(total, name=f"sum_{j}_wait{level}")
                with m.If(enable):
                    m.d.sync += delayed.eq(total)
                total = delayed
            if kernel.output is None:
                m.d.comb += self.o.payload[j].eq(total)
                continue
            requantise = Requantise(kernel.sum_format, kernel.shift, kernel.output)
            m.submodules[f"requantise_{j}"] = requantise
            m.d.comb += requantise.z.eq(total)
            result = Signal(kernel.output.shape, name=f"y_{j}", reset_less=True)
            with m.If(enable):
                m.d.sync += result.eq(requantise.y)
            m.d.comb += self.o.payload[j].eq(result)
        return m
