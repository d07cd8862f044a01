"""Multiply-accumulate synapse: w * x, with which the other rules are compared.

Four forms of the gates give the same term:

``product``
    One multiplication, which a DSP block can compute.
``booth``
    w has digits of -2 .. 2, each with four times the weight of the one before (radix-4 Booth). For each digit there
    is a row of gates that gives 0, x or 2x, inverted if the digit is negative. The architecture adds the rows, like
    all addends; the constants that inversions need are in the remainder. With registered terms this is a multiplier
    of two stages, which takes the least logic.
``rows``
    A row of AND gates for each bit of w (Baugh-Wooley, if a bit heap adds them). Rows that are added are instead
    subtracted as complements: NAND gates are smaller than AND gates in standard cells.
``split``
    Two small products: of x with the lower and with the upper half of w.

The product of x and ``(w2 << f) + w1`` contains both x * w1 and x * w2. With narrow formats one DSP block can
therefore serve two outputs: :meth:`Mac.in_blocks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from ..format import Format
from ..rule import Addend, Rule, gate, inversion, negate_if, normal_shares, scaled

__all__ = ["Mac"]

BLOCK_BITS = 16  # bits of a factor that the DSP blocks of every family take


@dataclass(frozen=True)
class Mac(Rule):
    """The rule `mac`; see the module.

    Parameters
    ----------
    pairs : bool
        Whether two outputs share a product, in the form ``product``.
    """

    name = "mac"
    formula = "w · x"
    arrays = ("weight",)
    forms = ("product", "booth", "rows", "split")

    pairs: bool = False

    @classmethod
    def choose_form(cls, wired: bool, remainder_is_free: bool) -> str | None:
        return "product"

    def in_logic(self) -> Rule:
        return self if self.input.bits == 1 else replace(self, form="booth")

    def in_blocks(self) -> Rule:
        x, w = self.input, self.parameter
        fits = max(x.bits + w.bits + w.bits + 1, x.bits + 1) <= BLOCK_BITS
        return replace(self, form="product", pairs=fits)

    @property
    def multiplies(self) -> bool:
        return self.form != "booth"

    @property
    def shared_by(self) -> int:
        return 2 if self.pairs else 1

    def shared_addends(
        self, x: Value, words: Sequence[data.View]
    ) -> list[tuple[list[Addend], int]]:
        if not self.pairs:
            return [self.addends(x, p) for p in words]
        shape = (x * words[0].weight).shape()
        factor = words[0].weight
        if len(words) > 1:
            factor = (factor + (words[1].weight << shape.width))[: shape.width + len(factor) + 1]
            factor = factor.as_signed() if self.parameter.signed else factor
        product = x * factor
        entries, borrow = [], Const(0, 1)
        for k in range(len(words)):
            part = product[k * shape.width : (k + 1) * shape.width]
            addends = [Addend(part.as_signed() if shape.signed else part)]
            if shape.signed:  # a negative part below has borrowed one from this part
                addends.append(Addend(borrow))
                borrow = part[-1]
            entries.append((addends, 0))
        return entries

    @property
    def fields(self) -> dict[str, Format]:
        return {"weight": self.parameter}

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        return {"weight": (self.parameter.min, self.parameter.max)}

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        """Normal weights; in an unsigned format, negative ones become 0."""
        return {"weight": scaled(normal_shares(rng, shape, signed), *self.ranges["weight"])}

    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"weight": arrays["weight"]}

    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.multiply(arrays["weight"], x, dtype=np.int64)

    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        if arrays is None:
            corners = [
                x * w
                for x in (self.input.min, self.input.max)
                for w in (self.parameter.min, self.parameter.max)
            ]
            return min(corners), max(corners)
        ends = arrays["weight"] * self.input.min, arrays["weight"] * self.input.max
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def _digits(self) -> list[Any]:
        """For each Booth digit, which bits of w are its (high, middle, low); None stands for 0.

        The digit is -2 * high + middle + low.
        """
        bits, signed = self.parameter.bits, self.parameter.signed

        def place(k: int) -> Any:
            if k < bits:
                return k if k >= 0 else None
            return bits - 1 if signed else None

        count = (bits + 2 - signed) // 2
        return [tuple(place(2 * k + offset) for offset in (1, 0, -1)) for k in range(count)]

    def _row_bits(self, digit: Any) -> int:
        """Width of a digit's row: that of x, and one more if the digit can be 2 or -2."""
        high, middle, low = digit
        doubles = None not in (middle, low) if high is None else high != middle
        return self.input.bits + doubles

    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        weight = p.weight
        if self.form == "booth":
            rows = [self._row(x, weight, digit) for digit in self._digits]
            return [Addend(row, 4**k) for k, row in enumerate(rows)], 0
        if self.form == "rows":
            return self._and_rows(x, weight)
        if self.form == "split" and len(weight) > 1:
            half = len(weight) // 2
            upper = weight[half:].as_signed() if self.parameter.signed else weight[half:]
            return [Addend(x * weight[:half]), Addend(x * upper, 1 << half)], 0
        return [Addend(x * weight)], 0

    def _and_rows(self, x: Value, weight: Value) -> tuple[list[Addend], int]:
        rows, constant = [], 0
        for k, bit in enumerate(weight.as_unsigned()):
            row = gate(bit, x)
            if self.parameter.signed and k == self.parameter.bits - 1:
                rows.append(Addend(row, -(1 << k)))
                continue
            inverted = ~row.as_unsigned()
            if self.input.signed:
                rows.append(Addend(inverted.as_signed(), -(1 << k)))
                constant -= 1 << k
            else:
                rows.append(Addend(inverted, -(1 << k)))
                constant += ((1 << len(row)) - 1) << k
        return rows, constant

    def _row(self, x: Value, weight: Value, digit: Any) -> Any:
        bits, signed = self._row_bits(digit), self.input.signed
        high, middle, low = _chosen(weight, digit)
        none = (high == middle) & (middle == low)
        once = Cat(x, x[-1] if signed else Const(0, 1))
        row = negate_if(high, Mux(middle ^ low, once, Cat(Const(0, 1), x))[:bits])
        if len(set(digit) - {None}) == 3:
            row = Mux(none, 0, row)[:bits]  # a reset of registers, so that a bit is one LUT4
        else:
            row = gate(~none, row)
        return row.as_signed() if signed else row

    def remainder_addends(self, p: data.View) -> tuple[list[Addend], int]:
        addends = []
        for k, digit in enumerate(self._digits if self.form == "booth" else ()):
            if digit[0] is not None:
                high, middle, low = _chosen(p.weight, digit)
                addends.append(Addend(high & ~(middle & low), self._owed(digit) * 4**k))
        return addends, 0

    def remainder(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        remainder = np.zeros_like(arrays["weight"], np.int64)
        for k, digit in enumerate(self._digits if self.form == "booth" else ()):
            bits = (arrays["weight"] << 1) >> (2 * k) & 7
            remainder = remainder + np.where((bits >= 4) & (bits < 7), self._owed(digit) * 4**k, 0)
        return remainder

    def _owed(self, digit: Any) -> int:
        """Constant that has to be added to a row if its digit is negative."""
        return inversion(self._row_bits(digit), self.input.signed)

    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        return [Addend(x, values["weight"])] if values["weight"] else [], 0

    def active(self, x: Value, p: data.View) -> Value:
        return x.any()


def _chosen(weight: Value, digit: Any) -> Any:
    """The bits of w that make up a Booth digit."""
    return [Const(0, 1) if place is None else weight[place] for place in digit]
