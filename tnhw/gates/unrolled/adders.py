"""The adders of a layer: which values are added, and in which level of a pipeline. Numbers only, no gates.

All values are unsigned. A difference a - b is stored as ``a - b + 2**bits``, which is an adder as well and takes no more
bits than the difference with its sign; what the user of the sums must know of it is the constant `Adders.offsets`. In a
sum, what is added and what is subtracted are summed apart as long as possible, so that few differences occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..summing.sharing import Digit

__all__ = ["Adder", "Adders", "Operand"]


@dataclass(frozen=True)
class Adder:
    """``low + (high << distance)``, or with `subtracts` ``low - (high << distance)``, modulo ``2**bits``.

    Parameters
    ----------
    low, high : int
        Numbers of values.
    distance : int
    subtracts : bool
    bits : int
        Of the result.
    offset : int
        A constant that is added as well, a multiple of the power of two above `low`; only if it subtracts.
    wraps : bool
        Whether bits above the result may be lost.
    """

    low: int
    high: int
    distance: int
    subtracts: bool
    bits: int
    offset: int = 0
    wraps: bool = False


@dataclass(frozen=True)
class Operand:
    """A value that counts ``2**shift`` times."""

    value: int
    shift: int


class Adders:
    """Values, and the adders that make them.

    Attributes
    ----------
    highs : list of int
        The largest number that each value can be; the smallest is 0 or more.
    levels : list of int
        How many adders are in front of each value at most: the level of the pipeline in which it is there.
    offsets : list of int
        What each value is too large by, compared with the sum that it stands for.
    adders : dict of int to Adder
        By the number of the value that each makes; a value without one is a leaf.
    constants : dict of int to int
        The leaves that never change.
    """

    def __init__(self) -> None:
        self.highs: list[int] = []
        self.levels: list[int] = []
        self.offsets: list[int] = []
        self.adders: dict[int, Adder] = {}
        self.constants: dict[int, int] = {}

    def leaf(self, high: int) -> int:
        """A new leaf of 0 .. `high`; returns its number."""
        return self._new(high, 0, 0)

    def constant(self, number: int) -> int:
        """A new leaf that is always this number."""
        value = self._new(number, 0, 0)
        self.constants[value] = number
        return value

    def bits(self, value: int) -> int:
        return self.highs[value].bit_length()

    def _new(self, high: int, level: int, offset: int) -> int:
        self.highs.append(high)
        self.levels.append(level)
        self.offsets.append(offset)
        return len(self.highs) - 1

    def pair(self, low: int, high: int, distance: int, sign: int) -> int:
        """The value ``low + sign * (high << distance)``, exact up to its offset; returns its number."""
        offset = self.offsets[low] + sign * (self.offsets[high] << distance)
        if sign > 0:
            return self._add(low, high, distance, offset, None)
        above = max(self.bits(low), self.bits(high) + distance)
        adder = Adder(low, high, distance, True, above + 1, 1 << above)
        value = self._new(
            self.highs[low] + (1 << above), self._level(low, high), offset + (1 << above)
        )
        self.adders[value] = adder
        return value

    def _level(self, *values: int) -> int:
        return 1 + max(self.levels[value] for value in values)

    def _add(self, low: int, high: int, distance: int, offset: int, most: int | None) -> int:
        """The sum of two values, modulo ``2**most`` if given."""
        largest = self.highs[low] + (self.highs[high] << distance)
        wraps = most is not None and largest.bit_length() > most
        if wraps:
            assert most is not None
            largest = (1 << most) - 1
        level = self._level(low, high)
        if self.bits(low) <= distance and not wraps:
            level -= 1  # no bits in common: wires
        value = self._new(largest, level, offset)
        self.adders[value] = Adder(low, high, distance, False, largest.bit_length(), 0, wraps)
        return value

    def joins(self, adder: Adder) -> bool:
        """Whether an adder is wires only, as the two values have no bits in common."""
        return not adder.subtracts and not adder.wraps and self.bits(adder.low) <= adder.distance

    def total(
        self, digits: Iterable[Digit], constant: int, width: int, wide: int | None
    ) -> Operand:
        """The sum of some digits and a constant, modulo ``2**width``.

        Parameters
        ----------
        digits : iterable of Digit
        constant : int
            What is added to the values of the digits as they are, offsets included; 0 if `wide` has it.
        width : int
        wide : int or None
            A value that is added last, as it has as many bits as the sum.
        """
        sides: dict[int, list[Operand]] = {1: [], -1: []}
        for digit in digits:
            if digit.shift < width:
                sides[digit.sign].append(Operand(digit.value, digit.shift))
        plus, minus = (self._tree(side, width) for side in (sides[1], sides[-1]))
        last = None if wide is None else Operand(wide, 0)
        if last is None and (constant % (1 << width) or (plus is None)):
            last = Operand(self.constant(constant % (1 << width)), 0)
        if plus is None or last is None:
            plus, last = plus or last, None
        assert plus is not None
        if minus is None:
            return plus if last is None else self._sum(plus, last, width)
        # The two that are there first are added first.
        if last is not None and self.levels[plus.value] <= self.levels[minus.value]:
            plus, last = self._sum(plus, last, width), None
        total = self._difference(plus if last is None else last, minus, width)
        return total if last is None else self._sum(total, plus, width)

    def _tree(self, operands: Sequence[Operand], width: int) -> Operand | None:
        """The sum of operands, those that are there first and are narrowest first; None if there are none."""
        waiting, level = list(operands), 0
        while len(waiting) > 1:
            ready = [one for one in waiting if self.levels[one.value] <= level]
            ready.sort(key=lambda one: (one.shift + self.bits(one.value), one.shift, one.value))
            rest = [one for one in waiting if self.levels[one.value] > level]
            pairs = zip(ready[0::2], ready[1::2], strict=False)
            rest += ready[len(ready) & ~1 :]
            waiting = rest + [self._sum(one, other, width) for one, other in pairs]
            level += 1
        return waiting[0] if waiting else None

    def _sum(self, one: Operand, other: Operand, width: int) -> Operand:
        low, high = sorted((one, other), key=lambda operand: operand.shift)
        value = self._add(low.value, high.value, high.shift - low.shift, 0, width - low.shift)
        return Operand(value, low.shift)

    def _difference(self, plus: Operand, minus: Operand, width: int) -> Operand:
        """``plus - minus`` modulo ``2**width``."""
        shift = min(plus.shift, minus.shift)
        bits = width - shift
        low = plus.value
        if plus.shift > shift:
            zero = self.constant(0)
            low = self._add(zero, plus.value, plus.shift - shift, 0, bits)
        value = self._new((1 << bits) - 1, self._level(low, minus.value), 0)
        self.adders[value] = Adder(low, minus.value, minus.shift - shift, True, bits, 0, wraps=True)
        return Operand(value, shift)
