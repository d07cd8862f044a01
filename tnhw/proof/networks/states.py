"""All states that the control of a module can reach, whatever its sender and its receiver do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..packing import Packing
from .columns import distinct
from .control import Control
from .division import Group
from .modules import Module
from .values import NotUnderstood

__all__ = ["CHOICES", "Fault", "States"]

CHOICES = (
    4  # of a clock: whether the sender offers a beat (1), and whether the receiver takes one (2)
)
MOST = 2_000_000  # states
CHUNK = 8192  # states that are looked at together
NAMES = ("after", "offers", "taken", "ends", "valid", "given", "beat", "owed")  # of arrays


class Fault(Exception):
    """What is wrong in a clock: of which state, and with which choice.

    `what` is empty if too many images are inside, which need not be wrong.
    """

    def __init__(self, what: str, state: int, choice: int = 0) -> None:
        super().__init__(what)
        self.what, self.state, self.choice = what, int(state), int(choice)


class States:
    """The states of a module's control, and the clocks that lead from one to another.

    A state is what the registers of the control hold, with two counters: the beats of the next image that were taken, and the
    beats of results that are owed for the images before it. It also says whether a beat that was offered must be offered
    again. A clock has a number: four times that of its state, and the choice of sender and receiver.

    Parameters
    ----------
    module : Module
    control : Control
    beats, results : int
        Beats of an image, and of its result.
    groups : list of Group
    signals : list
        Signals of the control.
    most : int
        Images that the module may hold.
    keeps : bool
        Whether a sender goes on offering a beat until it is taken.

    Attributes
    ----------
    first : array
        The states after a reset.
    offers : array of bool
        For each clock whether a beat is offered.
    after : array
        For each clock the state that it leads to.
    taken, ends, valid, given : array of bool
        For each clock: whether a beat is taken; whether it is the last one of an image; whether a beat of a result is offered;
        whether it is taken.
    beat, owed : array
        For each clock the counters of its state.
    situations : list of array
        For each group and each clock the number of what its controls are; `values` says what that is.
    levels : list of array
        For each clock the value of each of `signals`.
    """

    after: np.ndarray
    offers: np.ndarray
    taken: np.ndarray
    ends: np.ndarray
    valid: np.ndarray
    given: np.ndarray
    beat: np.ndarray
    owed: np.ndarray

    def __init__(
        self,
        module: Module,
        control: Control,
        beats: int,
        results: int,
        groups: list[Group],
        signals: list,
        most: int,
        keeps: bool,
    ) -> None:
        self.module, self.control = module, control
        self.beats, self.results, self._keeps = beats, results, keeps
        self._groups, self._signals = groups, signals
        self._most = most * results
        widths = {"beat": beats.bit_length(), "owed": self._most.bit_length(), "offered": 1}
        self._packing = Packing(dict(enumerate(control.widths)) | widths)
        self._rows: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._known: list[dict[tuple, int]] = [{} for _ in groups]
        self.values: list[list[tuple]] = [[] for _ in groups]
        self._parts: dict[Any, list[np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def _number(self, registers, beat, owed, offered):
        """The numbers of states, of which some may be new."""
        columns = dict(enumerate(registers)) | {"beat": beat, "owed": owed, "offered": offered}
        rows = np.ascontiguousarray(self._packing.pack(columns))
        found = np.empty(len(rows), np.int64)
        for place, row in enumerate(rows.view(f"V{rows.shape[1] * 8}").ravel().tolist()):
            number = self._numbers.setdefault(row, len(self._rows))
            if number == len(self._rows):
                self._rows.append(row)
            found[place] = number
        return found

    def explore(self, starts: list[tuple], say: Callable[[int], Any] = lambda states: None) -> None:
        """Find all states.

        Parameters
        ----------
        starts : list of tuple of int
            What the registers of the control may hold after a reset.
        say : callable
            Called with the number of states so far.

        Raises
        ------
        Fault
            If a handshake is wrong, or somebody waits for ever.
        NotUnderstood
            If there are too many states, or the control depends on data.
        """
        none = np.zeros(len(starts), np.int64)
        registers = [np.array(column, np.int64) for column in zip(*starts, strict=True)]
        self.first = self._number(registers, none, none, none)
        done = 0
        try:
            while done < len(self):
                low, done = done, min(done + CHUNK, len(self))
                self._clocks(low, done)
                say(len(self))
                if len(self) > MOST:
                    raise NotUnderstood(
                        f"the control of {self.module.name} has more than {MOST} states"
                    )
        finally:
            self._join()

    def _join(self):
        joined = {name: np.concatenate(arrays) for name, arrays in self._parts.items()}
        for name in NAMES:
            setattr(self, name, joined.get(name, np.empty(0, np.int64)))
        self.situations = [joined.get(("situation", k)) for k in range(len(self._groups))]
        self.levels = [joined.get(("level", k)) for k in range(len(self._signals))]

    def _clocks(self, low, high):
        """All clocks of some states."""
        rows = np.frombuffer(b"".join(self._rows[low:high]), np.int64).reshape(high - low, -1)
        columns = self._packing.unpack(np.repeat(rows, CHOICES, axis=0))
        beat, owed, offered = (columns.pop(name) for name in ("beat", "owed", "offered"))
        choice = np.tile(np.arange(CHOICES), high - low)
        offers, takes = choice & 1 | offered, choice >> 1
        into, out = self.module.into, self.module.out
        inputs = {
            self.module.reset: 0,
            into["valid"]: offers,
            out["ready"]: takes,
        }
        clock = self.control.clock(list(columns.values()), inputs)
        outputs = self.control.netlist.outputs
        ready, valid = (clock.value(outputs[n]) > 0 for n in (into["ready"], out["valid"]))
        if (valid != np.repeat(valid[::CHOICES], CHOICES)).any():
            raise NotUnderstood(f"what {self.module.name} offers depends on what it is offered")
        self._require(~valid | (owed > 0), low, "a result is offered before its image is complete")
        offers = offers > 0
        taken, given = offers & ready, valid & (takes > 0)
        ends = taken & (beat == self.beats - 1)
        after_owed = owed - given + ends * self.results
        self._require(after_owed <= self._most, low, "")
        after_beat = np.where(ends, 0, beat + taken)
        kept = (offers & ~ready if self._keeps else np.zeros(len(choice))).astype(np.int64)
        after = self._number(clock.following(), after_beat, after_owed, kept)
        found = dict(
            zip(NAMES, (after, offers, taken, ends, valid, given, beat, owed), strict=True)
        )
        for k, group in enumerate(self._groups):
            found["situation", k] = self._situations(k, group, clock, len(choice))
        for k, runs in enumerate(self._signals):
            found["level", k] = clock.value(runs).astype(np.int32)
        for name, array in found.items():
            self._parts.setdefault(name, []).append(array)

    def _require(self, right, low, what):
        if not right.all():
            place = int(np.argmin(right))
            raise Fault(what, low + place // CHOICES, place % CHOICES)

    def _situations(self, k, group, clock, count):
        """For each clock a number of what the controls of a group are."""
        widths = [group.cone.inputs[str(number)][1] for number in group.controls]
        columns = [clock.value([(n, 0, w)]) for n, w in zip(group.controls, widths, strict=True)]
        bounds = [1 << width for width in widths]
        none = np.zeros(count, np.int64), 1
        first, which = distinct([none, *zip(columns, bounds, strict=True)])
        numbers = []
        for place in first:
            own = tuple(int(column[place]) for column in columns)
            if own not in self._known[k]:
                self._known[k][own] = len(self.values[k])
                self.values[k].append(own)
            numbers.append(self._known[k][own])
        return np.array(numbers, np.int32)[which]

    @property
    def images(self) -> int:
        """Images before the one that is sent next of which a result may be owed."""
        return max(1, int(-(-self.owed.max() // self.results)))

    def told(self, clocks: list[int]) -> list[tuple[int, int]]:
        """What sender and receiver do in some clocks: whether they offer a beat, and whether they take one."""
        return [(int(self.offers[clock]), clock % CHOICES >> 1) for clock in clocks]

    def run(self, state: int, choice: int) -> list[tuple[int, int]]:
        """What they do from a reset to a clock of a state."""
        reached, clocks = np.unique(self.after, return_index=True)
        before = dict(zip(reached.tolist(), clocks.tolist(), strict=True))
        way: list[int] = []
        while state not in self.first:
            way.append(before[state])
            state = way[-1] // CHOICES
        return [*self.told(way[::-1]), (choice & 1, choice >> 1)]
