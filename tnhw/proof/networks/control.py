"""The control of a module in many states at once.

A number of a state takes the place of an unknown input: a register of the control is a table with a value for each of the
states. So the same gates compute with it that compute with inputs (`gates.py`).
"""

from __future__ import annotations

import numpy as np

from .division import Division, sources
from .machine import Machine
from .signals import single
from .values import NotUnderstood, Space, Symbol, Table

__all__ = ["Control"]


class Control:
    """What the control of a module does in a clock, for arrays of states.

    Parameters
    ----------
    division : Division
    """

    def __init__(self, division: Division) -> None:
        self.division, self.netlist = division, division.control
        self.widths = [width for _, width, *_ in self.netlist.registers]
        if not self.widths:
            raise NotUnderstood("all registers of a module depend on data")
        self._numbers = [number for number, *_ in self.netlist.registers]

    def clock(self, state: list[np.ndarray], inputs: dict[str, np.ndarray | int]) -> Clock:
        """One clock from many states.

        Parameters
        ----------
        state : list of array of int
            A column for each register.
        inputs : dict
            Values of the inputs other than the beat.
        """
        return Clock(self, state, inputs)


class Clock:
    """All values of the control in one clock."""

    def __init__(self, control: Control, state: list[np.ndarray], inputs: dict) -> None:
        self._control, self._count = control, len(state[0])
        self._symbol = Symbol(("state",), self._count)
        self._machine = machine = Machine(control.netlist, Space())
        for number, width, column in zip(control._numbers, control.widths, state, strict=True):
            machine.values[number] = ((width, self._told(column)),)
        machine.settle(
            {
                name: ((control.netlist.inputs[name][1], self._told(value)),)
                for name, value in inputs.items()
            }
        )

    def _told(self, column):
        if isinstance(column, int):
            return column
        first = int(column[0])
        return first if (column == first).all() else Table(self._symbol, column)

    def value(self, runs: list) -> np.ndarray:
        """The integers of a signal, one for each state."""
        if sources(runs) & self._control.division.data:
            raise NotUnderstood("what the control does depends on data")
        found = single(self._machine.space, self._machine.signal(runs))
        if isinstance(found, int):
            return np.full(self._count, found, np.int64)
        if not isinstance(found, Table):
            raise NotUnderstood("a value of the control is unknown")
        return found.values

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
