"""Common sub-expressions of many sums: a pair of terms that occurs in several sums is added once.

The sums have constant weights, as in a kernel whose parameters never change, written in canonical signed digits. Of
all pairs of digits ``a + (±b << d)`` that occur in more than one place, the one that saves the most bits of adders
becomes a value of its own; this is repeated until no pair saves anything. It is the greedy rule of Hartley (1996,
doi:10.1109/82.539000), applied to the digits of a whole matrix as in da4ml (arXiv 2507.04535), but with the cost
counted in bits of a heap.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from amaranth.hdl import Signal

from ...synapse import Addend, Format
from .tree import signed_digits

__all__ = ["share"]


@dataclass(frozen=True)
class _Digit:
    """A value that counts ``sign * 2**shift`` times."""

    value: int
    shift: int
    sign: int


def _pattern(one, other):
    """The sum of two digits, up to a shift and a sign: two values, difference of shifts, relative sign."""
    a, b = sorted((one, other), key=lambda digit: (digit.shift, digit.value))
    return a.value, b.value, b.shift - a.shift, a.sign * b.sign


class _Sums:
    """The digits of all sums, and how often each pattern of two digits occurs in them."""

    def __init__(self, rows, ranges):
        self.ranges = ranges  # of each value: lowest, highest
        self.rows = [[] for _ in rows]
        self.counts = Counter()
        for row, weights in enumerate(rows):
            for value, weight in weights.items():
                for shift, sign in signed_digits(weight):
                    self.add(row, _Digit(value, shift, sign))

    def add(self, row, digit):
        for other in self.rows[row]:
            self.counts[_pattern(digit, other)] += 1
        self.rows[row].append(digit)

    def remove(self, row, digit):
        self.rows[row].remove(digit)
        for other in self.rows[row]:
            self.counts[_pattern(digit, other)] -= 1

    def bits(self, value):
        return Format.of_interval(*self.ranges[value]).bits

    def range_of(self, pattern):
        a, b, distance, sign = pattern
        low, high = (end * sign << distance for end in self.ranges[b][::sign])
        return self.ranges[a][0] + low, self.ranges[a][1] + high

    def gain(self, pattern, count):
        """Bits of adders that are saved if a pattern is shared between `count` places."""
        a, b, distance, _ = pattern
        new = Format.of_interval(*self.range_of(pattern)).bits
        return count * (self.bits(a) + self.bits(b) - new) - max(0, new - distance)

    def places(self, pattern):
        """Pairs of digits with this pattern, no digit in two of them: list of (row, lower, upper)."""
        a, b, distance, sign = pattern
        found = []
        for row, digits in enumerate(self.rows):
            free = Counter(digits)
            for digit in sorted(set(digits), key=lambda digit: digit.shift):
                partner = _Digit(b, digit.shift + distance, digit.sign * sign)
                need = 2 if partner == digit else 1
                while digit.value == a and free[digit] >= need and free[partner] >= need:
                    free[digit] -= 1
                    free[partner] -= 1
                    found.append((row, digit, partner))
        return found


def share(rows):
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
    numbers, values, ranges, weights = {}, [], [], []
    for row in rows:
        own = defaultdict(int)
        for addend in row:
            key = repr(addend.value), addend.high
            if key not in numbers:
                numbers[key] = len(values)
                values.append(addend.value)
                ranges.append(_range(addend))
            own[numbers[key]] += addend.weight
        weights.append(own)
    sums, made = _Sums(weights, ranges), []
    while True:
        best = max(
            (pattern for pattern, count in sums.counts.items() if count > 1),
            key=lambda pattern: (sums.gain(pattern, sums.counts[pattern]), pattern), default=None,
        )  # fmt: skip
        if best is None or sums.gain(best, sums.counts[best]) <= 0:
            break
        places = sums.places(best)
        if sums.gain(best, len(places)) <= 0:  # as some places overlap
            sums.counts[best] = 0
            continue
        a, b, distance, sign = best
        ranges.append(sums.range_of(best))
        number = Format.of_interval(*ranges[-1])
        signal = Signal(number.shape, name=f"shared_{len(made)}")
        upper = values[b] << distance
        made.append((signal, values[a] + upper if sign > 0 else values[a] - upper))
        values.append(signal)
        for row, digit, partner in places:
            sums.remove(row, digit)
            sums.remove(row, partner)
            sums.add(row, _Digit(len(values) - 1, digit.shift, digit.sign))
    shared = []
    for digits in sums.rows:
        own = defaultdict(int)
        for digit in digits:
            own[digit.value] += digit.sign << digit.shift
        shared.append([Addend(values[v], weight, ranges[v][1]) for v, weight in own.items()])
    return shared, made


def _range(addend):
    number = Format(len(addend.value), addend.value.shape().signed)
    return number.min, number.max if addend.high is None else addend.high
