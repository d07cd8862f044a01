"""The control of a module in many states at once.

A register of the control is a column with a value for each of the states (`integers.py`).
"""

from __future__ import annotations

import numpy as np

from .division import sources
from .integers import Integers
from .netlist import Netlist
from .values import NotUnderstood

__all__ = ["Control"]


class Control:
    """What the control of a module, or a part of it, does in a clock, for arrays of states.

    Parameters
    ----------
    netlist : Netlist
    data : set of int
        Numbers that depend on data.
    """

    def __init__(self, netlist: Netlist, data: set[int]) -> None:
        self.netlist, self.data = netlist, data
        self.widths = [width for _, width, *_ in self.netlist.registers]
        if not self.widths:
            raise NotUnderstood("all registers of a module depend on data")
        self._numbers = [number for number, *_ in self.netlist.registers]
        self.integers = Integers(netlist)

    def clock(self, state: list[np.ndarray], inputs: dict[str, np.ndarray | int]) -> Clock:
        """One clock from many states.

        Parameters
        ----------
        state : list of array of int
            A column for each register.
        inputs : dict
            Values of the inputs other than the beat.
        """
        values: list = [None] * self.netlist.count
        for number, column in zip(self._numbers, state, strict=True):
            values[number] = column
        for name, value in inputs.items():
            if name in self.netlist.inputs:
                values[self.netlist.inputs[name][0]] = value
        self.integers.settle(values)
        return Clock(self, values, len(state[0]))


class Clock:
    """All values of the control in one clock."""

    def __init__(self, control: Control, values: list, count: int) -> None:
        self._control, self._values, self._count = control, values, count

    def value(self, runs: list) -> np.ndarray:
        """The integers of a signal, one for each state."""
        if sources(runs) & self._control.data:
            raise NotUnderstood("what the control does depends on data")
        found = np.asarray(self._control.integers.signal(runs, self._values), np.int64)
        return found if found.ndim else np.full(self._count, found)

    def following(self) -> list[np.ndarray]:
        """The state after this clock."""
        columns = []
        for number, width, following, enable, _ in self._control.netlist.registers:
            after = self.value(following)
            if enable is not None:
                after = np.where(
                    self.value(enable[0]) == enable[1], after, self.value([(number, 0, width)])
                )
            columns.append(after)
        return columns
