"""Common sub-expressions of many sums: a pair of terms that occurs in several sums is added once.

The sums have constant weights, as in a kernel whose parameters never change, written in canonical signed digits. Of
all pairs of digits ``a + (±b << d)`` that occur in more than one place, the one that saves the most bits of adders
becomes a value of its own; this is repeated until no pair saves anything. It is the greedy rule of Hartley (1996,
doi:10.1109/82.539000), applied to the digits of a whole matrix as in da4ml (arXiv 2507.04535).

What a pair saves depends on what adds the sums. A bit heap saves the bits that it need not add any more
(:func:`heap_bits`); a tree of carry chains saves a whole adder in every place but one (:func:`adder_bits`).
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Signal, Value

from ...synapse import Addend, Format
from .tree import signed_digits

__all__ = ["Digit", "adder_bits", "common", "heap_bits", "share"]


@dataclass(frozen=True)
class Digit:
    """A value that counts ``sign * 2**shift`` times."""

    value: int
    shift: int
    sign: int


#: Two values, how much further left the second one is, and its sign relative to the first.
Pattern = tuple[int, int, int, int]


def heap_bits(count: int, one: int, other: int, both: int, distance: int) -> int:
    """Bits that a bit heap saves if `count` sums share a pair.

    `one`, `other` and `both` are the bits of the two values and of their sum; `distance` as in `Pattern`.
    """
    return count * (one + other - both) - max(0, both - distance)


def adder_bits(count: int, one: int, other: int, both: int, distance: int) -> int:
    """Bits of carry chains that are saved if `count` sums share a pair: all its adders but one."""
    return (count - 1) * max(1, both - distance)


def _pattern(one: Digit, other: Digit) -> Pattern:
    """The sum of two digits, up to a shift and a sign."""
    a, b = sorted((one, other), key=lambda digit: (digit.shift, digit.value))
    return a.value, b.value, b.shift - a.shift, a.sign * b.sign


class _Sums:
    """The digits of all sums, and how often each pattern of two digits occurs in them."""

    def __init__(
        self,
        rows: Iterable[Iterable[Digit]],
        ranges: list[tuple[int, int]],
        saved: Callable[..., int],
        levels: list[int],
        deepest: int | None,
    ) -> None:
        self.ranges = ranges  # of each value: lowest, highest
        self._saved, self._levels = saved, levels
        # A tree adds values of level v in `deepest` levels if the sum of 2**v is at most 2**deepest.
        self._most = None if deepest is None else 1 << deepest
        self._weights: list[int] = []  # that sum, for each row
        self.rows: list[list[Digit]] = []
        self.counts: Counter[Pattern] = Counter()
        self._queue: list[tuple[int, Pattern]] | None = None
        for digits in rows:
            self.rows.append([])
            self._weights.append(0)
            for digit in digits:
                self.add(len(self.rows) - 1, digit)
        # The pattern that saves most comes first. An entry may be out of date: `best` then corrects it.
        self._queue = [entry for pattern in self.counts if (entry := self._entry(pattern))]
        heapq.heapify(self._queue)

    def _entry(self, pattern: Pattern) -> tuple[int, Pattern] | None:
        count = self.counts[pattern]
        if count < 2 or (gain := self.gain(pattern, count)) <= 0:
            return None
        a, b, distance, sign = pattern
        return -gain, (-a, -b, -distance, -sign)

    def best(self) -> Pattern | None:
        """The pattern that saves most, or None if none saves anything."""
        queue = self._queue
        assert queue is not None
        while queue:
            entry = queue[0]
            a, b, distance, sign = entry[1]
            pattern = -a, -b, -distance, -sign
            now = self._entry(pattern)
            if now == entry:
                return pattern
            heapq.heappop(queue)
            if now is not None:
                heapq.heappush(queue, now)
        return None

    def drop(self, pattern: Pattern) -> None:
        """Forget a pattern until it occurs again."""
        self.counts[pattern] = 0

    def add(self, row: int, digit: Digit) -> None:
        for other in self.rows[row]:
            pattern = _pattern(digit, other)
            self.counts[pattern] += 1
            if self._queue is not None and (entry := self._entry(pattern)):
                heapq.heappush(self._queue, entry)
        self.rows[row].append(digit)
        self._weights[row] += 1 << self._levels[digit.value]

    def remove(self, row: int, digit: Digit) -> None:
        self.rows[row].remove(digit)
        self._weights[row] -= 1 << self._levels[digit.value]
        for other in self.rows[row]:
            self.counts[_pattern(digit, other)] -= 1

    def level_of(self, pattern: Pattern) -> int:
        """The level of the adder that makes a pattern: one more than those of its values."""
        return 1 + max(self._levels[pattern[0]], self._levels[pattern[1]])

    def new(self, pattern: Pattern) -> int:
        """Make a pattern a value of its own; returns its number."""
        self.ranges.append(self.range_of(pattern))
        self._levels.append(self.level_of(pattern))
        return len(self.ranges) - 1

    def bits(self, value: int) -> int:
        return Format.of_interval(*self.ranges[value]).bits

    def range_of(self, pattern: Pattern) -> tuple[int, int]:
        a, b, distance, sign = pattern
        low, high = (end * sign << distance for end in self.ranges[b][::sign])
        return self.ranges[a][0] + low, self.ranges[a][1] + high

    def gain(self, pattern: Pattern, count: int) -> int:
        """Bits of adders that are saved if a pattern is shared between `count` places."""
        a, b, distance, _ = pattern
        new = Format.of_interval(*self.range_of(pattern)).bits
        return self._saved(count, self.bits(a), self.bits(b), new, distance)

    def places(self, pattern: Pattern) -> list[tuple[int, Digit, Digit]]:
        """Pairs of digits with this pattern, no digit in two of them: list of (row, lower, upper)."""
        a, b, distance, sign = pattern
        found = []
        deeper = (1 << self.level_of(pattern)) - (1 << self._levels[a]) - (1 << self._levels[b])
        for row, digits in enumerate(self.rows):
            lower = sorted({d for d in digits if d.value == a}, key=lambda digit: digit.shift)
            if not lower:
                continue
            free, weight = Counter(digits), self._weights[row]
            for digit in lower:
                partner = Digit(b, digit.shift + distance, digit.sign * sign)
                need = 2 if partner == digit else 1
                while free[digit] >= need and free[partner] >= need:
                    if self._most is not None and weight + deeper > self._most:
                        break
                    weight += deeper
                    free[digit] -= 1
                    free[partner] -= 1
                    found.append((row, digit, partner))
        return found


def common(
    rows: Iterable[Iterable[Digit]],
    ranges: Iterable[tuple[int, int]],
    saved: Callable[..., int],
    *,
    levels: Sequence[int] | None = None,
    deepest: int | None = None,
) -> tuple[list[list[Digit]], list[Pattern], list[tuple[int, int]]]:
    """Find the pairs of digits that sums have in common.

    Parameters
    ----------
    rows : iterable of iterable of Digit
        The digits of each sum.
    ranges : iterable of (int, int)
        The lowest and the highest number that each value can be.
    saved : callable
        `heap_bits` or `adder_bits`.
    levels : sequence of int, optional
        How many adders are in front of each value; 0 if it is missing.
    deepest : int, optional
        A pair is not shared by a sum that could then not be added up in so many levels.

    Returns
    -------
    list of list of Digit
        The digits of each sum, made of the old values and of new ones, which follow them in number.
    list of (int, int, int, int)
        The new values: (a, b, distance, sign) stands for ``a + sign * (b << distance)``.
    list of (int, int)
        The ranges of all values.
    """
    ranges = list(ranges)
    sums, made = _Sums(rows, ranges, saved, list(levels or [0] * len(ranges)), deepest), []
    while (best := sums.best()) is not None:
        places = sums.places(best)
        if sums.gain(best, len(places)) <= 0:  # as some places overlap
            sums.drop(best)
            continue
        made.append(best)
        new = sums.new(best)
        for row, digit, partner in places:
            sums.remove(row, digit)
            sums.remove(row, partner)
            sums.add(row, Digit(new, digit.shift, digit.sign))
    return sums.rows, made, sums.ranges


def share(
    rows: Sequence[Sequence[Addend]],
) -> tuple[list[list[Addend]], list[tuple[Signal, Value]]]:
    """Rewrite sums so that pairs of terms that they have in common are added once.

    Parameters
    ----------
    rows : list of list of Addend
        The addends of each sum, with constant weights.

    Returns
    -------
    list of list of Addend
        The same sums, made of the old values and of new ones.
    list of (Signal, Value)
        The new values: what must be assigned to each signal, in order.
    """
    numbers: dict[Any, int] = {}
    values: list[Value] = []
    ranges: list[tuple[int, int]] = []
    weights = []
    for row in rows:
        own: dict[int, int] = defaultdict(int)
        for addend in row:
            key = repr(addend.value), addend.high
            if key not in numbers:
                numbers[key] = len(values)
                values.append(addend.value)
                ranges.append(_range(addend))
            own[numbers[key]] += addend.weight
        weights.append(own)
    digits, pairs, ranges = common(map(_digits, weights), ranges, heap_bits)
    made: list[tuple[Signal, Value]] = []
    for a, b, distance, sign in pairs:
        number = Format.of_interval(*ranges[len(values)])
        signal = Signal(number.shape, name=f"shared_{len(made)}")
        upper = values[b] << distance
        made.append((signal, values[a] + upper if sign > 0 else values[a] - upper))
        values.append(signal)
    shared = []
    for some in digits:
        own = defaultdict(int)
        for digit in some:
            own[digit.value] += digit.sign << digit.shift
        shared.append([Addend(values[v], weight, ranges[v][1]) for v, weight in own.items()])
    return shared, made


def _digits(weights: Mapping[int, int]) -> Iterable[Digit]:
    """The digits of a sum of values with integer weights."""
    for value, weight in weights.items():
        for shift, sign in signed_digits(weight):
            yield Digit(value, shift, sign)


def _range(addend: Addend) -> tuple[int, int]:
    number = Format(len(addend.value), addend.value.shape().signed)
    return number.min, number.max if addend.high is None else addend.high
