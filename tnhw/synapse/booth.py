"""Radix-4 Booth rows: a product as a few rows of gates.

A weight w has digits of -2 .. 2, each with four times the value of the one before. For each digit there is a row of gates that
gives 0, x or 2x, inverted if the digit is negative. Three kinds of rows give the same product:

``multiplexer``
    A row chooses between x and 2x, inverts, and is then masked if the digit is 0. On FPGAs a bit is one LUT of four inputs.
``and-or``
    x and 2x are gated, each by a bit of its own, and the result is inverted. With a digit of 0 both are gated, so nothing moves when x
    does; what a row of ones adds (the digit 0 as -0) is a constant of the weight. On standard cells a bit is a complex gate and an XOR.
``stored``
    As ``and-or``, but the word of a parameter holds the digits instead of w: three bits a digit, and no gates find them. The digits are
    those of the non-adjacent form in pairs (Reitwieser 1960): a third of them is 0, where Booth's are 0 in a quarter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from .format import Format
from .rule import Addend, gate, inversion, negate_if

__all__ = ["Booth"]


@dataclass(frozen=True)
class Booth:
    """The rows for one pair of formats.

    Parameters
    ----------
    input, weight : Format
    kind : str
        ``multiplexer``, ``and-or`` or ``stored``.
    """

    input: Format
    weight: Format
    kind: str

    @property
    def fields(self) -> dict[str, Format]:
        """Fields of a word that holds digits, each with a bit for every digit that can be so: name to Format."""
        counts = {
            "once": len(self._digits),
            "twice": sum(map(self._doubles, self._digits)),
            "negative": sum(digit[0] is not None for digit in self._digits),
        }
        return {name: Format(count) for name, count in counts.items() if count}

    def encode(self, weight: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of integers: dict of int64 arrays."""
        digits = list(self.digits_of(weight))

        def bits(chosen: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
            return np.sum(
                [chosen(digit).astype(np.int64) << k for k, digit in enumerate(digits)], axis=0
            )

        found = {
            "once": bits(lambda digit: abs(digit) == 1),
            "twice": bits(lambda digit: abs(digit) == 2),
            "negative": bits(lambda digit: digit < 0),
        }
        return {name: found[name] for name in self.fields}

    def digits_of(self, weight: np.ndarray) -> Iterator[np.ndarray]:
        """Digits of the non-adjacent form in pairs, least significant first, of integers of the format: yields int64 arrays."""
        rest = np.array(weight, np.int64)
        for _ in self._digits[1:]:
            # Of bits 2 1 0: the lower two as 1, 2, -1, and 2 as -2 where bit 2 is set as well, which then is carried away.
            digit = np.array([0, 1, 2, -1, 0, 1, -2, -1])[rest & 7]
            yield digit
            rest = (rest - digit) >> 2
        yield rest

    @cached_property
    def _digits(self) -> list[Any]:
        """For each digit, which bits of w are its (high, middle, low); None stands for 0.

        The digit is -2 * high + middle + low.
        """
        bits, signed = self.weight.bits, self.weight.signed

        def place(k: int) -> Any:
            if k < bits:
                return k if k >= 0 else None
            return bits - 1 if signed else None

        count = (bits + 2 - signed) // 2
        return [tuple(place(2 * k + offset) for offset in (1, 0, -1)) for k in range(count)]

    def _doubles(self, digit: Any) -> bool:
        """Whether a digit can be 2 or -2."""
        high, middle, low = digit
        return None not in (middle, low) if high is None else high != middle

    def _row_bits(self, digit: Any) -> int:
        """Width of a digit's row: that of x, and one more for 2x."""
        return self.input.bits + self._doubles(digit)

    def rows(self, x: Value, p: data.View) -> list[Addend]:
        """One addend for each digit of a parameter, whose fields are ``weight``, or those of :attr:`fields`."""
        rows = []
        for k, digit in enumerate(self._digits):
            if self.kind == "multiplexer":
                row = self._masked_row(x, p.weight, digit)
            else:
                once, twice, negative = self._selection(p, k, digit)
                row = self._gated_row(x, once, twice, negative)
            rows.append(Addend(row.as_signed() if self.input.signed else row, 4**k))
        return rows

    def _selection(self, p: data.View, k: int, digit: Any) -> tuple[Value, Value | None, Value]:
        """One bit each: whether digit k is 1 or -1, 2 or -2 (None if it cannot be), and whether its row is inverted."""
        doubles, zero = self._doubles(digit), Const(0, 1)
        if self.kind == "stored":
            signed = digit[0] is not None
            return p.once[k], p.twice[k] if doubles else None, p.negative[k] if signed else zero
        high, middle, low = _chosen(p.weight, digit)
        once = middle ^ low
        return once, (high ^ middle) & ~once if doubles else None, high

    def _once_and_twice(self, x: Value) -> tuple[Value, Value]:
        return Cat(x, x[-1] if self.input.signed else Const(0, 1)), Cat(Const(0, 1), x)

    def _masked_row(self, x: Value, weight: Value, digit: Any) -> Any:
        high, middle, low = _chosen(weight, digit)
        once, twice = self._once_and_twice(x)
        none = (high == middle) & (middle == low)
        row = negate_if(high, Mux(middle ^ low, once, twice)[: self._row_bits(digit)])
        if len(set(digit) - {None}) == 3:
            row = Mux(none, 0, row)[: len(row)]  # a reset of registers, so that a bit is one LUT4
        else:
            row = gate(~none, row)
        return row

    def _gated_row(self, x: Value, once: Value, twice: Value | None, negative: Value) -> Any:
        x_once, x_twice = self._once_and_twice(x)
        if twice is None:
            return negate_if(negative, gate(once, x_once[: self.input.bits]))
        return negate_if(negative, gate(once, x_once) | gate(twice, x_twice))

    def corrections(self, p: data.View) -> list[Addend]:
        """What has to be added to the rows: one addend for each digit that can be negative."""
        addends = []
        for k, digit in enumerate(self._digits):
            if digit[0] is None:
                continue
            if self.kind == "multiplexer":
                high, middle, low = _chosen(p.weight, digit)
                negative = high & ~(middle & low)
            else:
                negative = self._selection(p, k, digit)[-1]
            addends.append(Addend(negative, self._owed(digit) * 4**k))
        return addends

    def correction(self, weight: np.ndarray) -> np.ndarray:
        """The sum of :meth:`corrections` for integers: int64 array."""
        total = np.zeros_like(weight, np.int64)
        stored = list(self.digits_of(weight)) if self.kind == "stored" else None
        for k, digit in enumerate(self._digits):
            bits = (weight << 1) >> (2 * k) & 7
            negative = bits >= 4 if self.kind == "and-or" else (bits >= 4) & (bits < 7)
            if stored is not None:
                negative = stored[k] < 0
            total = total + np.where(negative, self._owed(digit) * 4**k, 0)
        return total

    def _owed(self, digit: Any) -> int:
        """Constant that has to be added to a row that is inverted."""
        return inversion(self._row_bits(digit), self.input.signed)


def _chosen(weight: Value, digit: Any) -> Any:
    """The bits of w that make up a digit."""
    return [Const(0, 1) if place is None else weight[place] for place in digit]
