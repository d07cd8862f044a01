"""Processing element: in each cycle one synapse is added to one accumulator, in one bit heap."""

from dataclasses import replace

from amaranth.hdl import ClockSignal, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..summing.heap import Heap, mostly_negative
from ..summing.primitives import hold
from ..summing.tree import Leaf, normalise

__all__ = ["Element"]


class Element(wiring.Component):
    """Operand registers, a term, and an accumulator to which the bit heap of the term adds it.

    ::

        x, p --> [registers] --> term --> heap --> [accumulator] --> total
                                           ^------------'

    A term is in :attr:`total` two moves of the pipeline after its operands were valid. With `gated`, a synapse that is
    not active clocks neither the registers nor the accumulator.

    Parameters
    ----------
    rule : Rule
    width : int
        Bits of the accumulator.
    gated : bool
        Whether registers are clocked only for active synapses. Remainders are then added here, and not to the start
        value, as some terms are left out.
    remainder : bool
        Whether gates add the remainder, which depends on the parameter only.
    owing : bool
        Whether the start value also has the constants that the inversions in the heap need; otherwise the heap adds
        them.
    cut : str
        What is registered: the ``operands``; the ``terms``, that is what the heap adds; or ``fewest``, whichever of
        the two has fewer bits.
    adder : str
        The final adder of the heap: ``ripple`` or ``prefix``.

    Attributes
    ----------
    owed : int
        Constant that is missing from every term, and that the start value must have instead; 0 if `gated`.

    Members
    -------
    enable : In(1)
        The pipeline moves.
    valid, first : In(1)
        There are operands; they are the first of a sum.
    x, p : In
        Operands, with the shapes of the rule's `input` and `word`.
    start : In(width)
        Start value of the sum, one move of the pipeline after `first`.
    total : Out(width)
        The sum, modulo ``2**width``.
    """

    def __init__(
        self,
        rule,
        width,
        *,
        gated=False,
        remainder=True,
        owing=True,
        cut="operands",
        adder="ripple",
    ):
        self._rule, self._width, self._gated, self._remainder = rule, width, gated, remainder
        super().__init__(
            {
                "enable": In(1),
                "valid": In(1),
                "first": In(1),
                "x": In(rule.input.shape),
                "p": In(rule.word),
                "start": In(width),
                "total": Out(width),
            }
        )
        values, constant = self._addends(self.x, self.p)
        if cut == "fewest":
            terms = sum(len(value) for value, _ in values)
            cut = "terms" if terms < rule.input.bits + rule.word_bits else "operands"
        self._cut = cut
        leaves = [leaf for _, leaf in values]
        # If most bits are subtracted, the accumulator holds the complement of the sum: those bits need no inverter.
        self._flip = mostly_negative(leaves)
        leaves = [replace(leaf, negative=leaf.negative != self._flip) for leaf in leaves]
        leaves.append(Leaf((1 << width) - 1))
        added = None if owing else 0
        if gated:
            added = -constant if self._flip else constant
        self._heap = Heap(leaves, width, registered=False, constant=added, adder=adder)
        lacks = -self._heap.owed if self._flip else self._heap.owed
        self.owed = 0 if gated else constant + lacks

    @property
    def rule(self):
        return self._rule

    @property
    def width(self):
        return self._width

    @property
    def cut(self):
        return self._cut

    def _addends(self, x, p):
        addends, constant = self._rule.addends(x, p)
        if self._remainder or self._gated:
            more, owed = self._rule.remainder_addends(p)
            addends, constant = [*addends, *more], constant + owed
        values, lacks = normalise(addends)
        return values, constant + lacks

    def elaborate(self, platform):
        m = Module()
        clock = ClockSignal()
        first, take = Signal(reset_less=True), Signal()
        pending = Signal(reset_less=True)  # needs no reset: `first` discards what came before
        wanted = self.valid
        if self._gated:
            wanted = wanted & (self._rule.active(self.x, self.p) | self.first)
        m.d.comb += take.eq(self.enable & wanted)
        with m.If(self.enable):
            m.d.sync += pending.eq(wanted)

        # First registers: the operands, or what the heap adds.
        pairs = [(first, self.first)]
        if self._cut == "operands":
            x, p = Signal.like(self.x), Signal(self._rule.word_bits)
            pairs += [(x, self.x), (p, self.p.as_value())]
            values, _ = self._addends(x, self._rule.word(p))
            values = [value for value, _ in values]
        else:
            made, _ = self._addends(self.x, self.p)
            values = [Signal(len(value), name=f"term_{k}") for k, (value, _) in enumerate(made)]
            pairs += [(register, value) for register, (value, _) in zip(values, made, strict=True)]
        hold(m, platform, clock, pairs, take, "operands")

        # Accumulator.
        m.submodules.heap = heap = self._heap
        state = Signal(self._width, reset_less=True)
        start = ~self.start if self._flip else self.start
        for k, value in enumerate([*values, Mux(first, start, state)]):
            m.d.comb += getattr(heap, f"leaf_{k}").eq(value)
        hold(m, platform, clock, [(state, heap.total)], self.enable & pending, "accumulator")
        m.d.comb += self.total.eq(~state if self._flip else state)
        return m
