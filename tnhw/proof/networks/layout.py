"""Where a module, or a part of it, keeps data."""

from __future__ import annotations

from .division import Division, Group
from .netlist import Cell
from .values import NotUnderstood

__all__ = ["Layout", "written"]


class Layout:
    """Groups of registers, and memories with what is written to them.

    Parameters
    ----------
    division : Division
    groups : list of Group
        Those of registers.
    memories : list of int
        Indices of memories that are written.
    payload : str, optional
        Name of the output for beats of results.

    Attributes
    ----------
    groups : list of Group
        Those of registers, then one for what each port of each memory writes, then that of the result's beat.
    signals : list
        Signals of the control: with a payload the addresses of all reads, then the address and the enable of each write.
    registers : int
        How many groups are of registers.
    memories : list of int
    """

    def __init__(
        self,
        division: Division,
        groups: list[Group],
        memories: list[int],
        payload: str | None = None,
    ) -> None:
        netlist = division.netlist
        self.division, self.memories = division, memories
        self.groups = [*groups]
        self.registers = len(groups)
        self.signals = [address for _, address in division.ports.values()] if payload else []
        self.writes: list[tuple[int, int, int]] = []  # memory, group and the first of two signals
        for k in memories:
            for group, where in written(division, k):
                self.writes.append((k, len(self.groups), len(self.signals)))
                self.groups.append(group)
                self.signals += where
        if payload:
            self.groups.append(division.group({"signal": netlist.outputs[payload]}))
        # Where each register that holds data is: its group, and its place there.
        self.place = {
            register[0]: (k, place)
            for k, group in enumerate(self.groups)
            for place, register in enumerate(group.registers)
        }


def written(division: Division, memory: int) -> list[tuple[Group, tuple[list, list]]]:
    """What each port writes to a memory: a group with one signal, and the signals of the address and the enable."""
    netlist = division.netlist
    return [
        (division.group({"signal": data}), _where(netlist, address, enable))
        for address, data, enable in netlist.memories[memory].writes
    ]


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
