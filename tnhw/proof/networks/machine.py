"""The emitted Verilog, executed clock by clock with such values.

Nothing here knows what its cells compute together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .choices import settled
from .gates import evaluate
from .netlist import Cell, Netlist
from .signals import bits, constant, single, sliced, table_of
from .values import UNKNOWN, NotUnderstood, Space, joined

__all__ = ["Machine"]

PIECE = 32  # bits of a word that are one table


def _same(one, other):
    """Whether two signals are the same objects, or equal integers."""
    return len(one) == len(other) and all(
        width == own
        and (value is new or (isinstance(value, int) and isinstance(new, int) and value == new))
        for (width, value), (own, new) in zip(one, other, strict=True)
    )


class Machine:
    """The state of a netlist, and what its gates make of it.

    Parameters
    ----------
    netlist : Netlist
    space : Space
    keep : callable
        Called with each signal that a register or a memory takes; returns the signal that is kept for it.
    before : Machine, optional
        One of the same netlist and space: what its gates made is not made again.
    lenient : bool
        Whether what is not understood is unknown from then on, and no error.
    """

    def __init__(
        self,
        netlist: Netlist,
        space: Space,
        keep: Any = lambda signal: signal,
        before: Machine | None = None,
        lenient: bool = False,
    ) -> None:
        self.netlist, self.space, self._keep, self._lenient = netlist, space, keep, lenient
        self.values: list[Any] = [None] * netlist.count
        self.changed = [True] * netlist.count
        for number, _, _, _, initial in netlist.registers:
            self.values[number] = initial
        self.memories = [list(memory.initial) for memory in netlist.memories]
        self._touched = [True] * len(self.memories)
        # What cells made of signals before, with the signals.
        self._made: dict[tuple, tuple] = before._made if before else {}

    def signal(self, runs: list) -> tuple:
        """The signal of runs of bits of what the gates have made."""
        found = []
        for number, low, count in runs:
            if number is None:
                found.append((count, low))
                continue
            value = self.values[number]
            if len(value) == 1:
                width, only = value[0]
                if width == count:
                    found.append(value[0])
                    continue
                if isinstance(only, int):
                    found.append((count, (only >> low) & ((1 << count) - 1)))
                    continue
            if low == 0 and bits(value) == count:
                found += value
            else:
                found += sliced(self.space, value, low, count)
        return tuple(found) if len(found) < 2 else joined(found, self.space)

    def _has_changed(self, runs):
        return any(number is not None and self.changed[number] for number, _, _ in runs)

    def _set(self, number, value):
        before = self.values[number]
        same = before is value or (before is not None and _same(before, value))
        self.changed[number] = not same
        if not same:
            self.values[number] = value

    def settle(self, inputs: dict[str, tuple]) -> None:
        """Set the inputs of this clock, and evaluate all gates."""
        for name, (number, _) in self.netlist.inputs.items():
            if name in inputs:
                self._set(number, inputs[name])
        for cell in self.netlist.order:
            if isinstance(cell, Cell):
                if self.values[cell.output] is not None and not any(
                    map(self._has_changed, cell.inputs.values())
                ):
                    self.changed[cell.output] = False
                    continue
                self._set(cell.output, self._understood(cell.width, self._evaluated, cell))
                continue
            number, place = cell
            address, output = self.netlist.memories[number].reads[place]
            if self.values[output] is None or self._touched[number] or self._has_changed(address):
                width = self.netlist.memories[number].width
                self._set(output, self._understood(width, self._read, number, address))
            else:
                self.changed[output] = False
        self._touched = [False] * len(self.memories)

    def _understood(self, width, made, *arguments):
        """What a function makes, or an unknown value."""
        try:
            return made(*arguments)
        except NotUnderstood:
            if self._lenient:
                return ((width, UNKNOWN),)
            raise

    def _evaluated(self, cell):
        ports = {name: self.signal(runs) for name, runs in cell.inputs.items()}
        key = (
            cell.output,
            *(
                (width, value if isinstance(value, int) else id(value))
                for signal in ports.values()
                for width, value in signal
            ),
        )
        found = self._made.get(key)
        if found is None:
            made = evaluate(self.space, cell.kind, ports, cell.width, cell.signed, cell.both)
            found = self._made[key] = made, ports
        return found[0]

    def _read(self, number, address):
        memory, words = self.netlist.memories[number], self.memories[number]
        place = single(self.space, self.signal(address))
        if isinstance(place, int):
            return words[place] if place < memory.words else ((memory.width, UNKNOWN),)
        if place is UNKNOWN or place.values.max() >= memory.words:
            return ((memory.width, UNKNOWN),)
        numbers, which = np.unique(place.values, return_inverse=True)
        known = [constant(words[k]) for k in numbers.tolist()]
        if None in known:
            raise NotUnderstood(
                "which word of a memory is read depends on data, and its words do too"
            )
        pieces = range(0, memory.width, PIECE)
        mask = (1 << PIECE) - 1
        return joined(
            (
                min(PIECE, memory.width - low),
                table_of(place.symbol, [(word >> low) & mask for word in known], which),
            )
            for low in pieces
        )

    def output(self, name: str) -> tuple:
        """The signal of an output in this clock."""
        return settled(self.space, self.signal(self.netlist.outputs[name]))

    @property
    def still(self) -> bool:
        """Whether the last clock has changed no register and written no memory."""
        registers = (number for number, *_ in self.netlist.registers)
        return not any(self._touched) and not any(self.changed[number] for number in registers)

    def clock(self) -> None:
        """All registers and memories take what is at their inputs."""
        taken = []
        for number, _, following, enable, _ in self.netlist.registers:
            if enable is not None:
                on = constant(self.signal(enable[0]))
                if on is None:
                    raise NotUnderstood("whether a register takes a value depends on data")
                if on != enable[1]:
                    taken.append((number, self.values[number]))
                    continue
            taken.append((number, self._keep(settled(self.space, self.signal(following)))))
        for number, memory in enumerate(self.netlist.memories):
            for address, data, enable in memory.writes:
                self._write(number, memory, *map(self.signal, (address, data, enable)))
        for number, value in taken:
            self._set(number, value)

    def _write(self, number, memory, address, data, enable):
        on = constant(enable)
        if on == 0:
            return
        place = constant(address)
        if on != (1 << memory.width) - 1 or place is None:
            raise NotUnderstood(
                "whether, or where, a memory is written depends on data, or a part of a word is written"
            )
        if place < memory.words:
            self.memories[number][place] = self._keep(settled(self.space, data))
            self._touched[number] = True
