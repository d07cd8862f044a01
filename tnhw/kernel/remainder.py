"""What a kernel's hardware starts each sum from: the bias, with all that depends on parameters alone.

A rule splits its term into addends, which gates add up, and a remainder, which does not depend on x. The remainder,
the constants of the gates and the rounding constant go into the bias that is loaded, stored or sent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..gates.summing.terms import lane_constant
from ..hardware.interface import Arrays
from ..synapse import Rule
from .golden import Golden

__all__ = ["Remainder", "folded", "modulo"]


class Remainder(Golden):
    """What the gates add to the terms of an output."""

    def folded_bias(self, p: Arrays | None = None) -> np.ndarray:
        """Bias with everything that depends on parameters alone, modulo the accumulator's width.

        It is what tnhw's loader stores for storage `memory`, and what the bias port takes with
        ``bias = "folded"``: bias + remainders of the terms + constants of the gates + rounding.

        Returns
        -------
        int64 array [outputs], or [n, outputs] for one set of parameters a vector
        """
        bias = folded(self.synapse, self.parameters_or(p), self.half, self.polarity)
        return modulo(bias, self.sum_format.bits)

    def start(self, output: int) -> int:
        """Constant that the gates add to the terms of one output, besides the constants of the terms themselves."""
        if self.storage == "constant":
            assert self._arrays is not None
            return int(self._arrays["bias"][output]) + self.half
        return self.half


def folded(synapse: Rule, p: Arrays, half: int = 0, polarity: Any = 1) -> np.ndarray:
    """Bias with everything that depends on parameters alone, int64 [..., outputs].

    bias + remainders of the terms + constants of the gates + `half`, the rounding of the requantisation; `polarity`
    is 1 or -1, of all inputs or of each.
    """
    owed = polarity * (synapse.remainder(p) + lane_constant(synapse))
    return p["bias"] + owed.sum(axis=-1) + half


def modulo(values: np.ndarray, bits: int) -> np.ndarray:
    """Values of an int64 array modulo 2^bits, from 0 up; `bits` may be up to 63."""
    return values & ((1 << bits) - 1)
