"""AdderNet synapse: -|x - w| (Chen et al., *AdderNet*, arXiv 1912.13200)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Value
from amaranth.lib import data

from ..format import Format
from ..rule import Addend, Rule, normal_shares, scaled

__all__ = ["AdderNet"]


class AdderNet(Rule):
    name = "addernet"
    formula = "−|x − w|"
    arrays = ("weight",)

    @property
    def fields(self) -> dict[str, Format]:
        return {"weight": self.parameter}

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        return {"weight": (self.parameter.min, self.parameter.max)}

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        """Normal weights; in an unsigned format, negative ones become 0."""
        return {"weight": scaled(normal_shares(rng, shape, signed), *self.ranges["weight"])}

    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"weight": arrays["weight"]}

    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return -np.abs(np.subtract(x, arrays["weight"], dtype=np.int64))

    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        if arrays is None:
            w_low, w_high = self.parameter.min, self.parameter.max
        else:
            w_low = w_high = arrays["weight"]
        farthest = np.maximum(self.input.max - w_low, w_high - self.input.min)
        gap = np.maximum(w_low - self.input.max, self.input.min - w_high)
        nearest = np.maximum(gap, 0)
        return (-farthest, -nearest) if arrays is not None else (-int(farthest), -int(nearest))

    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        return self._distance(x, p.weight)

    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        return self._distance(x, values["weight"])

    @staticmethod
    def _distance(x: Value, weight: Value) -> Value:
        # For d < 0 the term is d, else -d = ~d + 1. Before the +1 both are negative, so the top bit is constant.
        difference = x - weight
        negative = difference[-1]
        inverted = (difference.as_unsigned() ^ (~negative).replicate(len(difference)))[:-1]
        return [Addend(inverted), Addend(~negative)], -(1 << (len(difference) - 1))

    def active(self, x: Value, p: data.View) -> Value:
        return x != p.weight
