"""Whether the modules of a network give the same results whatever the pauses of senders and the stalls of receivers are.

Each module is looked at alone. If it gives the right beats to each sender and each receiver that keep the contract, and
keeps the contract itself, then so does a row of modules.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from .alone import RESET, Alone, after_reset, result_alone
from .answers import Answers
from .contents import Contents
from .control import Control
from .data import Data, Layout
from .division import Division
from .invariant import Invariant
from .modules import Module
from .signals import constant
from .states import Fault, States
from .values import UNKNOWN, NotUnderstood
from .waiting import nobody_waits_for_ever
from .walks import wrong_walk

__all__ = ["Stalled", "Stalls"]


class Stalled(Exception):
    """A module goes wrong under some pauses and stalls.

    Attributes
    ----------
    what : str
    offers, takes : str
        For each clock after a reset whether the sender offers a beat, and whether the receiver takes one: ``1`` or ``0``.
    """

    def __init__(self, module: Module, what: str, run: list[tuple[int, int]]) -> None:
        self.offers, self.takes = ("".join(map(str, column)) for column in zip(*run, strict=True))
        self.what = f"{module.name}: {what}, {len(run)} clocks after a reset"
        super().__init__(f"{self.what} (beats offered {self.offers}, results taken {self.takes})")


class Stalls:
    """The proof for the modules of a network.

    Parameters
    ----------
    modules : list of Module
    answers : Answers
    limit : int
        Clocks within which something must happen in a module that nobody stalls.
    most : int
        Images that a module may hold.
    say : callable
        Called with what is being done.
    """

    def __init__(
        self,
        modules: list[Module],
        answers: Answers,
        limit: int,
        most: int,
        say: Callable[[str], Any] = lambda text: None,
    ) -> None:
        self.answers, self._modules, self._say = answers, modules, say
        self._limit, self._most = limit, most
        self.states: dict[str, int] = {}  # of each module

    def prove(self) -> None:
        """Follow all modules in their order.

        Raises
        ------
        Stalled
            If a module goes wrong.
        NotUnderstood
            If it has too many states, or values that are not understood.
        """
        answers = self.answers
        answers.know(0)
        beats = [answers.beat(0, k) for k in range(answers.input["beats"])]
        for module in self._modules:
            result = result_alone(module, answers, beats, self._limit)
            self._follow(module, beats, result)
            beats = result
        if len(beats) != answers.output["beats"]:
            raise NotUnderstood("a result has another number of beats than the manifest's")
        for k, beat in enumerate(beats):
            if answers.wrong(beat, 0, k) is not None:
                raise NotUnderstood(
                    "the result is another function of the inputs than the definition's"
                )

    def _follow(self, module, beats, result):
        """Follow a module with a sender that may take an offer back, and if it goes wrong, with one that may not."""
        try:
            self._one(module, beats, result, keeps=False)
        except Fault:
            self._one(module, beats, result, keeps=True)

    def _one(self, module, beats, result, keeps):
        reset = [*after_reset(module, self.answers)]
        unknown = {n for held, _ in reset for n in held if UNKNOWN in (v for _, v in held[n])}
        division = Division(module.netlist, module.into["payload"], unknown)
        layout = Layout(division, module.out["payload"])
        counts = len(beats), len(result)
        parts = layout.groups, layout.signals
        states = States(module, Control(division), *counts, *parts, self._most, keeps)
        # What the control may hold after a reset, and with each of it what all registers and memories may hold.
        starts: dict[tuple, list] = {}
        for held in reset:
            own = tuple(constant(held[0][number]) for number, *_ in division.control.registers)
            starts.setdefault(own, []).append(held)
        try:
            states.explore(list(starts), lambda size: self._say(f"{module.name}: {size} states"))
            nobody_waits_for_ever(states)
        except Fault as fault:
            if not keeps:
                raise
            run = states.run(fault.state, fault.choice)
            raise self._stalled(module, fault.what, run, beats, len(result)) from fault
        self.states[module.name] = len(states)
        contents = self._contents(states.images)
        data = Data(layout, states, contents, self.answers.keep, beats)
        rows = [[data.reset(*held) for held in starts[own]] for own in starts]
        invariant = Invariant(data)
        for state, own in zip(states.first.tolist(), rows, strict=True):
            for row in own:
                invariant.start(state, row)
        size = f"{module.name}: {len(states)} states"
        invariant.find(lambda changed: self._say(f"{size}, {changed} of them changed"))
        expected = np.array(_images(contents, result, states.images))
        try:
            invariant.check(expected)
        except Fault as fault:
            if not keeps:
                raise
            clocks = wrong_walk(data, rows, expected)
            if clocks is None:
                raise NotUnderstood(f"what {module.name} holds is not found") from fault
            raise Stalled(module, fault.what, states.told(clocks)) from fault

    def _stalled(self, module, what, run, beats, results):
        """What to raise after a run. If too many images are inside, something is wrong only if they do not come out."""
        if what:
            return Stalled(module, what, run)
        alone, sent, given, quiet = Alone(module, self.answers), 0, 0, 0
        alone.reset([(0, 0)] * RESET)
        run = list(run)
        for clock in count():
            if clock == len(run):
                run.append((0, 1))
            offers, takes = run[clock]
            taken, result = alone.clock(beats[sent % len(beats)] if offers else None, takes)
            sent, given = sent + taken, given + (result is not None and takes)
            quiet = 0 if offers or result else quiet + 1
            if quiet > self._limit:
                break
        if given == sent // len(beats) * results:
            return NotUnderstood(f"{module.name} holds more than {self._most} images")
        return Stalled(module, "not all results are given", run)

    def _contents(self, images):
        """Numbers of signals that depend on image 0 and on so many before it."""
        for image in range(-images, 1):
            self.answers.know(image)
        return Contents(self.answers.space, images)


def _images(contents, signals, images):
    """Numbers of the beats of image 0, and of so many images before it: a row for each."""
    rows = [np.array([contents.number([signal]) for signal in signals], np.int32)]
    for _ in range(images):
        rows.append(contents.earlier(rows[-1]))
    held = (value for row in rows for k in row for s in contents.signals[k] for _, value in s)
    if any(value is UNKNOWN for value in held):
        raise NotUnderstood("a part of a beat is unknown")
    return rows
