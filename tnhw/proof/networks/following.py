"""One module of a network, followed through all states of its control."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from .alone import RESET, Alone, after_reset
from .answers import Answers
from .arriving import Arriving
from .contents import Contents
from .control import Control
from .data import Data
from .division import Division
from .intake import Intake, intake_of
from .invariant import Invariant
from .layout import Layout
from .modules import Module
from .signals import constant
from .states import Contract, Fault, States
from .values import UNKNOWN, NotUnderstood
from .waiting import nobody_waits_for_ever
from .walks import wrong_walk

__all__ = ["Following", "Stalled"]


class Stalled(Exception):
    """A module goes wrong under some pauses and stalls.

    Attributes
    ----------
    what : str
    offers, takes : str
        For each clock after a reset whether the sender offers a beat, and whether the receiver takes one, or has room for what
        it is promised: ``1`` or ``0``.
    """

    def __init__(self, module: Module, what: str, run: list[tuple[int, int]]) -> None:
        self.offers, self.takes = ("".join(map(str, column)) for column in zip(*run, strict=True))
        self.what = f"{module.name}: {what}, {len(run)} clocks after a reset"
        super().__init__(f"{self.what} (beats offered {self.offers}, results taken {self.takes})")


class Following:
    """A module between a sender and a receiver that may do anything in each clock.

    Parameters
    ----------
    module : Module
    answers : Answers
    contract : Contract
    beats, result : list of tuple
        The beats of an image, and those of its result.
    limit : int
        Clocks within which something must happen in a module that nobody stalls.
    say : callable
        Called with what is being done.
    """

    def __init__(
        self,
        module: Module,
        answers: Answers,
        contract: Contract,
        beats: list[tuple],
        result: list[tuple],
        limit: int,
        say: Callable[[str], Any],
    ) -> None:
        self._module, self._answers, self._contract = module, answers, contract
        self._beats, self._result, self._limit, self._say = beats, result, limit, say
        self._reset = [*after_reset(module, answers)]
        unknown = {n for held, _ in self._reset for n in held if UNKNOWN in (v for _, v in held[n])}
        self._division = Division(module.netlist, module.into["payload"], unknown)

    def follow(self) -> int:
        """Follow it; returns the number of states.

        If its intake can be followed by itself, this is tried first. If it does not lead to a proof, all is followed at once,
        first with a sender that may take an offer back, and if that goes wrong, with one that may not.

        Raises
        ------
        Stalled
            If it goes wrong.
        NotUnderstood
            If it has too many states, or values that are not understood.
        """
        before = ""
        if (intake := intake_of(self._division, self._module)) is not None:
            try:
                return self._in_parts(intake)
            except (Fault, NotUnderstood) as error:
                before = f" (if how beats arrive is followed first: {str(error) or 'too many images are inside'})"
        try:
            return self._both_senders()
        except NotUnderstood as error:
            raise NotUnderstood(f"{error}{before}") from error

    def _both_senders(self):
        try:
            return self._at_once(keeps=False)
        except Fault:
            return self._at_once(keeps=True)

    def _at_once(self, keeps):
        division, payload = self._division, self._module.out["payload"]
        memories = [k for k, memory in enumerate(division.netlist.memories) if memory.writes]
        layout = Layout(division, division.register_groups(), memories, payload)
        control = Control(division.control, division.data)
        states = States(self._module, control, self._contract, layout, keeps)
        # What the control may hold after a reset, and with each of it what all registers and memories may hold.
        starts: dict[tuple, list] = {}
        for held in self._reset:
            starts.setdefault(_held(control, held), []).append(held)
        try:
            states.explore([*starts], self._progress)
            nobody_waits_for_ever(states)
        except Fault as fault:
            if not keeps:
                raise
            raise self._stalled(fault.what, states.run(fault.state, fault.choice)) from fault
        contents = self._contents(states)
        data = Data(layout, states, contents, self._answers.keep, self._beats)
        rows = [[data.reset(*held) for held in starts[own]] for own in starts]
        invariant = self._invariant(data, zip(states.first.tolist(), rows, strict=True))
        expected = self._expected(contents, states)
        invariant.check()
        try:
            invariant.check_results(states, expected)
        except Fault as fault:
            if not keeps:
                raise
            clocks = wrong_walk(data, states, rows, expected)
            if clocks is None:
                raise NotUnderstood(f"what {self._module.name} holds is not found") from fault
            raise Stalled(self._module, fault.what, states.choices(clocks)) from fault
        return len(states)

    def _in_parts(self, intake: Intake) -> int:
        """First how beats arrive, then the rest of the module."""
        contract = self._contract
        arriving = Arriving(self._module, intake, contract.beats, contract.promised)
        counts = [_held(arriving.control, held) for held in self._reset]
        arriving.explore(counts, self._progress)
        control = Control(intake.rest, intake.data)
        states = States(self._module, control, contract, intake.others, False, arriving)
        starts = [_held(control, held) for held in self._reset]
        states.explore(starts, self._progress, arriving.of[arriving.first])
        nobody_waits_for_ever(states)
        contents = self._contents(states)
        own = Data(intake.layout, arriving, contents, self._answers.keep, self._beats)
        rows = [[own.reset(*held)] for held in self._reset]
        invariant = self._invariant(own, zip(arriving.first.tolist(), rows, strict=True))
        invariant.check()
        words = invariant.words(arriving.of, arriving.classes)
        data = Data(intake.others, states, contents, self._answers.keep, self._beats, words)
        rows = [[data.reset(*held)] for held in self._reset]
        invariant = self._invariant(data, zip(states.first.tolist(), rows, strict=True))
        invariant.check()
        invariant.check_results(states, self._expected(contents, states))
        return len(arriving) + len(states)

    def _progress(self, states):
        self._say(f"{self._module.name}: {states} states")

    def _invariant(self, data, starts):
        """What is held in each state, from what may be held after a reset."""
        invariant, size = Invariant(data), f"{self._module.name}: {len(data.states)} states"
        for state, rows in starts:
            for row in rows:
                invariant.start(state, row)
        invariant.find(lambda changed: self._say(f"{size}, {changed} of them changed"))
        return invariant

    def _contents(self, states):
        """Numbers of signals that depend on image 0 and on as many before it as a result may be owed of."""
        for image in range(-states.images, 1):
            self._answers.know(image)
        return Contents(self._answers.space, states.images)

    def _expected(self, contents, states):
        """Numbers of the beats of the results of image 0, and of so many images before it: a row for each."""
        rows = [np.array([contents.number([beat]) for beat in self._result], np.int32)]
        for _ in range(states.images):
            rows.append(contents.earlier(rows[-1]))
        held = (value for row in rows for k in row for s in contents.signals[k] for _, value in s)
        if any(value is UNKNOWN for value in held):
            raise NotUnderstood("a part of a beat is unknown")
        return np.array(rows)

    def _stalled(self, what, run):
        """What to raise after a run. If too many images are inside, something is wrong only if they do not come out."""
        module, beats, contract = self._module, self._beats, self._contract
        if what:
            return Stalled(module, what, run)
        full = NotUnderstood(f"{module.name} holds more than {contract.most} images")
        if contract.promised or contract.promises:
            return full
        alone, sent, given, quiet = Alone(module, self._answers), 0, 0, 0
        alone.reset([(0, 0, 0)] * RESET)
        run = list(run)
        for clock in count():
            if clock == len(run):
                run.append((0, 1))
            offers, takes = run[clock]
            seen = alone.clock(beats[sent % len(beats)] if offers else None, takes)
            sent, given = sent + seen.taken, given + (seen.result is not None and takes)
            quiet = 0 if offers or seen.result else quiet + 1
            if quiet > self._limit:
                break
        if given == sent // len(beats) * len(self._result):
            return full
        return Stalled(module, "not all results are given", run)


def _held(control, held):
    """What the registers of a control hold after a reset."""
    return tuple(constant(held[0][number]) for number, *_ in control.netlist.registers)
