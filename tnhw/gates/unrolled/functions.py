"""Terms of narrow inputs as tables: what a few bits give is one look-up table for each bit of the result.

The term of a synapse with a constant parameter is a function of its input. If the input has at most four bits, each
bit of the term is one LUT, whatever the rule computes; and if inputs are narrower still, the terms of several of them
are one function. Two functions that are equal up to an offset, a sign and a power of two share their table: the offset
goes to the constant of the sum, and the rest is how the sum counts the table. So the thresholds of a layer become one
bank of rectifiers for all outputs, and the weights one bank of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Module, Signal, Value

from ...synapse import Format

__all__ = ["MAX_TABLE_BITS", "Function", "assign", "grouped"]

MAX_TABLE_BITS = 4


@dataclass(frozen=True)
class Function:
    """A function of a few bits: ``constant + sign * (table[code] << shift)``.

    Attributes
    ----------
    table : tuple of int
        A value for each code, 0 or more; empty if the function is constant.
    shift : int
    sign : int
        1 or -1.
    constant : int
    """

    table: tuple[int, ...]
    shift: int
    sign: int
    constant: int

    @classmethod
    def of(cls, values: Sequence[int]) -> Function:
        """The function with these values, one for each code; functions that can share a table get the same one."""
        low, high = min(values), max(values)
        if low == high:
            return cls((), 0, 1, low)
        up = [value - low for value in values]
        bits = 0
        for value in up:
            bits |= value
        shift = (bits & -bits).bit_length() - 1
        rising = tuple(value >> shift for value in up)
        falling = tuple((high - value) >> shift for value in values)
        if rising <= falling:
            return cls(rising, shift, 1, low)
        return cls(falling, shift, -1, high)

    def values(self, extra: int, modulus: int) -> tuple[int, ...]:
        """The values plus `extra`, modulo `modulus`."""
        more = self.constant + extra
        return tuple((more + self.sign * (one << self.shift)) % modulus for one in self.table)


def grouped(number: Format, inputs: int) -> list[range]:
    """Groups of inputs whose bits together are the code of one table; empty if one input alone has too many bits."""
    together = MAX_TABLE_BITS // number.bits
    if not together:
        return []
    return [range(k, min(k + together, inputs)) for k in range(0, inputs, together)]


def joined(terms: np.ndarray) -> list[int]:
    """Sums of the terms of several inputs [inputs, codes], for each code of all of them; input 0 in the low bits."""
    total = np.zeros(1, np.int64)
    for own in terms:
        total = (own[:, None] + total[None, :]).reshape(-1)
    return [int(value) for value in total]


def assign(m: Module, signal: Signal, code: Value, table: Sequence[int]) -> None:
    """Register what a table has for a code, in the domain `sync`."""
    default = max(set(table), key=list(table).count)
    with m.Switch(code):
        for value in sorted(set(table) - {default}):
            with m.Case(*(k for k, other in enumerate(table) if other == value)):
                m.d.sync += signal.eq(value)
        with m.Default():
            m.d.sync += signal.eq(default)
