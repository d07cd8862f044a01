"""Vectors that show faults of a network which answers with a class: those near the border of two classes.

A class hides most errors of the sums behind it. It shows an error of 1 if two outputs are equal or differ by 1, so vectors
of which this is so are looked for.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .network import Network

__all__ = ["undecided_vectors"]

VARIANTS = 24  # of the vector of each output, in each round
TRIED = 6_000  # vectors for which outputs are computed, beside those of the pool
OPERATIONS = 1_000_000_000  # for all of them


def undecided_vectors(network: Network, pool: np.ndarray, count: int) -> np.ndarray:
    """Vectors near the border of two classes: their two largest outputs are equal, or as near to each other as was found.

    Parameters
    ----------
    network : Network
        One that answers with a class, of two or more.
    pool : int array [n, inputs]
        Vectors with which the search begins. For each output it changes a few elements of the best vector so far, and keeps a change
        that brings this output nearer to the largest of the others.
    count : int
        How many vectors are wanted.

    Returns
    -------
    int64 array [m, inputs]
        At most `count`, all different, about equally many near each output; the same for the same arguments.
    """
    most = max(1, OPERATIONS // network.operations)
    pool = np.asarray(pool, np.int64)[:most]
    if not count or not len(pool):
        return pool[:0]
    random, outputs = np.random.default_rng(0), network.outputs
    margins = _margins(network.golden(pool))
    found = [_Nearest(pool, margins[:, j]) for j in range(outputs)]
    for _ in range(min(TRIED, most - len(pool)) // (outputs * VARIANTS)):
        tried = np.concatenate([_variants(random, network.input, own.best) for own in found])
        margins = _margins(network.golden(tried))
        for j, own in enumerate(found):
            own.add(tried, margins[:, j])
    # A vector is near to the border of two classes, so it is in two of the lists.
    in_turn = (v for vs in zip(*(own.ordered(count) for own in found), strict=True) for v in vs)
    distinct = list(dict.fromkeys(vector.tobytes() for vector in in_turn))[:count]
    return np.array([np.frombuffer(vector, np.int64) for vector in distinct])


def _margins(y):
    """By how much each output is above the largest of the others: int64 [n, outputs]."""
    first = y.argmax(axis=1)
    top = np.take_along_axis(y, first[:, None], axis=1)
    rest = y.copy()
    np.put_along_axis(rest, first[:, None], np.iinfo(np.int64).min, axis=1)
    others = np.where(np.arange(y.shape[1]) == first[:, None], rest.max(axis=1)[:, None], top)
    return y - others


def _variants(random, number, vector):
    """Vectors of a format in which a few random elements of `vector` have other values."""
    shape = VARIANTS, len(vector)
    least = 1 / len(vector)
    share = random.uniform(least, max(least, 0.3), (VARIANTS, 1))
    values = random.integers(number.min, number.max, shape, np.int64, endpoint=True)
    return np.where(random.random(shape) < share, values, vector)


class _Nearest:
    """The vectors that were found for one output: with margins -1, 0 and 1 if there are, else the nearest to 0."""

    def __init__(self, vectors, margins):
        self._vectors, self._margins = vectors[:0], margins[:0]
        self.add(vectors, margins)

    def add(self, vectors, margins):
        near = np.argsort(np.abs(margins), kind="stable")[: 2 * VARIANTS]
        # The newest come first among equals, so that the search moves on.
        vectors = np.concatenate([vectors[near], self._vectors])
        margins = np.concatenate([margins[near], self._margins])
        order = np.argsort(np.abs(margins), kind="stable")[: 8 * VARIANTS]
        self._vectors, self._margins = vectors[order], margins[order]

    @property
    def best(self):
        return self._vectors[0]

    def ordered(self, count):
        """`count` vectors: first those of each margin of -1, 0 and 1 in turn, and the first ones again if there are not so many."""
        turns = [np.flatnonzero(self._margins == margin).tolist() for margin in (0, 1, -1)]
        order = [k for turn in zip_longest(*turns) for k in turn if k is not None]
        order = list(dict.fromkeys([*order, *range(len(self._margins))]))
        return self._vectors[np.resize(order, count)]
