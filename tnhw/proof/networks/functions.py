"""What groups of registers take, as a function of what is in front of them: worked out once for each case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .columns import distinct
from .contents import Contents
from .division import Group
from .machine import Machine
from .signals import constant
from .values import UNKNOWN, NotUnderstood

__all__ = ["Function"]


class Function:
    """The signals of a group for arrays of cases.

    Parameters
    ----------
    group : Group
    contents : Contents
    keep : callable
        Returns the signal that is kept for one that a register takes.
    """

    def __init__(
        self, group: Group, contents: Contents, keep: Callable[[tuple], tuple] = lambda s: s
    ) -> None:
        self.group, self._contents, self._keep = group, contents, keep
        self._machine = Machine(group.cone, contents.space, lenient=True)
        self._known: dict[tuple[int, ...], int] = {}

    def __call__(
        self,
        situation: np.ndarray,
        values: list[tuple[int, ...]],
        columns: list[np.ndarray],
        order: list[int],
    ) -> np.ndarray:
        """Numbers of the group's signals.

        Parameters
        ----------
        situation : array
            What the controls are in each case, as an index into `values`.
        columns : list of array
            Numbers of what the data are in each case.
        order : list of int
            Which of `held` and `read` these are, one after the other.
        """
        count = len(self._contents.signals)
        table = [(situation, len(values)), *((column, count) for column in columns)]
        first, which = distinct(table)
        found = []
        for place in first:
            case = tuple(int(column[place]) for column, _ in table)
            if case not in self._known:
                signals = [s for n in case[1:] for s in self._contents.signals[n]]
                self._known[case] = self._contents.number(
                    self._signals(values[case[0]], signals, order)
                )
            found.append(self._known[case])
        return np.array(found, np.int32)[which]

    def _signals(self, controls, signals, order):
        group, machine = self.group, self._machine
        inputs = {}
        for number, value in zip(group.controls, controls, strict=True):
            inputs[str(number)] = ((group.cone.inputs[str(number)][1], value),)
        for number, signal in zip(order, signals, strict=True):
            inputs[str(number)] = signal
        machine.settle(inputs)
        if not group.registers:
            return [self._output("signal")]
        return [self._taken(*register[:4]) for register in group.registers]

    def _taken(self, number, width, _, enable):
        """What a register holds after the clock."""
        if enable is not None:
            on = constant(self._output(f"e{number}"))
            if on is None:
                return ((width, UNKNOWN),)
            if on != enable[1]:
                return self._machine.values[number]
        return self._output(f"d{number}")

    def _output(self, name):
        try:
            return self._keep(self._machine.output(name))
        except NotUnderstood:
            runs: Any = self.group.cone.outputs[name]
            return ((sum(count for _, _, count in runs), UNKNOWN),)
