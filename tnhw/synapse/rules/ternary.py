"""Ternary synapse: s * x, s in {-1, 0, +1}.

For unsigned x it is the `threshold` rule with theta = 0, and the baseline for that rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from amaranth.hdl import Value
from amaranth.lib import data

from ..format import Format
from ..rule import Addend, Rule, gate, inversion, negate_if, normal_shares, signs

__all__ = ["Ternary"]


@dataclass(frozen=True)
class Ternary(Rule):
    """The rule `ternary`; see the module.

    Parameters
    ----------
    signed : bool
        Whether a synapse has a sign; otherwise s is 0 or 1.
    """

    name = "ternary"
    formula = "s · x"
    arrays = ("sign",)
    has_parameter = False

    signed: bool = True

    def without_sign(self) -> Rule:
        return replace(self, signed=False)

    @property
    def fields(self) -> dict[str, Format]:
        return ({"sign": Format(1)} if self.signed else {}) | {"present": Format(1)}

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        return {"sign": (-1 if self.signed else 0, 1)}

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        return {"sign": signs(normal_shares(rng, shape, signed))}

    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        sign = arrays["sign"]
        return {"sign": (sign < 0).astype(np.int64), "present": (sign != 0).astype(np.int64)}

    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.multiply(arrays["sign"], x, dtype=np.int64)

    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        low, high = self.input.min, self.input.max
        if arrays is None and not self.signed:
            return min(low, 0), max(high, 0)
        if arrays is None:
            return min(low, -high), max(high, -low)
        ends = arrays["sign"] * low, arrays["sign"] * high
        return np.minimum(*ends), np.maximum(*ends)

    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        x = gate(p.present, x)
        return [Addend(negate_if(p.sign, x) if self.signed else x)], 0

    def remainder_addends(self, p: data.View) -> tuple[list[Addend], int]:
        if not self.signed:
            return [], 0
        return [Addend(p.sign, inversion(self.input.bits, self.input.signed))], 0

    def remainder(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.encode(arrays)["sign"] * inversion(self.input.bits, self.input.signed)

    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        return [Addend(x, values["sign"])] if values["sign"] else [], 0

    def active(self, x: Value, p: data.View) -> Value:
        return p.present & x.any()
