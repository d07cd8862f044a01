"""What the registers and memories of a module that hold data hold after a clock, for many clocks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .clocks import Clocks
from .contents import Contents
from .functions import Function
from .layout import Layout
from .values import UNKNOWN

__all__ = ["Data", "Tables"]


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
    states : Clocks
    contents : Contents
    keep : callable
        Returns the signal that is kept for one that a register takes.
    beats : list of tuple
        The signals of an image's beats, for the image that is sent next.
    given : dict of int to array
        Numbers of the words of memories that another part of the module writes, for each class of its states.
    """

    def __init__(
        self,
        layout: Layout,
        states: Clocks,
        contents: Contents,
        keep: Callable[[tuple], tuple],
        beats: list[tuple],
        given: dict[int, np.ndarray] | None = None,
    ) -> None:
        self.layout, self.states, self.contents = layout, states, contents
        self._functions = [Function(group, contents, keep) for group in layout.groups]
        self._beats = np.array([contents.number([beat]) for beat in beats], np.int32)
        width = sum(own for own, _ in beats[0])
        self._no_beat = contents.number([((width, UNKNOWN),)])
        self._given = given or {}
        memories = layout.division.netlist.memories
        self._outside = {
            k: contents.number([((memories[k].width, UNKNOWN),)])
            for k in (*layout.memories, *self._given)
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
        address = states.levels[port][clocks]
        if k in self._given:
            words, rows = self._given[k], states.classes_of[clocks]
        else:
            words = tables.words[k]
        inside = address < words.shape[1]
        return np.where(inside, words[rows, np.where(inside, address, 0)], self._outside[k])
