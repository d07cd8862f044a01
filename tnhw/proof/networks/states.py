"""All states that the control of a module can reach, whatever its sender and its receiver do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arriving import Arriving
from .clocks import Clocks
from .control import Control
from .layout import Layout
from .modules import Module
from .values import NotUnderstood

__all__ = ["Contract", "Fault", "States"]

OPEN = 63  # promises whose beats have not all come; more is not looked at


class Fault(Exception):
    """What is wrong in a clock: of which state, and whether a beat is offered and a result taken in it.

    `what` is empty if too many images are inside, which need not be wrong.
    """

    def __init__(self, what: str, state: int, choice: tuple[int, int]) -> None:
        super().__init__(what)
        self.what, self.state, self.choice = what, int(state), choice


@dataclass(frozen=True)
class Contract:
    """What a module and its neighbours count.

    Attributes
    ----------
    beats, results : int
        Beats of an image, and of its result.
    promised, promises : int
        Beats that its sender promises at a time, and that it promises to its receiver; 0 if this stream has a ready.
    early : bool
        Whether beats of a result may be given before the image is complete.
    most : int
        Images that the module may hold.
    """

    beats: int
    results: int
    promised: int
    promises: int
    early: bool
    most: int

    @property
    def places(self) -> int:
        """The most beats of results that may be owed, with those that may be given early."""
        return (self.most + 1) * self.results

    def widths(self, whole: bool) -> dict[str, int]:
        """Bits of what is counted; `whole` if beats of an image are."""
        own = {"owed": self.places.bit_length(), "offered": 1}
        own |= {"beat": self.beats.bit_length()} if whole else {}
        own |= {"open": OPEN.bit_length()} if self.promised else {}
        own |= {"due": self.places.bit_length()} if self.promises else {}
        return own


class States(Clocks):
    """The states of a module's control, and the clocks that lead from one to another.

    A state is what the registers of the control hold, with two counters: the beats of the next image that were taken, and the
    beats of results that are owed for the images before it, which is negative if some were given early. It also says whether a
    beat that was offered must be offered again, how many promises of the sender are open, and how many beats are due that the
    module has promised. Where an `arriving` stands for the registers that count beats, its class takes their place, and that of
    the counter of beats.

    Parameters
    ----------
    module : Module
    control : Control
    contract : Contract
    layout : Layout
    keeps : bool
        Whether a sender goes on offering a beat until it is taken.
    arriving : Arriving, optional

    Attributes
    ----------
    taken, valid, given, takes : array of bool
        For each clock: whether a beat is taken; whether a beat of a result is offered; whether it is taken; whether the receiver
        takes one or, where it is promised something, has room.
    owed : array
        For each clock the counter of its state.
    room, promise, open, due : array
        For each clock, where beats are promised: whether there is room, whether the sender makes a promise, and the counters of
        its state.
    """

    taken: np.ndarray
    valid: np.ndarray
    given: np.ndarray
    takes: np.ndarray
    owed: np.ndarray
    room: np.ndarray
    promise: np.ndarray
    open: np.ndarray
    due: np.ndarray

    def __init__(
        self,
        module: Module,
        control: Control,
        contract: Contract,
        layout: Layout,
        keeps: bool,
        arriving: Arriving | None = None,
    ) -> None:
        self.module, self.control, self.contract = module, control, contract
        self._keeps, self._arriving = keeps and not contract.promised, arriving
        own = {"class": arriving.classes.bit_length()} if arriving else {}
        widths = dict(enumerate(control.widths)) | contract.widths(arriving is None) | own
        super().__init__(module.name, widths, layout.groups, layout.signals)
        ways = [
            (offers, takes, promise)
            for promise in range(1 + (contract.promised > 0))
            for takes in (0, 1)
            for offers in (0, 1)
        ]
        columns = zip(*ways, strict=True)
        self._ways = {
            name: np.array(column, np.int64)
            for name, column in zip(("offers", "takes", "promise"), columns, strict=True)
        }

    def explore(
        self,
        starts: list[tuple],
        say: Callable[[int], Any] = lambda states: None,
        classes: np.ndarray | None = None,
    ) -> None:
        """Find all states.

        Parameters
        ----------
        starts : list of tuple of int
            What the registers of the control may hold after a reset.
        say : callable
            Called with the number of states so far.
        classes : array of int
            With an `arriving`, its class for each of `starts`.

        Raises
        ------
        Fault
            If a handshake is wrong, or somebody waits for ever.
        NotUnderstood
            If there are too many states, or the control depends on data.
        """
        counters: dict[str, Any] = dict.fromkeys(self.contract.widths(self._arriving is None), 0)
        counters["owed"] = self.contract.results  # so that it is never negative
        if classes is not None:
            counters["class"] = classes
        self._explore(starts, counters, say)

    def _clocks(self, low, columns):
        row = self._all_ways(columns)
        if self.contract.promised or self._arriving:
            row = self._possible(row)
        clock = self._evaluated(row)
        ready, valid = self._port(clock, "into", "ready"), self._port(clock, "out", "valid")
        for port in ("ready", "room"):
            if port in row and (self._port(clock, "into", port) != row[port]).any():
                raise NotUnderstood(f"whether {self._name} waits depends on what it is offered")
        for offer in (valid, *([row["room"]] if self.contract.promised else [])):
            own = np.zeros(len(columns["owed"]), bool)
            own[row["state"]] = offer
            if (own[row["state"]] != offer).any():
                raise NotUnderstood(f"what {self._name} offers depends on what it is offered")
        offers, takes = row["offers"] > 0, row["takes"] > 0
        taken, given = offers & ready, valid & (takes | (self.contract.promises > 0))
        ends, closes, after = self._counted(row, taken)
        found = {"before": low + row["state"], "offers": offers, "takes": takes, "taken": taken, "ends": ends,
                 "valid": valid, "given": given, "owed": row["owed"] - self.contract.results,
                 "beat": row.get("beat", np.zeros(len(valid), np.int64))}  # fmt: skip
        if self._arriving:
            found["classes_of"] = row["class"].astype(np.int32)
        after["offered"] = (offers & ~ready & self._keeps).astype(np.int64)
        self._owes(row, found, after)
        if self.contract.promised:
            self._is_promised(row, closes, found, after)
        if self.contract.promises:
            self._promises(row, self._port(clock, "out", "promise"), found, after)
        found["after"] = self._number(dict(enumerate(clock.following())) | after)
        self._record(clock, found)

    def _owes(self, row, found, after):
        """Count the beats of results that are owed."""
        contract = self.contract
        least = -contract.results if contract.early else 0
        early = "a result is offered before its image is complete"
        self._require(~found["valid"] | (found["owed"] > least), found, early)
        after["owed"] = row["owed"] - found["given"] + found["ends"] * contract.results
        self._require(after["owed"] <= contract.places, found, "")

    def _is_promised(self, row, closes, found, after):
        """Count the promises of the sender that are open."""
        found |= {"room": row["room"], "open": row["open"], "promise": row["promise"]}
        after["open"] = row["open"] + row["promise"] - closes
        if (after["open"] > OPEN).any():
            raise NotUnderstood(f"{self._name} has room for more than {OPEN} promises")

    def _promises(self, row, promises, found, after):
        """Count the beats that are due to the receiver."""
        valid, due = found["valid"], row["due"]
        self._require(~promises | found["takes"], found, "beats are promised without room for them")
        self._require(~valid | (due > 0), found, "a beat comes that was not promised")
        found["due"] = due
        after["due"] = due + promises * self.contract.promises - found["given"]
        self._require(after["due"] <= self.contract.places, found, "")

    def _all_ways(self, columns):
        """Each state with each thing that its neighbours may do."""
        count, ways = len(columns["owed"]), len(self._ways["takes"])
        row = {name: np.repeat(column, ways) for name, column in columns.items()}
        row |= {name: np.tile(way, count) for name, way in self._ways.items()}
        row["state"] = np.repeat(np.arange(count), ways)
        row["offers"] = row["offers"] | row["offered"]
        return row

    def _possible(self, row):
        """Those rows in which the sender keeps its promises, once for each thing that may arrive then."""
        clock = self._evaluated(row)
        row["ready"] = self._port(clock, "into", "ready")
        if self.contract.promised:
            row["room"] = self._port(clock, "into", "room")
            keeps = (row["open"] > 0) | (row["offers"] == 0)
            row = _at(row, np.flatnonzero(keeps & (row["room"] | (row["promise"] == 0))))
        if self._arriving:
            which, row["branch"] = self._arriving.branches(
                row["class"], row["offers"], row["ready"]
            )
            row = {
                name: column if name == "branch" else column[which] for name, column in row.items()
            }
        return row

    def _evaluated(self, row):
        """The control in the clock of each row."""
        into, out, takes = self.module.into, self.module.out, row["takes"]
        inputs = {self.module.reset: 0, into["valid"]: row["offers"]}
        if "ready" in out:
            inputs[out["ready"]] = takes
        if "room" in out:
            inputs[out["room"]] = takes
        if "promise" in into:
            inputs[into["promise"]] = row["promise"]
        if self._arriving:
            inputs |= self._arriving.inputs(row.get("branch"), len(takes))
        registers = [row[k] for k in range(len(self.control.widths))]
        return self.control.clock(registers, inputs)

    def _port(self, clock, stream, part):
        """What a port of one bit says; 1 where there is none."""
        name = getattr(self.module, stream).get(part)
        if name is None:
            return clock.value([(None, 1, 1)]) > 0
        return clock.value(self.control.netlist.outputs[name]) > 0

    def _counted(self, row, taken):
        """Whether a beat ends an image, and whether it is the last one that was promised; and how many were taken then."""
        if self._arriving:
            return self._arriving.counted(row["branch"])
        contract, beat = self.contract, row["beat"]
        ends, closes = self._ended(taken, beat, contract.beats, contract.promised)
        return ends, closes, {"beat": np.where(ends, 0, beat + taken)}

    def _require(self, right, found, what):
        if not right.all():
            place = int(np.argmin(right))
            choice = int(found["offers"][place]), int(found["takes"][place])
            raise Fault(what, found["before"][place], choice)

    @property
    def images(self) -> int:
        """Images before the one that is sent next of which a result may be owed."""
        return max(1, int(-(-self.owed.max() // self.contract.results)))

    def choices(self, clocks: list[int]) -> list[tuple[int, int]]:
        """What sender and receiver do in some clocks: whether they offer a beat, and whether they take one."""
        return [(int(self.offers[clock]), int(self.takes[clock])) for clock in clocks]

    def run(self, state: int, choice: tuple[int, int]) -> list[tuple[int, int]]:
        """What they do from a reset to a clock of a state."""
        reached, clocks = np.unique(self.after, return_index=True)
        before = dict(zip(reached.tolist(), clocks.tolist(), strict=True))
        way: list[int] = []
        while state not in self.first:
            way.append(before[state])
            state = int(self.before[way[-1]])
        return [*self.choices(way[::-1]), choice]


def _at(row, places):
    return {name: column[places] for name, column in row.items()}
