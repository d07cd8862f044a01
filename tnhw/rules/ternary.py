"""Ternary synapse: s * x, s in {-1, 0, +1}.

The `threshold` rule at theta = 0 for unsigned x, and the baseline that it must beat.
"""

import numpy as np

from ..format import Format
from ..rule import Addend, Rule, gate, inversion, negate_if

__all__ = ["Ternary"]


class Ternary(Rule):
    name = "ternary"
    formula = "s · x"
    arrays = ("sign",)
    has_parameter = False

    @property
    def fields(self):
        return {"sign": Format(1), "present": Format(1)}

    @property
    def ranges(self):
        return {"sign": (-1, 1)}

    def encode(self, arrays):
        sign = arrays["sign"]
        return {"sign": (sign < 0).astype(np.int64), "present": (sign != 0).astype(np.int64)}

    def term(self, x, arrays):
        return np.multiply(arrays["sign"], x, dtype=np.int64)

    def interval(self, arrays=None):
        low, high = self.input.min, self.input.max
        if arrays is None:
            return min(low, -high), max(high, -low)
        ends = arrays["sign"] * low, arrays["sign"] * high
        return np.minimum(*ends), np.maximum(*ends)

    def addends(self, x, p):
        return [Addend(negate_if(p.sign, gate(p.present, x)))], 0

    def fold_addends(self, p):
        return [Addend(p.sign, inversion(self.input.bits, self.input.signed))], 0

    def fold(self, arrays):
        return self.encode(arrays)["sign"] * inversion(self.input.bits, self.input.signed)

    def constant_addends(self, x, values):
        return [Addend(x, values["sign"])] if values["sign"] else [], 0

    def active(self, x, p):
        return p.present & x.any()
