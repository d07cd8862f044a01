"""States of a control that are found one after the other, and the clocks that lead from one to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..packing import Packing
from .columns import distinct
from .control import Clock
from .division import Group
from .values import NotUnderstood

__all__ = ["Clocks"]

MOST = 2_000_000  # states
CHUNK = 8192  # states that are looked at together
TOGETHER = 1 << 16  # clocks whose situations are named together


class Clocks:
    """All states that can be reached, and all clocks from each of them. A clock is an index into the arrays of clocks.

    Parameters
    ----------
    name : str
        Of the module, for messages.
    widths : dict of any name to int
        Bits of the numbers that make a state.
    groups : list of Group
    signals : list
        Signals of the control.

    Attributes
    ----------
    first : array
        The states after a reset.
    before, after : array
        For each clock the state that it begins in, in rising order, and the state that it leads to.
    offers, ends : array of bool
        For each clock whether a beat is offered, and whether it is taken and the last one of an image.
    beat : array
        For each clock which beat of its image this is.
    situations : list of array
        For each group and each clock the number of what its controls are; `values` says what that is.
    levels : list of array
        For each clock the value of each of `signals`.
    classes_of : array
        For each clock the class of an intake that is followed by itself (`arriving.py`), if there is one.
    """

    first: np.ndarray
    before: np.ndarray
    after: np.ndarray
    offers: np.ndarray
    ends: np.ndarray
    beat: np.ndarray
    classes_of: np.ndarray

    def __init__(
        self, name: str, widths: dict[Any, int], groups: list[Group], signals: list
    ) -> None:
        self._name, self._groups, self._signals = name, groups, signals
        self._packing = Packing(widths)
        self._rows: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._known: list[dict[tuple, int]] = [{} for _ in groups]
        self.values: list[list[tuple]] = [[] for _ in groups]
        self._parts: dict[Any, list[np.ndarray]] = {}
        # What the controls of groups are in the last clocks, which have no numbers yet.
        self._waiting: dict[tuple[int, int], list[np.ndarray]] = {}
        self._counts: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def _number(self, columns: dict[Any, np.ndarray]) -> np.ndarray:
        """The numbers of states, of which some may be new."""
        rows = np.ascontiguousarray(self._packing.pack(columns))
        found = np.empty(len(rows), np.int64)
        for place, row in enumerate(rows.view(f"V{rows.shape[1] * 8}").ravel().tolist()):
            number = self._numbers.setdefault(row, len(self._rows))
            if number == len(self._rows):
                self._rows.append(row)
            found[place] = number
        return found

    def _explore(
        self, starts: list[tuple], counters: dict[str, Any], say: Callable[[int], Any]
    ) -> None:
        """Find all states, from what registers may hold after a reset; `say` is called with the number of states so far.

        The other numbers of a state begin as `counters` says, with one integer or with one for each of `starts`.
        """
        columns: dict[Any, np.ndarray] = {
            k: np.array(column, np.int64) for k, column in enumerate(zip(*starts, strict=True))
        }
        none = np.zeros(len(starts), np.int64)
        columns |= {name: none + begin for name, begin in counters.items()}
        self.first, done = self._number(columns), 0
        try:
            while done < len(self):
                low, done = done, min(done + CHUNK, len(self))
                rows = np.frombuffer(b"".join(self._rows[low:done]), np.int64)
                self._clocks(low, self._packing.unpack(rows.reshape(done - low, -1)))
                say(len(self))
                if len(self) > MOST:
                    raise NotUnderstood(f"the control of {self._name} has more than {MOST} states")
        finally:
            self._join()

    def _clocks(self, low: int, columns: dict[Any, np.ndarray]) -> None:
        """Record all clocks of the states from `low` on."""
        raise NotImplementedError

    def _record(self, clock: Clock, found: dict[Any, np.ndarray]) -> None:
        """Record some clocks: arrays by name, and what the groups and signals need."""
        for k, group in enumerate(self._groups):
            for number in group.controls:
                width = group.cone.inputs[str(number)][1]
                column = clock.value([(number, 0, width)])
                self._waiting.setdefault((k, number), []).append(column)
        self._counts.append(len(found["before"]))
        if sum(self._counts) > TOGETHER:
            self._name_situations()
        for k, runs in enumerate(self._signals):
            found["level", k] = clock.value(runs).astype(np.int32)
        for name, array in found.items():
            self._parts.setdefault(name, []).append(array)

    def _join(self):
        self._name_situations()
        joined = {name: np.concatenate(arrays) for name, arrays in self._parts.items()}
        self._parts = {}
        for name in [name for name in joined if isinstance(name, str)]:
            setattr(self, name, joined[name])
        self.situations = [joined.get(("situation", k)) for k in range(len(self._groups))]
        self.levels = [joined.get(("level", k)) for k in range(len(self._signals))]
        before = joined.get("before", np.empty(0, np.int64))
        self._begins = np.searchsorted(before, np.arange(len(self) + 1))

    def _name_situations(self):
        """Number what the controls of each group are, in the clocks that were recorded since this was done last."""
        count, self._counts = sum(self._counts), []
        for k, group in enumerate(self._groups):
            self._parts.setdefault(("situation", k), []).append(self._situations(k, group, count))
        self._waiting = {}

    def _situations(self, k, group, count):
        columns = (
            [np.concatenate(self._waiting[k, number]) for number in group.controls] if count else []
        )
        bounds = [1 << group.cone.inputs[str(number)][1] for number in group.controls]
        none = np.zeros(count, np.int64), 1
        first, which = distinct([none, *zip(columns, bounds, strict=bool(count))])
        numbers = []
        for place in first:
            own = tuple(int(column[place]) for column in columns)
            if own not in self._known[k]:
                self._known[k][own] = len(self.values[k])
                self.values[k].append(own)
            numbers.append(self._known[k][own])
        return np.array(numbers, np.int32)[which]

    @staticmethod
    def _ended(
        taken: np.ndarray, beat: np.ndarray, beats: int, promised: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Whether a beat that is taken is the last one of an image, and the last one that was promised together."""
        ends = taken & (beat == beats - 1)
        if not promised:
            return ends, np.zeros(len(taken), bool)
        return ends, taken & ((beat + 1) % promised == 0)

    @property
    def count(self) -> int:
        """How many clocks there are."""
        return int(self._begins[-1])

    def clocks_of(self, states: np.ndarray) -> np.ndarray:
        """All clocks of some states."""
        low, counts = self._begins[states], np.diff(self._begins)[states]
        ends = np.cumsum(counts)
        return np.repeat(low - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
