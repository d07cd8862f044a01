"""Which results of a module are not those that are owed."""

from __future__ import annotations

import numpy as np

from .data import Data, Tables
from .states import States

__all__ = ["wrong_results"]


def wrong_results(
    data: Data,
    states: States,
    tables: Tables,
    clocks: np.ndarray,
    rows: np.ndarray,
    expected: np.ndarray,
) -> np.ndarray:
    """Indices of those clocks in which a beat of a result is offered that is not the one that is owed.

    Parameters
    ----------
    data : Data
    states : States
    tables : Tables
        What is held before the clocks, in these `rows`.
    clocks, rows : array of int
    expected : array of int
        See `Invariant.check_results`.
    """
    offered = np.flatnonzero(states.valid[clocks])
    if not len(offered):
        return offered
    image, beat = np.divmod(-states.owed[clocks[offered]], states.contract.results)
    found = data.result(tables, clocks[offered], rows[offered])
    return offered[found != expected[-image, beat]]
