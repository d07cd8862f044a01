"""Processing element: one synapse a cycle into one accumulator, summed as one bit heap."""

from dataclasses import replace

from amaranth.hdl import ClockSignal, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..summing.heap import Heap, mostly_negative
from ..summing.primitives import hold
from ..summing.tree import Leaf, normalise

__all__ = ["Element"]


class Element(wiring.Component):
    """Operand registers, a term, and an accumulator that takes it in the same bit heap.

    ::

        x, p --> [registers] --> term --> heap --> [accumulator] --> total
                                           ^------------'

    A term is in :attr:`total` two moves of the train after its operands were valid. With `gated`
    a synapse that is not active clocks neither registers nor accumulator.

    Parameters
    ----------
    rule : Rule
    width : int
        Of the accumulator, in bits.
    gated : bool
        Clock only what an active synapse needs. What depends on the parameter alone is then summed
        here and not in the start value.
    remainder : bool
        Whether the remainder that depends on the parameters is summed in gates.
    owing : bool
        Whether the start value makes up for what the heap's inversions lack.
    cut : str
        What is registered: ``operands``; ``terms``: what the heap sums; ``fewest``: which of them
        takes fewer bits.
    adder : str
        Of the heap: ``ripple`` or ``prefix``.

    Attributes
    ----------
    owed : int
        What every term lacks, for the start value; 0 if `gated`.

    Members
    -------
    enable : In(1)
        The train moves.
    valid, first : In(1)
        There are operands; they are the first of a sum.
    x, p : In
        Operands: shapes of the rule's `input` and `word`.
    start : In(width)
        What the sum starts from, one move of the train after `first`.
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
        # Where most is subtracted, the register holds the complement, and nothing is inverted.
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
        pending = Signal(reset_less=True)  # what it lets in too early, `first` throws away
        wanted = self.valid
        if self._gated:
            wanted = wanted & (self._rule.active(self.x, self.p) | self.first)
        m.d.comb += take.eq(self.enable & wanted)
        with m.If(self.enable):
            m.d.sync += pending.eq(wanted)

        # First registers: operands, or what is summed.
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
