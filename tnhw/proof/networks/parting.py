"""Registers and gates some of whose bits depend on data and some do not, in parts of one kind each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .division import WIDE
from .netlist import Cell, Memory, Netlist

__all__ = ["parted"]

BITWISE = ("$and", "$or", "$xor", "$not", "$mux")


def parted(netlist: Netlist, payload: str) -> Netlist:
    """The same netlist, in which each register and each bitwise gate depends on data with all of its bits or with none.

    Parameters
    ----------
    netlist : Netlist
    payload : str
        Name of the input that carries data.
    """
    bits = _Bits(netlist, payload)
    bits.spread()
    return _Parts(netlist, bits).netlist()


class _Bits:
    """Which bits of each number depend on data, as an integer."""

    def __init__(self, netlist, payload):
        self._netlist = netlist
        number, width = netlist.inputs[payload]
        self.of: dict[int, int] = {number: (1 << width) - 1}
        for memory in netlist.memories:
            if memory.writes:
                self.of |= {output: (1 << memory.width) - 1 for _, output in memory.reads}
        wide = (r for r in netlist.registers if r[1] > WIDE)
        self.of |= {number: (1 << width) - 1 for number, width, *_ in wide}

    def spread(self):
        """Follow gates and registers until nothing changes."""
        before = None
        while before != self.of:
            before = dict(self.of)
            for cell in self._netlist.order:
                if isinstance(cell, Cell):
                    self._add(cell.output, self._gate(cell))
                    continue
                memory, place = self._netlist.memories[cell[0]], cell[1]
                address, output = memory.reads[place]
                if self.signal(address):
                    self._add(output, (1 << memory.width) - 1)
            for number, width, following, enable, _ in self._netlist.registers:
                whole = enable is not None and self.signal(enable[0])
                self._add(number, (1 << width) - 1 if whole else self.signal(following))

    def _add(self, number, mask):
        if mask:
            self.of[number] = self.of.get(number, 0) | mask

    def signal(self, runs):
        """Which bits of a signal depend on data."""
        found, offset = 0, 0
        for number, low, count in runs:
            if number is not None:
                found |= (self.of.get(number, 0) >> low & (1 << count) - 1) << offset
            offset += count
        return found

    def _gate(self, cell):
        if separable(cell) and not self.signal(cell.inputs.get("S", [])):
            return self.signal(cell.inputs["A"]) | self.signal(cell.inputs.get("B", []))
        return (1 << cell.width) - 1 if any(map(self.signal, cell.inputs.values())) else 0


def separable(cell: Cell) -> bool:
    """Whether each bit of a gate's output depends on the same bits of its inputs, and on what it chooses by."""
    own = [cell.inputs[port] for port in ("A", "B") if port in cell.inputs]
    return cell.kind in BITWISE and all(_width(runs) == cell.width for runs in own)


def _width(runs):
    return sum(count for _, _, count in runs)


class _Parts:
    """The netlist with new numbers for the parts."""

    def __init__(self, netlist, bits):
        self._netlist, self.count = netlist, netlist.count
        # Of each number that is parted: (number, low, count) of its parts.
        self._parts: dict[int, list[tuple[int, int, int]]] = {}
        for number, width, *_ in netlist.registers:
            self._part(number, width, bits)
        for cell in netlist.order:
            if isinstance(cell, Cell) and separable(cell):
                self._part(cell.output, cell.width, bits)

    def _part(self, number, width, bits):
        mask, low = bits.of.get(number, 0), 0
        if mask in (0, (1 << width) - 1):
            return
        parts = []
        for place in range(1, width + 1):
            if place == width or (mask >> place ^ mask >> low) & 1:
                parts.append((self.count, low, place - low))
                self.count, low = self.count + 1, place
        self._parts[number] = parts

    def _runs(self, runs):
        """A signal with the numbers of parts."""
        found = []
        for number, low, count in runs:
            if number not in self._parts:
                found.append((number, low, count))
                continue
            for part, start, size in self._parts[number]:
                first, last = max(low, start), min(low + count, start + size)
                if first < last:
                    found.append((part, first - start, last - first))
        return found

    def netlist(self):
        own = self._netlist
        order: list[Any] = []
        for cell in own.order:
            order += self._gates(cell) if isinstance(cell, Cell) else [cell]
        registers = [part for register in own.registers for part in self._registers(register)]
        outputs = {name: self._runs(runs) for name, runs in own.outputs.items()}
        memories = list(map(self._memory, own.memories))
        return Netlist(own.inputs, outputs, order, registers, memories, self.count)

    def _gates(self, cell):
        inputs = {port: self._runs(runs) for port, runs in cell.inputs.items()}
        if cell.output not in self._parts:
            return [replace(cell, inputs=inputs)]
        return [
            replace(
                cell,
                inputs={p: r if p == "S" else cut(r, low, size) for p, r in inputs.items()},
                output=part,
                width=size,
            )
            for part, low, size in self._parts[cell.output]
        ]

    def _registers(self, register):
        number, width, following, enable, initial = register
        following = self._runs(following)
        enable = enable and (self._runs(enable[0]), enable[1])
        if number not in self._parts:
            return [(number, width, following, enable, initial)]
        bits = cut([(None, value, own) for own, value in initial], 0, width)
        return [
            (part, size, cut(following, low, size), enable,
             tuple((own, value) for _, value, own in cut(bits, low, size)))
            for part, low, size in self._parts[number]
        ]  # fmt: skip

    def _memory(self, memory):
        reads = [(self._runs(address), number) for address, number in memory.reads]
        writes = [tuple(map(self._runs, write)) for write in memory.writes]
        return Memory(memory.words, memory.width, memory.initial, reads, writes)


def cut(runs: list, low: int, size: int) -> list:
    """Some bits of a signal."""
    found, place = [], 0
    for number, start, count in runs:
        first, last = max(low, place), min(low + size, place + count)
        if first < last:
            if number is not None:
                start = start + first - place
            elif isinstance(start, int):
                start = start >> (first - place) & ((1 << last - first) - 1)
            found.append((number, start, last - first))
        place += count
    return found
