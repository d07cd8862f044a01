"""The golden model: the integer function that defines what the hardware of a kernel must compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..hardware.interface import Arrays
from . import parameters as arrays_of
from .widths import Widths

__all__ = ["Golden"]

MAX_TERMS = 1 << 22  # terms that are computed at once, so that many vectors fit into memory


class Golden(Widths):
    """Sums z_j = bias_j + sum_i t(x_i, p_ij), and results y, which are z after rounding, shift and clamping."""

    def golden(self, x: Any, p: Arrays | None = None) -> np.ndarray:
        """What the hardware must compute.

        Parameters
        ----------
        x : array_like of int, [n, inputs], or one vector [inputs]
        p : dict of arrays, optional
            Parameters, by default the kernel's own. For storage `ports` there may be a set for each vector, with
            arrays [n, outputs, inputs].

        Returns
        -------
        int64 array [n, outputs], or [outputs] for one vector

        Raises
        ------
        InputError
            If `x` or `p` has a wrong shape, type or value, or there are no parameters.
        """
        if arrays_of.one_vector(x):
            return self.golden([x], p)[0]
        return self.requantise(self.sums(x, p))

    def requantise(self, z: np.ndarray) -> np.ndarray:
        """Results y for exact sums z, int64 arrays of any shape."""
        if self.output is None:
            return z
        rounded = (z + self.half) >> self.shift if self.shift > 0 else z << -self.shift
        return self.output.clamp(rounded)

    def sums(self, x: Any, p: Arrays | None = None) -> np.ndarray:
        """Exact sums z before requantisation, int64 [n, outputs]; `x` is [n, inputs], `p` as for :meth:`golden`."""
        x, p = self.check_x(x), self.parameters_or(p)
        z = np.empty((len(x), self.outputs), np.int64)
        step = max(1, MAX_TERMS // (self.inputs * self.outputs))
        for start in range(0, len(x), step):
            rows = slice(start, start + step)
            own = {name: a[rows] if _per_vector(name, a) else a for name, a in p.items()}
            terms = self.synapse.term(x[rows, None, :], own)
            if self.excitatory is not None:
                terms = terms * self.polarity
            z[rows] = terms.sum(axis=-1) + own["bias"]
        return z

    def check_x(self, x: Any) -> np.ndarray:
        """Check vectors and return them as int64 [n, inputs]; raises InputError if they do not fit."""
        return arrays_of.vectors(x, self.inputs, self.input, f"kernel {self.name}")

    def parameters_or(self, p: Arrays | None) -> dict[str, np.ndarray]:
        """Check parameters and return them as int64 arrays.

        With None, or for storage `constant`, they are the kernel's own. Raises InputError if there are none, or they
        do not fit.
        """
        if p is None and self._arrays is None:
            raise InputError(f"kernel {self.name}: has no parameters of its own: give them")
        if self._arrays is not None and (p is None or self.storage == "constant"):
            return self._arrays
        return self.check_parameters(p, f"kernel {self.name}", vectors=self.storage == "ports")

    def check_parameters(self, arrays: Any, where: str, *, vectors: bool = False) -> dict:
        """Check parameter arrays and return them as int64; with `vectors` there may be a set for each vector.

        Raises InputError, whose message begins with `where`, if they do not fit.
        """
        ranges = dict(self.synapse.ranges)
        bias = self.bias_format
        if bias is not None:
            ranges["bias"] = (bias.min, bias.max)
        elif self.storage == "constant":
            ranges["bias"] = (-(1 << 60), 1 << 60)
        elif np.any(arrays.get("bias", 0)):
            raise InputError(f'{where}: parameters have a bias: give `bias` a format such as "s12"')
        else:
            ranges["bias"] = (0, 0)
        shape = (self.outputs, self.inputs)
        return arrays_of.check(arrays, ranges, shape, where, vectors=vectors)


def _per_vector(name: str, array: np.ndarray) -> bool:
    return array.ndim == (2 if name == "bias" else 3)
