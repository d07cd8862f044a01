"""The part of a module in which beats arrive: what counts them and keeps them, and depends on nothing else."""

from __future__ import annotations

from dataclasses import replace

from .division import Division, sources
from .layout import Layout, written
from .modules import Module
from .netlist import Cell, Netlist

__all__ = ["Intake", "intake_of"]


class Intake:
    """Such a part, and the rest of the module.

    Attributes
    ----------
    control : Netlist
        Registers and gates that depend on nothing but beats. It has an input `ready` if the module can refuse a beat.
    data : set of int
        Numbers that depend on data.
    ready : int or None
        The number of the port that says whether a beat is taken; None if all are.
    layout : Layout
        What it holds.
    told : list of (int, int)
        Numbers and widths of what the rest of the module is told.
    rest : Netlist
        The control of the rest. It has an input `told N` for each of these numbers.
    others : Layout
        What the rest holds.
    """

    def __init__(self, division: Division, module: Module, counted: _Counted) -> None:
        self.data, self.ready = division.data, counted.ready
        netlist, own, groups = division.control, counted.own, counted.groups
        width = _widths(division)
        cells = [cell for cell in netlist.order if division.made(cell) not in own]
        inputs = {name: netlist.inputs[name] for name in (module.into["valid"], module.reset)}
        if self.ready is not None:
            inputs["ready"] = self.ready, 1
        self.control = replace(
            netlist,
            inputs=inputs,
            outputs={},
            order=[cell for cell in netlist.order if division.made(cell) in own],
            registers=[register for register in netlist.registers if register[0] in own],
        )
        self.layout = Layout(division, groups, counted.memories)
        rest = [group for group in division.register_groups() if not _among(group, groups)]
        memories = [
            k for k, memory in enumerate(division.netlist.memories)
            if memory.writes and k not in counted.memories
        ]  # fmt: skip
        self.others = Layout(division, rest, memories, module.out["payload"])
        # What the rest reads of it.
        registers = [register for register in netlist.registers if register[0] not in own]
        signals = [runs for cell in cells for runs in division.needs(cell)]
        signals += [runs for register in registers for runs in _taken(register)]
        signals += [*netlist.outputs.values(), *self.others.signals]
        read = set().union(
            *map(sources, signals), *(group.controls for group in self.others.groups)
        )
        alone = counted.without_registers
        self.told = [(n, width[n]) for n in sorted(read & own - alone)]
        told = {f"told {number}": (number, size) for number, size in self.told}
        self.rest: Netlist = replace(
            netlist,
            inputs=netlist.inputs | told,
            order=[
                c for c in netlist.order if division.made(c) not in own or division.made(c) in alone
            ],
            registers=registers,
        )


def intake_of(division: Division, module: Module) -> Intake | None:
    """The intake of a module that has one: the rest sees beats in its memories only."""
    counted = _Counted(division, module)
    if not counted.memories or counted.ready_is_counted:
        return None
    if counted.ready is not None and _widths(division)[counted.ready] != 1:
        return None  # other bits of the same signal could not be told from it
    intake = Intake(division, module, counted)
    held = {register[0] for group in counted.groups for register in group.registers}
    for group in intake.others.groups:
        if division.beat in group.read or held & set(group.held):
            return None
    return intake


class _Counted:
    """What depends on nothing but beats.

    Attributes
    ----------
    own : set of int
        Numbers of registers and gates.
    without_registers : set of int
        Those of gates that depend on no register.
    groups : list of Group
        Registers that hold data.
    memories : list of int
        Memories that these are written to.
    """

    def __init__(self, division, module):
        self._division, netlist = division, division.control
        ports = {netlist.inputs[name][0] for name in (module.into["valid"], module.reset)}
        self.ready = None
        if "ready" in module.into:
            [(self.ready, *_)] = netlist.outputs[module.into["ready"]]
        if self.ready is not None:
            ports.add(self.ready)
        before, registers = None, netlist.registers
        while before != len(registers):
            before = len(registers)
            self.own = {register[0] for register in registers}
            gates = self._gates(ports | self.own)
            known = ports | self.own | gates
            registers = [r for r in registers if all(sources(runs) <= known for runs in _taken(r))]
        self.own |= gates
        self.without_registers = self._gates(ports)
        self.ready_is_counted = self.ready in self.own | self._gates(known - {self.ready})
        self._keeps(known)

    def _gates(self, known):
        """Numbers of gates all of whose inputs are known or such gates."""
        known, found = set(known), set()
        for cell in self._division.control.order:
            number = self._division.made(cell)
            if number not in known and all(
                sources(runs) <= known for runs in self._division.needs(cell)
            ):
                known.add(number)
                found.add(number)
        return found

    def _keeps(self, known):
        division = self._division
        self.groups, before = division.register_groups(), None

        def simple(group, held):
            return (
                set(group.controls) <= known
                and set(group.held) <= held
                and set(group.read) <= {division.beat}
            )

        while before != len(self.groups):
            before = len(self.groups)
            held = {register[0] for group in self.groups for register in group.registers}
            self.groups = [group for group in self.groups if simple(group, held)]
        self.memories = [
            k for k, memory in enumerate(division.netlist.memories)
            if memory.writes and all(
                simple(group, held) and sources(where[0]) | sources(where[1]) <= known
                for group, where in written(division, k)
            )
        ]  # fmt: skip


def _taken(register):
    """The signals that a register takes, or that say whether it does."""
    _, _, following, enable, _ = register
    return [following, *([enable[0]] if enable is not None else [])]


def _among(group, groups):
    return any(group.registers == other.registers for other in groups)


def _widths(division):
    """Bits of each number of the control."""
    netlist = division.control
    found = {number: size for number, size in netlist.inputs.values()}
    found |= {number: size for number, size, *_ in netlist.registers}
    for cell in netlist.order:
        own = cell if isinstance(cell, Cell) else netlist.memories[cell[0]]
        found[division.made(cell)] = own.width
    return found
