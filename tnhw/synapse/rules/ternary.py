"""Ternary synapse: s * x, s in {-1, 0, +1}.

The `threshold` rule at theta = 0 for unsigned x, and the baseline that it must beat.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..format import Format
from ..rule import Addend, Rule, gate, inversion, negate_if, normal_shares, signs

__all__ = ["Ternary"]


@dataclass(frozen=True)
class Ternary(Rule):
    """See the module.

    Parameters
    ----------
    signed : bool
        Whether a synapse has a sign; without, s is 0 or 1.
    """

    name = "ternary"
    formula = "s · x"
    arrays = ("sign",)
    has_parameter = False

    signed: bool = True

    def without_sign(self):
        return replace(self, signed=False)

    @property
    def fields(self):
        return ({"sign": Format(1)} if self.signed else {}) | {"present": Format(1)}

    @property
    def ranges(self):
        return {"sign": (-1 if self.signed else 0, 1)}

    def typical(self, rng, shape, signed=True):
        return {"sign": signs(normal_shares(rng, shape, signed))}

    def encode(self, arrays):
        sign = arrays["sign"]
        return {"sign": (sign < 0).astype(np.int64), "present": (sign != 0).astype(np.int64)}

    def term(self, x, arrays):
        return np.multiply(arrays["sign"], x, dtype=np.int64)

    def interval(self, arrays=None):
        low, high = self.input.min, self.input.max
        if arrays is None and not self.signed:
            return min(low, 0), max(high, 0)
        if arrays is None:
            return min(low, -high), max(high, -low)
        ends = arrays["sign"] * low, arrays["sign"] * high
        return np.minimum(*ends), np.maximum(*ends)

    def addends(self, x, p):
        x = gate(p.present, x)
        return [Addend(negate_if(p.sign, x) if self.signed else x)], 0

    def fold_addends(self, p):
        if not self.signed:
            return [], 0
        return [Addend(p.sign, inversion(self.input.bits, self.input.signed))], 0

    def fold(self, arrays):
        return self.encode(arrays)["sign"] * inversion(self.input.bits, self.input.signed)

    def constant_addends(self, x, values):
        return [Addend(x, values["sign"])] if values["sign"] else [], 0

    def active(self, x, p):
        return p.present & x.any()
