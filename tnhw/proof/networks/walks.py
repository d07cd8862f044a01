"""Random runs of a module, many at once, with what each of them holds."""

from __future__ import annotations

import time

import numpy as np

from .data import Data, Tables
from .invariant import wrong_results
from .states import CHOICES

__all__ = ["wrong_walk"]

WALKS = 256
CLOCKS = 2000
SECONDS = 30
RATES = (0.02, 0.2, 0.5, 0.8, 0.98)


def wrong_walk(
    data: Data, starts: list[list[list[np.ndarray]]], expected: np.ndarray
) -> list[int] | None:
    """The clocks of a run that gives a wrong result; None if none is found.

    Parameters
    ----------
    data : Data
    starts : list of list
        For each state after a reset, what may be held in it.
    expected : array of int
        See `Invariant.check`.
    """
    states, noise, end = data.states, np.random.default_rng(0), time.monotonic() + SECONDS
    rows, tables = np.arange(WALKS), Tables(data.layout, WALKS)
    first = rows % len(starts)
    for walk in rows:
        own = starts[first[walk]]
        row = own[walk // len(starts) % len(own)]
        for table, values in zip(tables.all(), row, strict=True):
            table[walk] = values[0]
    now, done = states.first[first], []
    rates = noise.choice(RATES, (2, WALKS))
    on = noise.random((2, WALKS)) < rates
    for _ in range(CLOCKS):
        if time.monotonic() > end:
            break
        on = np.where(noise.random((2, WALKS)) < 0.4, noise.random((2, WALKS)) < rates, on)
        clocks = now * CHOICES + on[0] + 2 * on[1]
        done.append(clocks)
        wrong = wrong_results(data, tables, clocks, rows, expected)
        if len(wrong):
            return [int(own[wrong[0]]) for own in done]
        after = list(data.after(tables, clocks, rows))
        for table, values in zip(tables.all(), after, strict=True):
            table[:] = values
        now = states.after[clocks]
    return None
