"""Binary synapse: x and w are single bits that stand for -1 and +1, and the term is their product.

The product is +1 where the bits are equal (XNOR), so a sum counts equal bits: the synapse of binarised networks, which
is the cheapest that there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Const, Value
from amaranth.lib import data

from ..format import Format
from ..rule import Addend, Rule, normal_shares

__all__ = ["Binary"]


@dataclass(frozen=True)
class Binary(Rule):
    """The rule `binary`; see the module. A bit 0 stands for -1, a bit 1 for +1."""

    name = "binary"
    formula = "+1 if x = w, else −1"
    typical_text = "parameters of either value equally often"
    arrays = ("weight",)
    has_parameter = False
    only_input = Format(1)

    @property
    def fields(self) -> dict[str, Format]:
        return {"weight": Format(1)}

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        return {"weight": (0, 1)}

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        return {"weight": (normal_shares(rng, shape) >= 0).astype(np.int64)}

    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"weight": arrays["weight"]}

    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.where(np.equal(x, arrays["weight"]), 1, -1).astype(np.int64)

    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        if arrays is None:
            return -1, 1
        ones = np.ones(np.shape(arrays["weight"]), np.int64)
        return -ones, ones

    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        return [Addend(~(x ^ p.weight), 2)], -1

    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        return ([Addend(x, 2)], -1) if values["weight"] else ([Addend(x, -2)], 1)

    def active(self, x: Value, p: data.View) -> Value:
        return Const(1, 1)
