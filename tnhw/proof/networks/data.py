"""What the registers and memories of a module that hold data hold after a clock, for many clocks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .contents import Contents
from .division import Division, Group
from .functions import Function
from .netlist import Cell
from .states import States
from .values import UNKNOWN, NotUnderstood

__all__ = ["Data", "Layout", "Tables"]


class Layout:
    """Where a module keeps data: groups of registers, and memories with what is written to them.

    Attributes
    ----------
    groups : list of Group
        Those of registers, then one for what each port of each memory writes, then that of the result's beat.
    signals : list
        Signals of the control: the addresses of all reads, then the address and the enable of each write.
    registers : int
        How many groups are of registers.
    memories : list of int
        Indices of the memories that are written.
    """

    def __init__(self, division: Division, payload: str) -> None:
        netlist = division.netlist
        self.division = division
        self.groups: list[Group] = division.register_groups()
        self.registers = len(self.groups)
        self.signals = [address for _, address in division.ports.values()]
        self.memories = [k for k, memory in enumerate(netlist.memories) if memory.writes]
        self.writes: list[tuple[int, int, int]] = []  # memory, group and the first of two signals
        for k in self.memories:
            for address, data, enable in netlist.memories[k].writes:
                self.writes.append((k, len(self.groups), len(self.signals)))
                self.groups.append(division.group({"signal": data}))
                self.signals += _where(netlist, address, enable)
        self.groups.append(division.group({"signal": netlist.outputs[payload]}))
        # Where each register that holds data is: its group, and its place there.
        self.place = {
            register[0]: (k, place)
            for k, group in enumerate(self.groups)
            for place, register in enumerate(group.registers)
        }


def _where(netlist, address, enable):
    """The address of a write where it happens, and the bit that says whether it does."""
    muxes = {
        cell.output: cell.inputs
        for cell in netlist.order
        if isinstance(cell, Cell) and cell.kind == "$mux"
    }
    width = sum(count for _, _, count in enable)
    own = muxes.get(enable[0][0], {}) if len(enable) == 1 else {}
    ends = [(None, 0, width)], [(None, (1 << width) - 1, width)]
    if (own.get("A"), own.get("B")) != ends:
        if set(enable) == {enable[0]} and enable[0][2] == 1:
            return address, enable[:1]
        raise NotUnderstood("a part of a word of a memory is written")
    chosen = muxes.get(address[0][0], {}) if len(address) == 1 else {}
    if chosen and address[0][2] != sum(count for _, _, count in chosen["B"]):
        chosen = {}
    return (chosen["B"] if chosen.get("S") == own["S"] else address), own["S"]


class Tables:
    """What is held in rows: a column for each group of registers, and some for the words of each memory."""

    def __init__(self, layout: Layout, rows: int) -> None:
        memories = layout.division.netlist.memories
        self.held = [np.full(rows, -1, np.int32) for _ in range(layout.registers)]
        self.words = {k: np.full((rows, memories[k].words), -1, np.int32) for k in layout.memories}

    def all(self) -> list[np.ndarray]:
        """All of them, those of groups first."""
        return [*self.held, *self.words.values()]


class Data:
    """What is held after a clock, from what is held before.

    Parameters
    ----------
    layout : Layout
    states : States
    contents : Contents
    keep : callable
        Returns the signal that is kept for one that a register takes.
    beats : list of tuple
        The signals of an image's beats, for the image that is sent next.
    """

    def __init__(
        self,
        layout: Layout,
        states: States,
        contents: Contents,
        keep: Callable[[tuple], tuple],
        beats: list[tuple],
    ) -> None:
        self.layout, self.states, self.contents = layout, states, contents
        self._functions = [Function(group, contents, keep) for group in layout.groups]
        self._beats = np.array([contents.number([beat]) for beat in beats], np.int32)
        width = sum(own for own, _ in beats[0])
        self._no_beat = contents.number([((width, UNKNOWN),)])
        memories = layout.division.netlist.memories
        self._outside = {
            k: contents.number([((memories[k].width, UNKNOWN),)]) for k in layout.memories
        }

    def reset(self, registers: dict[int, tuple], memories: list[list]) -> list[np.ndarray]:
        """What is held after a reset, as a row of tables."""
        layout, number = self.layout, self.contents.number
        groups = [
            [number(registers[register[0]] for register in group.registers)]
            for group in layout.groups[: layout.registers]
        ]
        words = [[[number([word]) for word in memories[k]]] for k in layout.memories]
        return [np.array(row, np.int32) for row in (*groups, *words)]

    def after(self, tables: Tables, clocks: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
        """For each table what is held after some clocks, if the rows say what was held before."""
        ends = self.states.ends[clocks]
        for k in range(self.layout.registers):
            yield self._moved(self._value(k, tables, clocks, rows), ends)
        for k in self.layout.memories:
            words = tables.words[k][rows]
            for memory, group, signal in self.layout.writes:
                if memory == k:
                    address, enable = (level[clocks] for level in self.states.levels[signal:][:2])
                    written = np.flatnonzero((enable > 0) & (address < words.shape[1]))
                    if len(written):
                        values = self._value(group, tables, clocks[written], rows[written])
                        words[written, address[written]] = values
            yield self._moved(words, ends)

    def result(self, tables: Tables, clocks: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Numbers of the beats of results that are offered in some clocks."""
        return self._value(len(self.layout.groups) - 1, tables, clocks, rows)

    def _moved(self, values, ends):
        """The same with images counted from the next one, where a clock ends an image."""
        values[ends] = self.contents.earlier(values[ends])
        return values

    def _value(self, k, tables, clocks, rows):
        """Numbers of the signals of a group in some clocks."""
        group, place = self.layout.groups[k], self.layout.place
        sources: dict[int, list[int]] = {}
        for number in group.held:
            sources.setdefault(place[number][0], []).append(number)
        columns = [
            self.contents.parts(tables.held[own][rows], tuple(place[n][1] for n in numbers))
            for own, numbers in sources.items()
        ]
        columns += [self._read(number, tables, clocks, rows) for number in group.read]
        order = [*(number for numbers in sources.values() for number in numbers), *group.read]
        situations = self.states.situations[k][clocks]
        return self._functions[k](situations, self.states.values[k], columns, order)

    def _read(self, number, tables, clocks, rows):
        """Numbers of what a memory gives, or of the beat that is offered."""
        division, states = self.layout.division, self.states
        if number == division.beat:
            return np.where(states.offers[clocks], self._beats[states.beat[clocks]], self._no_beat)
        k, _ = division.ports[number]
        port = list(division.ports).index(number)
        address, words = states.levels[port][clocks], tables.words[k]
        inside = address < words.shape[1]
        return np.where(inside, words[rows, np.where(inside, address, 0)], self._outside[k])
