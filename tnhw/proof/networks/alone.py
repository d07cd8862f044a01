"""A module by itself, executed clock by clock for all inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from .answers import Answers
from .machine import Machine
from .modules import Module
from .signals import constant
from .values import UNKNOWN, NotUnderstood

__all__ = ["RESET", "Alone", "Answer", "Seen", "after_reset", "result_alone"]

RESET = 2  # clocks


class Alone:
    """A module between a sender and a receiver.

    Parameters
    ----------
    module : Module
    answers : Answers
    before : Alone, optional
        One of the same module: what its gates made is not made again.

    Attributes
    ----------
    machine : Machine
    """

    def __init__(self, module: Module, answers: Answers, before: Alone | None = None) -> None:
        self.module = module
        made = before.machine if before is not None else None
        self.machine: Machine = Machine(module.netlist, answers.space, answers.keep, made)
        width = module.netlist.inputs[module.into["payload"]][1]
        self._no_beat = ((width, UNKNOWN),)

    def _settle(self, beat, offers, takes, promise, reset):
        into, out = self.module.into, self.module.out
        inputs = {
            into["payload"]: beat,
            into["valid"]: ((1, offers),),
            self.module.reset: ((1, reset),),
        }
        for stream, part, value in (
            (out, "ready", takes),
            (out, "room", takes),
            (into, "promise", promise),
        ):
            if part in stream:
                inputs[stream[part]] = ((1, value),)
        self.machine.settle(inputs)

    def reset(self, choices: Iterable[tuple[int, int, int]]) -> None:
        """Reset it, for a clock for each of what its neighbours offer, take and promise meanwhile."""
        for offers, takes, promise in choices:
            self._settle(self._no_beat, offers, takes, promise, 1)
            self.machine.clock()

    def clock(self, beat: tuple | None, takes: int, promise: int = 0) -> Seen:
        """One clock in which a beat is offered or none, a result is taken or there is room for one, and a promise is made."""
        self._settle(beat or self._no_beat, int(beat is not None), takes, promise, 0)
        into, out = self.module.into, self.module.out
        ready, valid = self._bit(into, "ready"), self._bit(out, "valid")
        result = self.machine.output(out["payload"]) if valid else None
        seen = Seen(
            bool(beat is not None and ready),
            result,
            self._bit(into, "room"),
            self._bit(out, "promise"),
        )
        self.machine.clock()
        return seen

    def _bit(self, stream, part):
        """A bit that the module gives; 1 where it has no such port."""
        if part not in stream:
            return 1
        value = constant(self.machine.output(stream[part]))
        if value is None:
            raise NotUnderstood(f"`{stream[part]}` depends on data")
        return value


class Seen(NamedTuple):
    """What happens at the streams of a module in a clock: whether a beat is taken, the beat of a result that is offered, whether
    there is room for a promise, and whether one is made."""

    taken: bool
    result: tuple | None
    room: int
    promise: int


@dataclass(frozen=True)
class Answer:
    """What a module gives for an image that comes alone.

    Attributes
    ----------
    beats : list of tuple
    promised : int
        Beats that it promises at a time; 0 if its stream has a ready.
    early : bool
        Whether the first one comes before the image is complete.
    """

    beats: list[tuple]
    promised: int
    early: bool


def result_alone(
    module: Module, answers: Answers, beats: list[tuple], limit: int, promised: int = 0
) -> Answer:
    """The result of an image that comes alone, with nobody stalling; the sender promises so many beats at a time.

    Raises
    ------
    NotUnderstood
        If the image is not taken, or nothing comes within `limit` clocks.
    """
    alone, found, sent, quiet = Alone(module, answers), [], 0, 0
    opened, room, promises, early = 0 if promised else len(beats), False, 0, False
    last = len(beats) - 1  # it is sent when nothing moves any more, to see what comes before it
    alone.reset([(0, 0, 0)] * RESET)
    while quiet < limit:
        promise = int(room and opened < len(beats))  # room that was there stays
        offers = sent < min(opened, last) or (sent == last < opened and quiet > limit // 2)
        seen = alone.clock(beats[sent] if offers else None, 1, promise)
        opened, room = opened + promise * promised, bool(promised and seen.room and not promise)
        quiet = 0 if seen.taken or seen.result else quiet + 1
        if alone.machine.still and not offers and not promise:
            quiet = max(quiet, limit // 2 + 1) if sent <= last else limit  # so it stays
        sent += seen.taken
        promises += "promise" in module.out and seen.promise
        if seen.result is not None:
            early = early or sent < len(beats)
            found.append(answers.keep(seen.result))
    if sent < len(beats) or not found:
        raise NotUnderstood(f"{module.name} gives no result of an image that comes alone")
    if ("promise" in module.out and not promises) or (promises and len(found) % promises):
        raise NotUnderstood(f"{module.name} promises {len(found)} beats {promises} times")
    return Answer(found, len(found) // promises if promises else 0, early)


def after_reset(module: Module, answers: Answers) -> Iterator[tuple[dict[int, tuple], list[list]]]:
    """What registers and memories hold after a reset, for all that the neighbours may do in its clocks."""
    before, ways = None, [*product((0, 1), (0, 1), (0, 1) if "promise" in module.into else (0,))]
    for choices in product(ways, repeat=RESET):
        before = alone = Alone(module, answers, before)
        alone.reset(choices)
        machine = alone.machine
        registers = {number: machine.values[number] for number, *_ in module.netlist.registers}
        yield registers, machine.memories
