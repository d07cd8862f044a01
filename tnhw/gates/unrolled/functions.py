"""Terms of narrow inputs as tables: what a few bits give is one look-up table for each bit of the result.

The term of a synapse with a constant parameter is a function of its input. If the input has at most four bits, each
bit of the term is one LUT, whatever the rule computes; and if inputs are narrower still, the terms of several of them
are one function. Two functions that are equal up to an offset, a sign and a power of two share their table: the offset
goes to the constant of the sum, and the rest is how the sum counts the table. So the thresholds of a layer become one
bank of rectifiers for all outputs, and the weights one bank of products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Signal, Value

from ...synapse import Format, Rule

__all__ = ["MAX_TABLE_BITS", "Function", "Products", "grouped", "joined", "terms_of"]

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


def terms_of(rule: Rule, parameters: Sequence[Mapping[str, int]]) -> np.ndarray:
    """The term of each constant parameter for each code of the input: int64 [parameters, codes].

    Amaranth's simulator runs the gates of the rule (`Rule.constant_addends`). The rule's golden model is not asked, as
    that is what the network is checked with.
    """
    from amaranth.sim import Simulator  # imported here, because only an unrolled network needs it

    x = Signal(rule.input.shape)
    parts = [rule.constant_addends(x, values) for values in parameters]
    found = np.zeros((len(parts), 1 << rule.input.bits), np.int64)

    async def bench(ctx: Any) -> None:
        for code in range(1 << rule.input.bits):
            ctx.set(x, rule.input.decode(code))
            for number, (addends, constant) in enumerate(parts):
                found[number, code] = constant + sum(a.weight * ctx.get(a.value) for a in addends)

    simulator = Simulator(Module())
    simulator.add_testbench(bench)
    simulator.run()
    return found


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


class Products:
    """The products of the bits of a code, from which the bits of tables are made.

    Every function of some bits is the sum modulo 2 of products of them (its algebraic normal form). Written so, and
    not as a choice among constants, Yosys does not take a part of a table for a synchronous reset of its register,
    which would cost a LUT of its own.
    """

    def __init__(self, m: Module, code: Value, name: str) -> None:
        self._m, self._code, self._name = m, code, name
        self._made: dict[int, Value] = {0: Const(1, 1)}

    def _product(self, mask: int) -> Value:
        """The product of the bits that a mask has."""
        if mask not in self._made:
            top = mask.bit_length() - 1
            rest = mask ^ (1 << top)
            made: Value = self._code[top]
            if rest:
                both = Signal(name=f"{self._name}_{mask}")
                self._m.d.comb += both.eq(made & self._product(rest))
                made = both
            self._made[mask] = made
        return self._made[mask]

    def table(self, table: Sequence[int]) -> Value:
        """What a table has for the code, with as many bits as its largest value."""
        terms = list(table)
        for k in range(len(self._code)):
            for code in range(len(terms)):
                if code >> k & 1:
                    terms[code] ^= terms[code ^ (1 << k)]
        bits: list[Value] = []
        for bit in range(max(table).bit_length()):
            masks = [mask for mask, term in enumerate(terms) if term >> bit & 1]
            total: Value = self._product(masks[0]) if masks else Const(0, 1)
            for mask in masks[1:]:
                total = total ^ self._product(mask)
            bits.append(total)
        return Cat(*bits)
