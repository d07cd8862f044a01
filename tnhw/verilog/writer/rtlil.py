"""What a netlist of RTLIL is made of: modules, wires, cells, processes and connections."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Bits", "Block", "Body", "Cell", "Memory", "Module", "Part", "Process", "Switch", "Wire", "driven", "join", "part", "reads", "replace", "width"]  # fmt: skip


class Part(NamedTuple):
    """Neighbouring bits of one wire, or of a constant, whose `wire` is None."""

    wire: str | None
    start: int
    width: int
    value: int = 0


#: A value: its parts, lowest bits first.
Bits = tuple[Part, ...]


def width(bits: Bits) -> int:
    return sum(one.width for one in bits)


def join(parts: Iterable[Part]) -> Bits:
    """Parts as one value; neighbours that continue each other become one."""
    joined: list[Part] = []
    for one in parts:
        last = joined[-1] if joined else None
        if last and last.wire == one.wire is None:
            joined[-1] = Part(None, 0, last.width + one.width, last.value | one.value << last.width)
        elif last and last.wire == one.wire and last.start + last.width == one.start:
            joined[-1] = Part(last.wire, last.start, last.width + one.width)
        elif one.width:
            joined.append(one)
    return tuple(joined)


def part(bits: Bits, start: int, count: int) -> Bits:
    """`count` bits of a value, from bit `start`."""
    found, at = [], 0
    for one in bits:
        low, high = max(start, at), min(start + count, at + one.width)
        if low < high:
            if one.wire is None:
                value = (one.value >> (low - at)) & ((1 << (high - low)) - 1)
                found.append(Part(None, 0, high - low, value))
            else:
                found.append(Part(one.wire, one.start + low - at, high - low))
        at += one.width
    return join(found)


@dataclass
class Wire:
    """A net; `port` is ``input``, ``output``, ``inout`` or None, `init` a register's first value."""

    name: str
    width: int
    port: str | None = None
    init: int | None = None
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Cell:
    """A cell or an instance: its kind, parameters, connections, and which of these it drives.

    `written` has the parameters that are no plain numbers as Verilog writes them.
    """

    kind: str
    name: str
    parameters: dict[str, int | str] = field(default_factory=dict)
    ports: dict[str, Bits] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset({"Y"})
    written: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Switch:
    """A choice by `test`: the first case of which a pattern fits it; a case without patterns always does.

    Patterns have the highest bit first; ``-`` fits both values.
    """

    test: Bits
    cases: list[tuple[list[str], "Body"]] = field(default_factory=list)


#: What a case does, in order: assignments (target, value) and further choices.
Body = list["tuple[Bits, Bits] | Switch"]


@dataclass
class Process:
    body: Body = field(default_factory=list)


#: Statements under a clock: assignments (target, value), and choices: lists of (condition of one bit, block), of
#: which the first that holds is taken; the last condition may be None: otherwise.
Block = list["tuple[Bits, Bits] | list[tuple[Bits | None, Block]]"]


@dataclass
class Memory:
    name: str
    width: int
    size: int
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Module:
    """One module.

    `connections` are (wire, value) of names that are not cells' own. `registers` are (clock, block); the text has
    none, `processes.lower` makes them of its cells and processes.
    """

    name: str
    wires: dict[str, Wire] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    connections: list[tuple[Bits, Bits]] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    registers: list[tuple[Bits, Block]] = field(default_factory=list)


def reads(block: Block) -> Iterator[Bits]:
    """Values and conditions of a block."""
    for statement in block:
        if isinstance(statement, tuple):
            yield statement[1]
        else:
            for condition, inner in statement:
                if condition is not None:
                    yield condition
                yield from reads(inner)


def driven(block: Block) -> Iterator[str]:
    """Wires that a block drives, once for each assignment."""
    for statement in block:
        if isinstance(statement, tuple):
            yield statement[0][0].wire or ""
        else:
            for _, inner in statement:
                yield from driven(inner)


def replace(module: Module, change: Callable[[Bits], Bits], targets: bool = False) -> None:
    """Change every value that a module reads, and with `targets` what it drives."""

    def changed(block: Block) -> Block:
        found: Block = []
        for statement in block:
            if isinstance(statement, list):
                found.append(
                    [(condition and change(condition), changed(b)) for condition, b in statement]
                )
            else:
                target, value = statement
                found.append((change(target) if targets else target, change(value)))
        return found

    for cell in module.cells:
        for name, bits in cell.ports.items():
            if targets or name not in cell.outputs:
                cell.ports[name] = change(bits)
    module.registers = [(change(clock), changed(block)) for clock, block in module.registers]
    module.connections = [
        (change(target) if targets else target, change(value))
        for target, value in module.connections
    ]
