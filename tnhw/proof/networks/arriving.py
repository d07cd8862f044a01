"""How beats arrive in a module, without what else it does at the same time.

Beats are counted and kept by registers that depend on nothing but beats. All their states are found by themselves, with what
is held in each of them, and then taken together to *classes*: between two clocks in which they tell the rest of the module
something, it does not matter for the rest how many beats have come. So the rest is followed with classes, not with all states.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from .clocks import Clocks
from .control import Control
from .intake import Intake
from .modules import Module
from .values import NotUnderstood

__all__ = ["Arriving"]

# So many images are counted from a reset on, since a state has other contents if it comes back when all words are written.
IMAGES = 2
BRANCHES = 8  # things that may be told in a clock of a class


class Arriving(Clocks):
    """The states of an intake, and their classes.

    Parameters
    ----------
    module : Module
    intake : Intake
    beats : int
        Beats of an image.
    promised : int
        Beats that the sender promises at a time; 0 if the stream has a ready.

    Attributes
    ----------
    classes : int
        How many there are.
    of : array
        The class of each state.
    """

    message: np.ndarray  # for each clock the number of what is told
    taken: np.ndarray
    closes: np.ndarray
    ready: np.ndarray

    def __init__(self, module: Module, intake: Intake, beats: int, promised: int) -> None:
        self._module, self._intake = module, intake
        self._beats, self._promised = beats, promised
        self.control = Control(intake.control, intake.data)
        widths: dict[Any, int] = dict(enumerate(self.control.widths))
        widths |= {"beat": beats.bit_length(), "images": IMAGES.bit_length()}
        super().__init__(module.name, widths, intake.layout.groups, intake.layout.signals)
        self._messages: dict[tuple[int, ...], int] = {}
        ways = [(0, 1), (1, 1), *([(0, 0), (1, 0)] if intake.ready is not None else [])]
        self._ways = [np.array(way, np.int64) for way in zip(*ways, strict=True)]

    def explore(self, starts: list[tuple], say: Callable[[int], Any] = lambda states: None) -> None:
        """Find all states, from what the registers may hold after a reset, and their classes.

        Raises
        ------
        NotUnderstood
            If there are too many states, or too much is told.
        """
        self._explore(starts, {"beat": 0, "images": 0}, say)
        self._classify()
        self._tabulate()

    def _clocks(self, low, columns):
        count, ways = len(columns["beat"]), len(self._ways[0])
        row = {name: np.repeat(column, ways) for name, column in columns.items()}
        offers, ready = (np.tile(way, count) for way in self._ways)
        inputs = {self._module.reset: 0, self._module.into["valid"]: offers}
        if self._intake.ready is not None:
            inputs["ready"] = ready
        registers = [row[k] for k in range(len(self.control.widths))]
        clock = self.control.clock(registers, inputs)
        taken = (offers & ready) > 0
        ends, closes = self._ended(taken, row["beat"], self._beats, self._promised)
        messages = [clock.value([(n, 0, w)]) for n, w in self._intake.told]
        every = zip(*messages, strict=True) if messages else [()] * len(taken)
        numbers = [self._messages.setdefault(told, len(self._messages)) for told in every]
        after = dict(enumerate(clock.following())) | {
            "beat": np.where(ends, 0, row["beat"] + taken),
            "images": np.minimum(row["images"] + ends, IMAGES),
        }
        self._record(clock, {
            "before": low + np.repeat(np.arange(count), ways), "after": self._number(after),
            "offers": offers > 0, "taken": taken, "ends": ends, "beat": row["beat"], "ready": ready,
            "closes": closes, "message": np.array(numbers, np.int32),
        })  # fmt: skip

    def _classify(self):
        """Give each state a class: how often something was told or counted before, and whether a beat has come since.

        The proof holds with any classes. These are few, and yet each says which words are complete.
        """
        quiet = int(np.bincount(self.message[~self.taken]).argmax())
        labels: dict[int, tuple[int, bool]] = {int(state): (0, False) for state in self.first}
        waiting = deque(labels)
        while waiting:
            state = waiting.popleft()
            number, since = labels[state]
            for clock in range(self._begins[state], self._begins[state + 1]):
                after = int(self.after[clock])
                if after not in labels:
                    told = self.message[clock] != quiet or self.closes[clock] or self.ends[clock]
                    labels[after] = (
                        (number + 1, False) if told else (number, bool(since or self.taken[clock]))
                    )
                    waiting.append(after)
        names: dict[tuple[int, bool], int] = {}
        self.of = np.array([names.setdefault(labels[k], len(names)) for k in range(len(self))])
        self.classes = len(names)

    def _tabulate(self):
        """What may happen in a clock of each class: what is told, the class after it, and what is counted."""
        key = (self.of[self.before] * 2 + self.offers) * 2 + self.ready
        rows = np.stack([key, self.message, self.of[self.after], self.ends, self.closes], 1)
        rows = np.unique(rows, axis=0)
        self._first = np.searchsorted(rows[:, 0], np.arange(4 * self.classes + 1))
        if np.diff(self._first).max() > BRANCHES:
            raise NotUnderstood(f"{self._name} counts beats in too many ways")
        told = np.array([*self._messages], np.int64).reshape(len(self._messages), -1)
        self._told, self._after = told[rows[:, 1]], rows[:, 2]
        self._ends, self._closes = rows[:, 3] > 0, rows[:, 4] > 0

    def branches(
        self, own: np.ndarray, offers: np.ndarray, ready: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """For rows with a class each: the row and the number of each thing that may happen in it."""
        key = (own * 2 + offers) * 2 + ready
        counts = self._first[key + 1] - self._first[key]
        ends = np.cumsum(counts)
        which = np.repeat(np.arange(len(key)), counts)
        return which, np.arange(len(which)) + np.repeat(self._first[key] - ends + counts, counts)

    def inputs(self, branch: np.ndarray | None, count: int) -> dict[str, np.ndarray | int]:
        """What the rest of the module is told in each branch, as its inputs; without branches zeros take its place."""
        told = (
            self._told[branch]
            if branch is not None
            else np.zeros((count, len(self._intake.told)), np.int64)
        )
        return {f"told {number}": told[:, k] for k, (number, _) in enumerate(self._intake.told)}

    def counted(self, branch: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Whether a beat ends an image, whether it is the last that was promised, and the class after it."""
        return self._ends[branch], self._closes[branch], {"class": self._after[branch]}
