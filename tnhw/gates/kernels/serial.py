"""Serial architecture: one input in each cycle, and an accumulator for each output."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In

from ..summing.requantise import Requantise
from ..summing.terms import Terms
from ..summing.tree import AdderTree
from .architecture import Architecture
from .element import Element
from .loader import Loader

__all__ = ["Serial"]

BLOCK_ROM_BITS = 1024


class Serial(Architecture):
    """Computes one term of every output in each cycle.

    ::

        i --> [word of this input] --> term --> accumulator --> [requantise] --> o

    A vector takes `inputs` beats (initiation interval `inputs`), without a gap between vectors.

    Parameters
    ----------
    kernel : Kernel

    Attributes
    ----------
    latency : int
        Cycles from the acceptance of a vector's last element to its result, if nothing stalls: 2, one more with
        parameters in a memory or ROM, and one more with `output`.

    Members
    -------
    i, o : In, Out(stream.Signature)
        One element in each beat (with its parameters for storage `ports`; biases are read in the beat of the first
        element), result vector.
    abort : In(1)
        Discard the elements of the current vector; none is accepted in this cycle.
    p, may_start, restart
        Only for storage `memory`; see `Architecture`.
    """

    def __init__(self, kernel):
        super().__init__(kernel, abort=In(1))

    @property
    def interval(self):
        return self._kernel.inputs

    @property
    def latency(self):
        kernel = self._kernel
        return 2 + (kernel.storage != "ports") + (kernel.output is not None)

    def elaborate(self, platform):
        kernel = self._kernel
        m = Module()

        # The pipeline moves when the vector at its end is taken, or there is none.
        enable = Signal()
        m.d.comb += enable.eq(self.o.ready | ~self.o.valid)

        def step(name, values, *, data=False):
            """`values` one move of the pipeline later; `data` needs no reset."""
            later = [
                Signal.like(value, name=f"{name}_{k}", reset_less=data)
                for k, value in enumerate(values)
            ]
            with m.If(enable):
                m.d.sync += [new.eq(old) for new, old in zip(later, values, strict=True)]
            return later

        # The position in the vector, of which (valid, first, last) travel with each element.
        index = Signal(range(max(2, kernel.inputs)))
        first, last = index == 0, index == kernel.inputs - 1
        may_start, accepted = Signal(name="starts"), Signal(name="accepted")
        m.d.comb += [
            self.i.ready.eq(enable & ~self.abort & (may_start | ~first)),
            accepted.eq(self.i.valid & self.i.ready),
        ]
        with m.If(self.abort):
            m.d.sync += index.eq(0)
        with m.Elif(accepted):
            m.d.sync += index.eq(Mux(last, 0, index + 1))
        tokens = [(accepted, first, last)]

        # Parameter words of this input, one for each output, and the start values of the accumulators.
        loader = None
        if kernel.storage == "ports":
            x, p = self.i.payload.x, self.i.payload.p
            words, starts = [p.synapses[j] for j in range(kernel.outputs)], None
        else:
            if kernel.storage == "memory":
                m.submodules.loader = loader = Loader(
                    kernel.inputs, kernel.outputs, kernel.width_p, initialised=kernel.initialised
                )
            words, starts = self._stored(m, loader, index, enable)
            tokens.append(step("fetched", tokens[-1]))
            # With a reset: without one, synthesis takes the register into a memory in front of the kernel, whose output is slow.
            (x,) = step("x", [self.i.payload])

        # Terms and accumulators. An accumulator holds the result for one move after its last term.
        if kernel.arithmetic == "heap":
            totals = self._elements(m, step, enable, tokens, x, words, starts)
        else:
            totals = self._accumulators(m, step, enable, tokens, x, words, starts)
        valid, _, last = tokens[-1]
        done = [valid & last]
        done += step("done", done)

        if kernel.output is not None:
            totals = step("y", self._requantised(m, totals), data=True)
            done += step("requantised", done[-1:])
        m.d.comb += self.o.valid.eq(done[-1])
        m.d.comb += [self.o.payload[j].eq(total) for j, total in enumerate(totals)]

        # A load waits until no vector is inside, and no vector starts while it waits.
        if loader is None:
            m.d.comb += may_start.eq(1)
        else:
            inside = Cat([token[0] for token in tokens[1:]], done[1:])
            wiring.connect(m, wiring.flipped(self.p), loader.p)
            m.d.comb += [
                loader.idle.eq((index == 0) & ~inside.any()),
                loader.restart.eq(self.restart),
                self.may_start.eq(loader.ready),
                may_start.eq(loader.ready),
            ]
        return m

    def _requantised(self, m, totals):
        results = []
        for j, total in enumerate(totals):
            requantise = Requantise(
                self._kernel.sum_format, self._kernel.shift, self._kernel.output
            )
            m.submodules[f"requantise_{j}"] = requantise
            m.d.comb += requantise.z.eq(total)
            results.append(requantise.y)
        return results

    def _elements(self, m, step, enable, tokens, x, words, starts):
        """The totals of a processing element for each output; appends the token of their terms to `tokens`."""
        kernel, width = self._kernel, self._kernel.sum_format.bits
        remainder = kernel.storage == "ports" and not kernel.folded
        gated = kernel.gating == "predicate"
        cut = "fewest" if gated else "operands"
        options = {"gated": gated, "remainder": remainder, "cut": cut, "owing": remainder}
        options["adder"] = kernel.adder
        elements = [Element(kernel.synapse, width, **options) for _ in words]
        if kernel.storage == "ports":
            starts = self._port_starts(step, [element.owed for element in elements])
        valid, first, _ = tokens[-1]
        for j, (element, word) in enumerate(zip(elements, words, strict=True)):
            m.submodules[f"element_{j}"] = element
            m.d.comb += [
                element.enable.eq(enable),
                element.valid.eq(valid),
                element.first.eq(first),
                element.x.eq(x),
                element.p.eq(word),
                element.start.eq(starts[j]),
            ]
        tokens.append(step("term", tokens[-1]))
        return [element.total for element in elements]

    def _accumulators(self, m, step, enable, tokens, x, words, starts):
        """The same as `_elements`, with registered terms, and adders written as operators."""
        kernel = self._kernel
        ours = kernel.storage == "ports" and not kernel.folded  # the gates add the remainders
        terms = Terms(kernel.synapse, ours)
        sums = [terms.runtime(x, word, f"{j}_0") for j, word in enumerate(words)]
        lanes = terms.connected(m)
        with m.If(enable):
            m.d.sync += [register.eq(value) for register, value in lanes]
        tokens.append(step("term", tokens[-1]))
        trees = [
            AdderTree(
                [leaf for _, leaf in leaves],
                kernel.sum_format.bits,
                registered=False,
                constant=None if ours else 0,
            )
            for leaves, _ in sums
        ]
        if kernel.storage == "ports":
            owed = [own + tree.owed for (_, own), tree in zip(sums, trees, strict=True)]
            starts = self._port_starts(step, owed)
        valid, first, _ = tokens[-1]
        totals = []
        for j, (tree, (leaves, _)) in enumerate(zip(trees, sums, strict=True)):
            m.submodules[f"term_{j}"] = tree
            for k, (value, _) in enumerate(leaves):
                m.d.comb += getattr(tree, f"leaf_{k}").eq(value)
            total = Signal(kernel.sum_format.bits, name=f"total_{j}", reset_less=True)
            with m.If(enable & valid):
                m.d.sync += total.eq(Mux(first, starts[j], total) + tree.total)
            totals.append(total)
        return totals

    def _port_starts(self, step, owed):
        """Start values of the accumulators: from the beat of the first element, or constants."""
        kernel = self._kernel
        if kernel.folded:
            return step("bias", list(self.i.payload.p.bias), data=True)
        constants = [kernel.start(j) + kernel.inputs * own for j, own in enumerate(owed)]
        if kernel.bias is None:
            width = kernel.sum_format.bits
            return [Const(constant % (1 << width), width) for constant in constants]
        biases = zip(self.i.payload.p.bias, constants, strict=True)
        return step("bias", [bias + constant for bias, constant in biases], data=True)

    def _stored(self, m, loader, index, enable):
        """Parameter words at `index` and start values, from a ROM or from a memory that a load writes."""
        kernel = self._kernel
        bits, width = kernel.synapse.word_bits, kernel.sum_format.bits
        rows = []
        if kernel.initialised:
            rows = [
                sum(kernel.initial_words[j][i] << (bits * j) for j in range(kernel.outputs))
                for i in range(kernel.inputs)
            ]
        row_bits = bits * kernel.outputs
        # By default Yosys would make a ROM of this size from logic.
        style = {"rom_style": "block"} if row_bits * kernel.inputs >= BLOCK_ROM_BITS else {}
        m.submodules.parameters = memory = Memory(
            shape=row_bits, depth=max(2, kernel.inputs), init=rows, attrs=style
        )
        read = memory.read_port()
        m.d.comb += [read.addr.eq(index), read.en.eq(enable)]
        words = [kernel.synapse.word(read.data.word_select(j, bits)) for j in range(kernel.outputs)]
        starts = kernel.initial_starts if kernel.initialised else [0] * kernel.outputs
        if loader is None:
            return words, [Const(start, width) for start in starts]

        write = memory.write_port(granularity=bits)
        m.d.comb += [
            write.addr.eq(loader.column),
            write.data.eq(loader.word[:bits].replicate(kernel.outputs)),
            write.en.eq(loader.write_synapse << loader.row),
        ]
        # Biases move along a chain of registers; after a whole load each is in its place.
        chain = [
            Signal(width, name=f"start_{j}", init=start, reset_less=True)
            for j, start in enumerate(starts)
        ]
        with m.If(loader.write_bias):
            for bias, following in zip(chain, [*chain[1:], loader.word], strict=True):
                m.d.sync += bias.eq(following)
        return words, chain
