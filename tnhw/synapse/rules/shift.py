"""Shift synapse: s * (x << e), a power-of-two weight (as in DeepShift, arXiv 1905.13298)."""

from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ..format import Format
from ..rule import Addend, Rule, gate, inversion, negate_if, normal_shares, signs

__all__ = ["Shift"]


@dataclass(frozen=True)
class Shift(Rule):
    """See the module.

    Parameters
    ----------
    signed : bool
        Whether a synapse has a sign; without, s is 0 or 1.
    """

    name = "shift"
    formula = "s · (x << e)"
    arrays = ("exponent", "sign")

    signed: bool = True

    def without_sign(self):
        return replace(self, signed=False)

    def __post_init__(self):
        super().__post_init__()
        if self.parameter.signed or self.parameter.bits > 3:
            raise InputError(
                f"`parameter` of rule `shift` is the exponent: u1, u2 or u3, not {self.parameter}"
            )

    @property
    def fields(self):
        sign = {"sign": Format(1)} if self.signed else {}
        return {"exponent": self.parameter} | sign | {"present": Format(1)}

    @property
    def ranges(self):
        return {"exponent": (0, self.parameter.max), "sign": (-1 if self.signed else 0, 1)}

    def typical(self, rng, shape, signed=True):
        """Nearest powers of two of normal weights."""
        shares, high = normal_shares(rng, shape, signed), self.parameter.max
        exponent = np.rint(np.log2(np.abs(shares) * (1 << high) + 1e-9))
        return {"exponent": np.clip(exponent, 0, high).astype(np.int64), "sign": signs(shares)}

    @classmethod
    def parameter_of(cls, bits):
        return Format(min(3, max(1, (bits - 2).bit_length())))

    def encode(self, arrays):
        sign = arrays["sign"]
        return {
            "exponent": np.where(sign == 0, 0, arrays["exponent"]),
            "sign": (sign < 0).astype(np.int64),
            "present": (sign != 0).astype(np.int64),
        }

    def term(self, x, arrays):
        return arrays["sign"] * np.left_shift(x, arrays["exponent"], dtype=np.int64)

    def interval(self, arrays=None):
        low, high = self.input.min, self.input.max
        if arrays is None:
            top = self.parameter.max
            if not self.signed:
                return min(low, 0) << top, max(high, 0) << top
            return min(low, -high) << top, max(high, -low) << top
        ends = self.term(low, arrays), self.term(high, arrays)
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def _shifted_bits(self):
        return self.input.bits + self.parameter.max

    def addends(self, x, p):
        shifted = gate(p.present, x) << p.exponent
        return [Addend(negate_if(p.sign, shifted) if self.signed else shifted)], 0

    def fold_addends(self, p):
        if not self.signed:
            return [], 0
        return [Addend(p.sign, inversion(self._shifted_bits, self.input.signed))], 0

    def fold(self, arrays):
        return self.encode(arrays)["sign"] * inversion(self._shifted_bits, self.input.signed)

    def constant_addends(self, x, values):
        weight = values["sign"] << values["exponent"]
        return [Addend(x, weight)] if weight else [], 0

    def active(self, x, p):
        return p.present & x.any()
