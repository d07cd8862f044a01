"""Shift synapse: s * (x << e), a power-of-two weight (as in DeepShift, arXiv 1905.13298)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from amaranth.hdl import Value
from amaranth.lib import data

from ...errors import InputError
from ..format import Format
from ..rule import Addend, Rule, gate, inversion, negate_if, normal_shares, signs

__all__ = ["Shift"]


@dataclass(frozen=True)
class Shift(Rule):
    """The rule `shift`; see the module.

    Parameters
    ----------
    signed : bool
        Whether a synapse has a sign; otherwise s is 0 or 1.
    """

    name = "shift"
    formula = "s · (x << e)"
    arrays = ("exponent", "sign")

    signed: bool = True

    def without_sign(self) -> Rule:
        return replace(self, signed=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parameter.signed or self.parameter.bits > 3:
            raise InputError(
                f"`parameter` of rule `shift` is the exponent: u1, u2 or u3, not {self.parameter}"
            )

    @property
    def fields(self) -> dict[str, Format]:
        sign = {"sign": Format(1)} if self.signed else {}
        return {"exponent": self.parameter} | sign | {"present": Format(1)}

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        return {"exponent": (0, self.parameter.max), "sign": (-1 if self.signed else 0, 1)}

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        """Normal weights, rounded to powers of two."""
        shares, high = normal_shares(rng, shape, signed), self.parameter.max
        exponent = np.rint(np.log2(np.abs(shares) * (1 << high) + 1e-9))
        return {"exponent": np.clip(exponent, 0, high).astype(np.int64), "sign": signs(shares)}

    @classmethod
    def parameter_of(cls, bits: int) -> Format:
        return Format(min(3, max(1, (bits - 2).bit_length())))

    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        sign = arrays["sign"]
        return {
            "exponent": np.where(sign == 0, 0, arrays["exponent"]),
            "sign": (sign < 0).astype(np.int64),
            "present": (sign != 0).astype(np.int64),
        }

    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return arrays["sign"] * np.left_shift(x, arrays["exponent"], dtype=np.int64)

    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        low, high = self.input.min, self.input.max
        if arrays is None:
            top = self.parameter.max
            if not self.signed:
                return min(low, 0) << top, max(high, 0) << top
            return min(low, -high) << top, max(high, -low) << top
        ends = self.term(low, arrays), self.term(high, arrays)
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def _shifted_bits(self) -> int:
        return self.input.bits + self.parameter.max

    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        shifted = gate(p.present, x) << p.exponent
        return [Addend(negate_if(p.sign, shifted) if self.signed else shifted)], 0

    def remainder_addends(self, p: data.View) -> tuple[list[Addend], int]:
        if not self.signed:
            return [], 0
        return [Addend(p.sign, inversion(self._shifted_bits, self.input.signed))], 0

    def remainder(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.encode(arrays)["sign"] * inversion(self._shifted_bits, self.input.signed)

    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        weight = values["sign"] << values["exponent"]
        return [Addend(x, weight)] if weight else [], 0

    def active(self, x: Value, p: data.View) -> Value:
        return p.present & x.any()
