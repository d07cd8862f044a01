"""Random runs of a module, many at once, with what each of them holds."""

from __future__ import annotations

import time

import numpy as np

from .data import Data, Tables
from .invariant import wrong_results
from .states import States

__all__ = ["wrong_walk"]

WALKS = 256
CLOCKS = 2000
WAYS = 4  # of a clock: whether a beat is offered, and whether a result is taken
SECONDS = 30
RATES = (0.02, 0.2, 0.5, 0.8, 0.98)


def wrong_walk(
    data: Data,
    states: States,
    starts: list[list[list[np.ndarray]]],
    expected: np.ndarray,
) -> list[int] | None:
    """The clocks of a run that gives a wrong result; None if none is found.

    Parameters
    ----------
    data : Data
    states : States
    starts : list of list
        For each state after a reset, what may be held in it.
    expected : array of int
        See `Invariant.check_results`.
    """
    noise, end = np.random.default_rng(0), time.monotonic() + SECONDS
    if states.contract.promised:
        return None  # what the sender may do is not the same in all states
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
        clocks = now * WAYS + on[0] + 2 * on[1]
        done.append(clocks)
        wrong = wrong_results(data, states, tables, clocks, rows, expected)
        if len(wrong):
            return [int(own[wrong[0]]) for own in done]
        after = list(data.after(tables, clocks, rows))
        for table, values in zip(tables.all(), after, strict=True):
            table[:] = values
        now = states.after[clocks]
    return None
