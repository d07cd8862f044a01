"""Bit heaps: the sum of many small integers as full and half adders, for standard cells.

All bits of equal weight form a column. From the lowest column up, a full adder turns the three earliest bits of a
column into a sum and a carry, until one bit is left; if two are left, a half adder takes them. Compressor tree and
final ripple adder are thus one structure with the fewest cells, and a late bit passes only a few of them. A constant
costs no cells, but changes one: with a constant one in its column, a half adder becomes an XNOR and an OR.

The carry then ripples through as many cells as the result has bits. With ``adder = "prefix"``, columns are compressed
to two bits each, which a prefix network of Sklansky (1960, doi:10.1109/TEC.1960.5219822) adds. This takes more cells,
but only about log2 of the width on the longest path.

If most bits are subtracted, the heap adds up the negated sum and inverts the result, so that those bits need no
inverters.
"""

from functools import partial
from typing import Any

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .primitives import full_adder, half_adder
from .tree import AdderTree, signed_digits

__all__ = ["Heap", "mostly_negative", "summation"]


def mostly_negative(leaves):
    """Whether of the bits of these leaves more are subtracted than added."""
    balance = 0
    for leaf in leaves:
        balance += leaf.high.bit_length() * (1 if leaf.negative else -1)
    return balance > 0


