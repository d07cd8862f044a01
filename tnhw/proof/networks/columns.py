"""Which rows of a table of integers are equal."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["distinct"]

MOST = 1 << 62


def distinct(columns: Iterable[tuple[np.ndarray, int]]) -> tuple[np.ndarray, np.ndarray]:
    """The kinds of rows of a table.

    Parameters
    ----------
    columns : iterable of (array, int)
        At least one: a column, and a bound: all its values are in 0 .. bound - 1.

    Returns
    -------
    first, which : array of int
        A row of each kind, and for each row its kind.
    """
    table = list(columns)
    key: np.ndarray = np.zeros(len(table[0][0]), np.int64)
    bound = 1
    for column, own in table:
        values: np.ndarray = np.asarray(column, np.int64)
        if own >= 1 << 31:
            values, own = _numbered(values)
        if bound * own >= MOST:
            key, bound = _numbered(key)
        key, bound = key * own + values, bound * own
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return first, which


def _numbered(values):
    """Numbers of values from 0 on, and how many there are."""
    found, which = np.unique(values, return_inverse=True)
    return which, len(found)
