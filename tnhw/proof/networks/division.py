"""A module's netlist in two parts: control, which does not depend on data, and groups of registers that hold data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .netlist import Cell, Netlist

__all__ = ["WIDE", "Division", "Group"]

WIDE = 62  # bits of a value that a numpy integer holds; what is wider counts as data


@dataclass(frozen=True)
class Group:
    """Signals that are functions of the same control, of registers that hold data, of words that are read, and of a beat.

    Attributes
    ----------
    registers : list
        Registers of the netlist that take these signals; empty if others do.
    cone : Netlist
        The gates in front of them. Its inputs have the names and numbers of what is in `controls`, `held` and `read`, and its
        outputs are the signals, numbered from 0.
    controls : list of int
        Numbers of values of the control.
    held : list of int
        Numbers of registers that hold data.
    read : list of int
        Numbers of the outputs of memories, or of the input for a beat.
    """

    registers: list
    cone: Netlist
    controls: list[int]
    held: list[int]
    read: list[int]


def sources(runs: list) -> set[int]:
    """The numbers that a signal consists of."""
    return {number for number, _, _ in runs if number is not None}


class Division:
    """What depends on data, and how.

    Parameters
    ----------
    netlist : Netlist
    payload : str
        Name of the input that carries data.
    unknown : iterable of int
        Registers that count as data, since it is not known what they hold first.

    Attributes
    ----------
    control : Netlist
        Registers and gates that do not depend on data, and the memories without what is written.
    data : set of int
        All other numbers.
    ports : dict
        For the number of each output of a memory that is written: the memory's index and the address.
    """

    def __init__(self, netlist: Netlist, payload: str, unknown: Iterable[int] = ()) -> None:
        self.netlist = netlist
        self.ports: dict[int, tuple[int, list]] = {}
        for index, memory in enumerate(netlist.memories):
            if memory.writes:
                self.ports |= {number: (index, address) for address, number in memory.reads}
        self.beat = netlist.inputs[payload][0]
        self.data = self._depending(unknown)
        memories = [replace(memory, writes=[]) for memory in netlist.memories]
        self.control = Netlist(
            {name: port for name, port in netlist.inputs.items() if name != payload},
            netlist.outputs,
            [cell for cell in netlist.order if self.made(cell) not in self.data],
            [register for register in netlist.registers if register[0] not in self.data],
            memories,
            netlist.count,
        )
        self._cones()

    def made(self, cell):
        """The number of a gate's output, or of a memory's."""
        if isinstance(cell, Cell):
            return cell.output
        index, place = cell
        return self.netlist.memories[index].reads[place][1]

    def needs(self, cell):
        """The signals that a gate reads, or the address of a memory."""
        if isinstance(cell, Cell):
            return list(cell.inputs.values())
        index, place = cell
        return [self.netlist.memories[index].reads[place][0]]

    def _depending(self, unknown):
        netlist = self.netlist
        data = {self.beat, *self.ports, *unknown}
        data |= {number for number, width, *_ in netlist.registers if width > WIDE}
        size = 0
        while size < len(data):
            size = len(data)
            for cell in netlist.order:
                wide = cell.width if isinstance(cell, Cell) else netlist.memories[cell[0]].width
                if wide > WIDE or any(sources(runs) & data for runs in self.needs(cell)):
                    data.add(self.made(cell))
            for number, _, following, enable, _ in netlist.registers:
                if (sources(following) | sources(enable[0] if enable else [])) & data:
                    data.add(number)
        return data

    def _cones(self):
        """For each gate that depends on data: the gates and the values in front of it, up to registers and memories."""
        self._before: dict[int, tuple[frozenset, frozenset, frozenset]] = {}
        for cell in self.netlist.order:
            number = self.made(cell)
            if number in self.ports or number not in self.data:
                continue
            chosen = cell.inputs.get("S", []) if isinstance(cell, Cell) else []
            gates, ends, choices = self._in_front(self.needs(cell))
            own = frozenset(sources(chosen) & self.data)
            self._before[number] = gates | {number}, ends, choices | own

    def _in_front(self, signals):
        gates, ends, choices = frozenset(), frozenset(), frozenset()
        for number in set().union(*map(sources, signals)):
            if number in self._before:
                more = self._before[number]
                gates, ends, choices = gates | more[0], ends | more[1], choices | more[2]
            else:
                ends = ends | {number}
        return gates, ends, choices

    def group(self, signals: dict[str, list], registers: Any = ()) -> Group:
        """The group of some signals."""
        held = {register[0] for register in self.netlist.registers}
        gates, ends, _ = self._in_front(list(signals.values()))
        # A register with an enable may keep its value.
        ends = ends | {register[0] for register in registers if register[3] is not None}
        width = {number: count for number, count, *_ in self.netlist.registers}
        width |= {number: count for number, count in self.netlist.inputs.values()}
        width |= {cell.output: cell.width for cell in self.netlist.order if isinstance(cell, Cell)}
        for memory in self.netlist.memories:
            width |= {number: memory.width for _, number in memory.reads}
        order = [cell for cell in self.netlist.order if self.made(cell) in gates]
        inputs = {str(number): (number, width[number]) for number in sorted(ends)}
        cone = Netlist(inputs, signals, order, [], self.control.memories, self.netlist.count)
        return Group(
            list(registers),
            cone,
            sorted(ends - self.data),
            sorted(ends & self.data & held),
            sorted(ends & self.data - held),
        )

    def register_groups(self) -> list[Group]:
        """All registers that hold data: together are those that depend on the same control, or on the same choices."""
        groups: list[tuple[set, set, list]] = []  # control, choices and registers
        for register in self.netlist.registers:
            if register[0] not in self.data:
                continue
            enable = [register[3][0]] if register[3] is not None else []
            _, ends, choices = self._in_front([register[2], *enable])
            own = set(ends - self.data), set(choices), [register]
            for other in [g for g in groups if g[0] == own[0] or g[1] & own[1]]:
                groups.remove(other)
                own = own[0] | other[0], own[1] | other[1], other[2] + own[2]
            groups.append(own)
        found = []
        for _, _, registers in groups:
            signals = {}
            for number, _, following, enable, _ in registers:
                signals[f"d{number}"] = following
                if enable is not None:
                    signals[f"e{number}"] = enable[0]
            found.append(self.group(signals, registers))
        return found
