"""What a module holds in each state of its control, whatever happened before.

For each state the invariant has one value of each register and each word: a function of the images, counted from the one that
is sent next, or unknown. It is found by following all clocks until nothing changes any more, where what differs between
two ways to a state becomes unknown. How it was found does not matter, since `check` looks at each clock of each state again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .data import Data, Tables
from .states import Fault, States
from .values import NotUnderstood

__all__ = ["Invariant", "wrong_results"]

CHUNK = 1 << 16  # clocks that are looked at together
ROUNDS = 20_000


class Invariant:
    """What is held in each state.

    Parameters
    ----------
    data : Data
    """

    def __init__(self, data: Data) -> None:
        self._data, self._states = data, data.states
        self._tables = Tables(data.layout, len(data.states))

    def start(self, state: int, row: list[np.ndarray]) -> None:
        """Say what may be held in a state after a reset."""
        for table, values in zip(self._tables.all(), row, strict=True):
            self._join(table, np.array([state]), values)

    def find(self, say: Callable[[int], Any] = lambda changed: None) -> None:
        """Follow all clocks until nothing changes; `say` is called with the number of states that changed."""
        changed = np.unique(self._states.first)
        for _ in range(ROUNDS):
            if not len(changed):
                return
            say(len(changed))
            clocks = self._states.clocks_of(changed)
            changed = np.unique(np.concatenate([self._follow(part) for part in _chunks(clocks)]))
        raise NotUnderstood("what is held in a state does not settle")

    def _follow(self, clocks):
        """Let the states after some clocks hold what these clocks leave; returns those that changed."""
        targets, changed = self._states.after[clocks], []
        after = self._data.after(self._tables, clocks, self._states.before[clocks])
        for table, values in zip(self._tables.all(), after, strict=True):
            new = np.flatnonzero(_rows_differ(table[targets], values))
            changed.append(self._join(table, targets[new], values[new]))
        return np.concatenate(changed)

    def _join(self, table, states, values):
        """Join values into rows of a table; returns the states whose rows changed."""
        changed = [np.empty(0, np.int64)]
        while len(states):
            own, first = np.unique(states, return_index=True)
            before, new = table[own], values[first]
            before = np.where(before < 0, new, before)
            after = self._data.contents.joined(before, new)
            changed.append(own[_rows_differ(table[own], after)])
            table[own] = after
            rest = np.ones(len(states), bool)
            rest[first] = False
            states, values = states[rest], values[rest]
        return np.concatenate(changed)

    def check(self) -> None:
        """Look at each clock of each state.

        Raises
        ------
        NotUnderstood
            If what is held in a state does not follow.
        """
        for clocks in _chunks(np.arange(self._states.count)):
            states, targets = self._states.before[clocks], self._states.after[clocks]
            after = self._data.after(self._tables, clocks, states)
            for table, values in zip(self._tables.all(), after, strict=True):
                held = table[targets]
                if (held < 0).any() or (self._data.contents.joined(held, values) != held).any():
                    raise NotUnderstood("what is held does not follow from the states before")

    def check_results(self, states: States, expected: np.ndarray) -> None:
        """Look at the results in each clock of each state.

        Parameters
        ----------
        states : States
        expected : array of int
            Numbers of the results' beats: a row for each image, counted back from the one that is sent next.

        Raises
        ------
        Fault
            If a result is another one.
        """
        for clocks in _chunks(np.arange(states.count)):
            own = states.before[clocks]
            wrong = wrong_results(self._data, states, self._tables, clocks, own, expected)
            if len(wrong):
                [choice] = states.choices([int(clocks[wrong[0]])])
                raise Fault("a beat of a result is not the right one", own[wrong[0]], choice)

    def words(self, classes: np.ndarray, count: int) -> dict[int, np.ndarray]:
        """What the words of each memory are in all states of a class, for classes 0 .. count - 1."""
        found = {}
        for k, words in self._tables.words.items():
            found[k] = np.full((count, words.shape[1]), -1, np.int32)
            self._join(found[k], classes, words)
        return found


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


def _rows_differ(one, other):
    return (one != other).reshape(len(one), -1).any(1)


def _chunks(clocks):
    return [clocks[low : low + CHUNK] for low in range(0, len(clocks), CHUNK)]
