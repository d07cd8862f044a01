"""Sums of a layer as matrix products: the golden model at the speed of BLAS.

A term t(x, p) is a function of one integer x. As any such function it is a constant and a sum of rectifiers
``max(x, v)``, each times the change of the function's slope at v. So the rectifiers of all inputs are computed once,
and matrices of integers make the sums of all outputs of them. What changes of slope a rule has is read from its
terms at all values of x. Products and sums are exact: a float type is chosen that holds the largest sum of absolute
values, whatever the order of the additions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..synapse import Rule

__all__ = ["Rectifiers", "rectifiers"]

MOST = 48  # rectifiers of an input with which matrix products are still faster than the terms one by one
MAX_BITS = 8  # of an input: its values are all tried
EXACT: dict[Any, int] = {np.float32: 1 << 24, np.float64: 1 << 53}  # integers up to here are exact
BATCH = 1 << 18  # rectifiers that are computed at a time, so that they stay in a cache


@dataclass(frozen=True)
class Rectifiers:
    """Matrices that make the sums of a window's terms.

    Attributes
    ----------
    bends : float array [K]
        The v of each rectifier, ascending.
    matrices : float array [taps, K * channels, outputs]
        What the rectifiers of the inputs at each tap are multiplied by.
    constant : int64 array [outputs]
        What is added to the products.
    """

    bends: np.ndarray
    matrices: np.ndarray
    constant: np.ndarray

    def sums(self, x: np.ndarray, places: list[tuple[slice, slice]]) -> np.ndarray:
        """Exact sums for activations x [n, height, width, channels] with their padding.

        `places` are the rows and columns of x that a tap sees, for each tap.

        Returns
        -------
        int64 array [n, rows, columns, outputs]
        """
        step = max(1, BATCH // max(1, x[:1].size * len(self.bends)))
        parts = [x[start : start + step] for start in range(0, len(x), step)]
        with _libraries().limit(limits=1), ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(lambda part: self._products(part, places), parts))
        return np.concatenate(found) + self.constant

    def _products(self, x: np.ndarray, places: list[tuple[slice, slice]]) -> np.ndarray:
        kind = self.matrices.dtype
        lifted = np.empty((*x.shape[:3], len(self.bends), x.shape[3]), kind)
        np.maximum(x.astype(kind)[..., None, :], self.bends[:, None], out=lifted)
        lifted = lifted.reshape(*x.shape[:3], self.matrices.shape[1])
        total: Any = None
        for (rows, columns), matrix in zip(places, self.matrices, strict=True):
            seen = lifted[:, rows, columns]
            product = seen.reshape(prod(seen.shape[:3]), len(matrix)) @ matrix
            total = product if total is None else np.add(total, product, out=total)
        return total.astype(np.int64).reshape(*seen.shape[:3], len(self.constant))


def rectifiers(
    rule: Rule, arrays: Mapping[str, np.ndarray], bias: np.ndarray, taps: int
) -> Rectifiers | None:
    """The matrices of a layer whose parameter arrays are [outputs, inputs], tap by tap.

    None if the terms one by one are faster, or if the sums are too large for floats.
    """
    if rule.input.bits > MAX_BITS:
        return None
    kinds, number = _kinds(arrays)
    lowest, bends, changes = _changes(rule, kinds)
    if len(bends) > MOST:
        return None
    ends = np.maximum(np.abs(bends), max(abs(rule.input.min), rule.input.max))
    largest = (np.abs(changes) * ends[:, None]).sum(0)[number].sum(1).max()
    kind = next((kind for kind, most in EXACT.items() if largest < most), None)
    if kind is None:
        return None
    outputs, channels = len(number), number.shape[1] // taps
    shaped = changes.astype(kind)[:, number].reshape(len(bends), outputs, taps, channels)
    matrices = shaped.transpose(2, 0, 3, 1).reshape(taps, len(bends) * channels, outputs)
    constant = (lowest - bends @ changes)[number].sum(1) + bias
    return Rectifiers(bends.astype(kind), np.ascontiguousarray(matrices), constant)


def _kinds(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The different synapses among arrays [outputs, inputs]: arrays [m], and which of them each synapse is."""
    names = sorted(arrays)
    columns = np.stack([np.ravel(arrays[name]) for name in names])
    different, number = np.unique(columns, axis=1, return_inverse=True)
    return dict(zip(names, different, strict=True)), number.reshape(arrays[names[0]].shape)


def _changes(
    rule: Rule, kinds: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Terms of m synapses at the lowest x [m]; the x where a slope changes [K], and by how much [K, m]."""
    x = np.arange(rule.input.min, rule.input.max + 1)
    terms = rule.term(x[:, None], kinds)
    changes = np.diff(np.diff(terms, axis=0), axis=0, prepend=0)
    used = changes.any(axis=1)
    return terms[0], x[:-1][used], changes[used]


@cache
def _libraries() -> ThreadpoolController:
    """The libraries behind numpy that have threads of their own."""
    return ThreadpoolController()
