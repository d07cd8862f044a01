"""A module by itself, executed clock by clock for all inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from .answers import Answers
from .machine import Machine
from .modules import Module
from .signals import constant
from .values import UNKNOWN, NotUnderstood

__all__ = ["RESET", "Alone", "after_reset", "result_alone"]

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

    def _clock(self, beat, offers, takes, reset):
        module = self.module
        self.machine.settle(
            {
                module.reset: ((1, reset),),
                module.into["payload"]: beat,
                module.into["valid"]: ((1, offers),),
                module.out["ready"]: ((1, takes),),
            }
        )

    def reset(self, choices: Iterable[tuple[int, ...]]) -> None:
        """Reset it, for a clock for each of what its neighbours offer and take meanwhile."""
        for offers, takes in choices:
            self._clock(self._no_beat, offers, takes, 1)
            self.machine.clock()

    def clock(self, beat: tuple | None, takes: int) -> tuple[bool, tuple | None]:
        """One clock. Returns whether the beat was taken, and the beat of a result that is offered."""
        module = self.module
        self._clock(beat or self._no_beat, int(beat is not None), takes, 0)
        ready, valid = (self._bit(name) for name in (module.into["ready"], module.out["valid"]))
        result = self.machine.output(module.out["payload"]) if valid else None
        self.machine.clock()
        return bool(beat is not None and ready), result

    def _bit(self, name):
        value = constant(self.machine.output(name))
        if value is None:
            raise NotUnderstood(f"`{name}` depends on data")
        return value


def result_alone(module: Module, answers: Answers, beats: list[tuple], limit: int) -> list[tuple]:
    """The beats of the result of an image that comes alone, with nobody stalling.

    Raises
    ------
    NotUnderstood
        If the image is not taken, or nothing comes within `limit` clocks.
    """
    alone, found, sent, quiet = Alone(module, answers), [], 0, 0
    alone.reset([(0, 0)] * RESET)
    while quiet < limit:
        taken, result = alone.clock(beats[sent] if sent < len(beats) else None, 1)
        sent, quiet = sent + taken, 0 if taken or result else quiet + 1
        if result is not None:
            found.append(answers.keep(result))
    if sent < len(beats) or not found:
        raise NotUnderstood(f"{module.name} gives no result of an image that comes alone")
    return found


def after_reset(module: Module, answers: Answers) -> Iterator[tuple[dict[int, tuple], list[list]]]:
    """What registers and memories hold after a reset, for all that the neighbours may do in its clocks."""
    before = None
    for choices in product(product((0, 1), repeat=2), repeat=RESET):
        before = alone = Alone(module, answers, before)
        alone.reset(choices)
        machine = alone.machine
        registers = {number: machine.values[number] for number, *_ in module.netlist.registers}
        yield registers, machine.memories