class Heap(wiring.Component):
    """Sum of unsigned leaves modulo ``2**width``, combinational or with a registered result.

    It has the same members as :class:`~tnhw.gates.AdderTree`, and can replace it.

    Parameters
    ----------
    leaves : list of Leaf
    width : int
        Width of the result in bits.
    registered : bool
        Whether the result is registered.
    constant : int or None
        Added to the sum. With None, the user of the heap must add :attr:`owed` elsewhere.
    adder : str
        The final adder: ``ripple`` or ``prefix``.

    Attributes
    ----------
    levels : int
        Latency in cycles: 1 if `registered`, else 0.
    owed : int
        Constant that is missing from :attr:`total`; 0 unless `constant` is None.

    Members
    -------
    enable : In(1)
        The register takes a new value.
    leaf_K : In(unsigned)
        Leaf number K.
    total : Out(unsigned(width))
    """

    def __init__(
        self,
        leaves: Any,
        width: int,
        *,
        registered: bool = True,
        constant: int | None = None,
        adder: Any = "ripple",
    ) -> None:
        self._adder = adder
        self._leaves, self._width = list(leaves), width
        self._registered, self._constant = registered, constant
        self._flip = mostly_negative(leaves)
        self.owed = 0
        self._added: int
        super().__init__(
            {"enable": In(1), "total": Out(width)}
            | {f"leaf_{k}": In(max(1, leaf.high.bit_length())) for k, leaf in enumerate(leaves)}
        )
        # With `flip` the result is ~(sum of the negated leaves - constant - 1).
        lacks = 0
        self._operands = []
        for k, leaf in enumerate(self._leaves):
            bits = leaf.high.bit_length()
            for shift, digit in signed_digits(leaf.odd):
                subtracted = (digit < 0) != leaf.negative
                inverted = subtracted != self._flip
                self._operands.append((k, leaf.shift + shift, inverted))
                if inverted:  # -v = ~v - (2**bits - 1)
                    lacks -= ((1 << bits) - 1) << (leaf.shift + shift)
        if constant is None:
            # With `flip` the heap adds up s = -z, and the result is ~s = -s - 1 = z - 1.
            self.owed = -lacks + 1 if self._flip else lacks
            self._added = 0
        else:
            self._added = (lacks - constant - 1 if self._flip else lacks + constant) % (1 << width)

    @property
    def width(self) -> int:
        return self._width

    @property
    def registered(self) -> bool:
        return self._registered

    @property
    def levels(self) -> int:
        return int(self._registered)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns: list[list[Any]] = [[] for _ in range(self._width)]
        for k, shift, inverted in self._operands:
            leaf = getattr(self, f"leaf_{k}")
            bits = self._leaves[k].high.bit_length()
            for position, bit in enumerate(leaf[:bits]):
                if shift + position < self._width:
                    columns[shift + position].append((0, ~bit if inverted else bit))
        made = self._prefix if self._adder == "prefix" else self._sum
        total = Cat(made(m, platform, columns))
        total = ~total if self._flip else total
        if self._registered:
            with m.If(self.enable):
                m.d.sync += self.total.eq(total)
        else:
            m.d.comb += self.total.eq(total)
        return m

    def _sum(self, m, platform, columns):
        """The bits of the result, lowest first, with a ripple adder; in columns a bit is (depth, value)."""
        result = []
        for place, column in enumerate(columns):
            top = place == self._width - 1
            above = [] if top else columns[place + 1]
            one = self._added >> place & 1
            if top:
                parity = Const(one, 1)
                for _, bit in sorted(column, key=_depth):
                    parity = parity ^ bit
                result.append(parity)
                break
            if one and len(column) % 2 == 0 and column:
                column.sort(key=_depth)
                (d, a), (e, b) = column[:2]
                del column[:2]
                column.append((max(d, e) + 2, ~(a ^ b)))
                above.append((max(d, e) + 1, a | b))
                one = 0
            number = 0
            while len(column) > 1:
                column.sort(key=_depth)
                few = column[: min(3, len(column))]
                del column[: len(few)]
                depth = [d for d, _ in few]
                name = f"add{place}_{number}"
                number += 1
                if len(few) == 3:
                    s, carry = full_adder(m, platform, [bit for _, bit in few], name)
                    late = max(max(depth[:2]) + 2, depth[2] + 1)
                    column.append((late + 1, s))
                    above.append((late + 1, carry))
                else:
                    s, carry = half_adder(m, platform, [bit for _, bit in few], name)
                    column.append((max(depth) + 2, s))
                    above.append((max(depth) + 1, carry))
            if not column:
                result.append(Const(one, 1))
            elif one:
                depth, bit = column[0]
                result.append(~bit)
                above.append((depth, bit))
            else:
                result.append(column[0][1])
        return [Value.cast(bit)[0] for bit in result]

    def _prefix(self, m, platform, columns):
        """The bits of the result, lowest first, by compression to two rows and a prefix adder."""
        for place, column in enumerate(columns):
            if self._added >> place & 1:
                column.append((0, Const(1, 1)))
            above = columns[place + 1] if place + 1 < self._width else []
            number = 0
            while len(column) > 2:
                column.sort(key=_depth)
                few, column[:3] = column[:3], []
                late = max(max(few[0][0], few[1][0]) + 2, few[2][0] + 1)
                bits = [bit for _, bit in few]
                s, carry = full_adder(m, platform, bits, f"add{place}_{number}")
                number += 1
                column.append((late + 1, s))
                above.append((late + 1, carry))
        pairs = [
            [bit for _, bit in column] + [Const(0, 1)] * (2 - len(column)) for column in columns
        ]
        single = [a ^ b for a, b in pairs]
        generate, propagate = [a & b for a, b in pairs], list(single)
        step = 1
        while step < self._width:
            for place in range(self._width):
                if place & step:  # `low` is the last place of the block below
                    low = (place & -step) - 1
                    generate[place] = generate[place] | (propagate[place] & generate[low])
                    propagate[place] = propagate[place] & propagate[low]
            step *= 2
        return [
            Value.cast(s ^ c)[0] for s, c in zip(single, [Const(0, 1), *generate], strict=False)
        ]


def _depth(bit):
    return bit[0]


def summation(kernel):
    """The class, or a function like it, that makes the sums of a kernel: `AdderTree` or `Heap`."""
    return partial(Heap, adder=kernel.adder) if kernel.arithmetic == "heap" else AdderTree
