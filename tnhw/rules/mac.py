"""Multiply-accumulate synapse: w * x, the neuron that everything else is compared with."""

import numpy as np

from ..rule import Addend, Rule

__all__ = ["Mac"]


class Mac(Rule):
    name = "mac"
    arrays = ("weight",)

    @property
    def fields(self):
        return {"weight": self.parameter}

    @property
    def ranges(self):
        return {"weight": (self.parameter.min, self.parameter.max)}

    def encode(self, arrays):
        return {"weight": arrays["weight"]}

    def term(self, x, arrays):
        return np.multiply(arrays["weight"], x, dtype=np.int64)

    def interval(self, arrays=None):
        if arrays is None:
            corners = [
                x * w
                for x in (self.input.min, self.input.max)
                for w in (self.parameter.min, self.parameter.max)
            ]
            return min(corners), max(corners)
        ends = arrays["weight"] * self.input.min, arrays["weight"] * self.input.max
        return np.minimum(*ends), np.maximum(*ends)

    def addends(self, x, p):
        return [Addend(x * p.weight)], 0

    def constant_addends(self, x, values):
        return [Addend(x, values["weight"])] if values["weight"] else [], 0

    def active(self, x, p):
        return x.any()
