"""The bias from which the hardware of a kernel starts each sum: with all that depends on parameters alone.

A rule splits its term into addends, which gates add up, and a remainder, which does not depend on x. Remainders, the
constants that gates need and the rounding constant are part of the bias that is loaded, stored or sent.
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
    """The bias that the hardware uses, and the constant that the gates add."""

    def folded_bias(self, p: Arrays | None = None) -> np.ndarray:
        """Bias with everything that depends on parameters alone, modulo 2^(width of the accumulator).

        It is bias + remainders of the terms + constants of the gates + rounding constant: what a load has for storage
        `memory`, and what must be sent with ``bias = "folded"``.

        Returns
        -------
        int64 array [outputs], or [n, outputs] if there is a set of parameters for each vector
        """
        bias = folded(self.synapse, self.parameters_or(p), self.half, self.polarity)
        return modulo(bias, self.sum_format.bits)

    def start(self, output: int) -> int:
        """Constant that the gates add to the terms of an output, in addition to the constants of the terms."""
        if self.storage == "constant":
            assert self._arrays is not None
            return int(self._arrays["bias"][output]) + self.half
        return self.half


def folded(synapse: Rule, p: Arrays, half: int = 0, polarity: Any = 1) -> np.ndarray:
    """Bias with everything that depends on parameters alone, exact: int64 [..., outputs].

    It is bias + remainders of the terms + constants of the gates + `half`, the rounding constant. `polarity` is 1 or
    -1, the same for all inputs or one for each.
    """
    owed = polarity * (synapse.remainder(p) + lane_constant(synapse))
    return p["bias"] + owed.sum(axis=-1) + half


def modulo(values: np.ndarray, bits: int) -> np.ndarray:
    """An int64 array modulo 2^bits, with values of 0 and more; `bits` is at most 63."""
    return values & ((1 << bits) - 1)
