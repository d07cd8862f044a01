"""Reads the RTLIL text that Amaranth writes: modules, wires, cells, processes and connections.

RTLIL is the text format of Yosys' netlists (Yosys manual, chapter "RTLIL text representation"). Of it, this reads
what Amaranth 0.5 uses for synchronous designs with one clock edge.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ...errors import ToolFailed

__all__ = ["Bits", "Block", "Body", "Cell", "Memory", "Module", "Part", "Process", "Switch", "Wire", "driven", "join", "part", "read", "reads", "replace", "width"]  # fmt: skip


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
    """A net of one or more bits; `port` is ``input``, ``output`` or None, `init` a register's first value."""

    name: str
    width: int
    port: str | None = None
    init: int | None = None


@dataclass
class Cell:
    """A cell or an instance: its kind, parameters (integers), connections, and which of these it drives."""

    kind: str
    name: str
    parameters: dict[str, int | str] = field(default_factory=dict)
    ports: dict[str, Bits] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset({"Y"})


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


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_CONSTANT = re.compile(r"(\d+)'([01xz]+)")


class _Reader:
    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines())
        self._lines = iter([line for line in lines if line])
        self.modules: list[Module] = []
        self._attributes: dict[str, str] = {}

    def read(self) -> list[Module]:
        for line in self._lines:
            word, _, rest = line.partition(" ")
            if word == "module":
                self.modules.append(self._module(rest))
            elif word != "attribute":
                raise _unknown(line)
        return self.modules

    def _module(self, name: str) -> Module:
        module = self._open = Module(_name(name))
        for line in self._lines:
            word, _, rest = line.partition(" ")
            if word == "end":
                return module
            if word == "attribute":
                key, _, value = rest.partition(" ")
                self._attributes[_name(key)] = value
                continue
            attributes, self._attributes = self._attributes, {}
            if word == "wire":
                self._wire(rest, attributes)
            elif word == "cell":
                kind, name = rest.split()
                cell = self._cell(Cell(_name(kind), _name(name)))
                if kind == "$memrd_v2":
                    cell.outputs = frozenset({"DATA"})
                module.cells.append(cell)
            elif word == "process":
                process = Process()
                self._body(process.body)
                module.processes.append(process)
            elif word == "connect":
                pair = self._pair(rest)
                if width(pair[0]):  # a counter that counts to one has no bits
                    module.connections.append(pair)
            elif word == "memory":
                words = rest.split()
                options = dict(zip(words[:-1:2], words[1:-1:2], strict=True))
                memory = Memory(_name(words[-1]), int(options["width"]), int(options["size"]))
                memory.attributes = {
                    k: v for k, v in attributes.items() if k not in ("src", "generator")
                }
                module.memories.append(memory)
            else:
                raise _unknown(line)
        raise _unknown("end of the text")

    def _wire(self, rest: str, attributes: dict[str, str]) -> None:
        words = rest.split()
        wire = Wire(_name(words[-1]), 1)
        while len(words) > 1:
            word = words.pop(0)
            if word == "width":
                wire.width = int(words.pop(0))
            elif word in ("input", "output"):
                wire.port = word
                words.pop(0)
            elif word != "signed":
                raise _unknown(f"wire {rest}")
        if "init" in attributes:
            (constant,) = self._bits(attributes["init"])
            wire.init = constant.value
        self._open.wires[wire.name] = wire

    def _cell(self, cell: Cell) -> Cell:
        for line in self._lines:
            word, _, rest = line.partition(" ")
            if word == "end":
                return cell
            name, _, value = rest.partition(" ")
            if word == "parameter":
                cell.parameters[_name(name)], size = _parameter(value)
                cell.sizes[_name(name)] = size
            elif word == "connect":
                cell.ports[_name(name)] = self._bits(value)
            else:
                raise _unknown(line)
        raise _unknown("end of the text")

    def _body(self, body: Body) -> str:
        """Reads to the line that ends a body, and gives it."""
        for line in self._lines:
            word, _, rest = line.partition(" ")
            if word == "assign":
                body.append(self._pair(rest))
            elif word == "switch":
                switch = Switch(self._bits(rest))
                body.append(switch)
                last = next(self._lines)
                while last.split()[0] == "case":
                    patterns = re.findall(r"'([01-]+)", last)
                    inner: Body = []
                    last = self._body(inner)
                    switch.cases.append((patterns, inner))
            elif word in ("end", "case"):
                return line
            else:
                raise _unknown(line)
        raise _unknown("end of the text")

    def _pair(self, text: str) -> tuple[Bits, Bits]:
        tokens = _TOKEN.findall(text)
        target, rest = self._value(tokens)
        value, rest = self._value(rest)
        if rest:
            raise _unknown(text)
        return target, value

    def _bits(self, text: str) -> Bits:
        if text[0] in "\\$":  # most values: a wire, or a part of one
            return self._wire_part(*text.split())
        bits, rest = self._value(_TOKEN.findall(text))
        if rest:
            raise _unknown(text)
        return bits

    def _value(self, tokens: list[str]) -> tuple[Bits, list[str]]:
        """The value at the beginning, and the tokens after it."""
        first, rest = tokens[0], tokens[1:]
        if first == "{":
            parts: list[Bits] = []
            while rest[0] != "}":
                bits, rest = self._value(rest)
                parts.append(bits)
            return join([one for bits in reversed(parts) for one in bits]), rest[1:]
        if match := _CONSTANT.fullmatch(first):
            digits = match[2].replace("x", "0").replace("z", "0")
            return (Part(None, 0, int(match[1]), int(digits, 2)),), rest
        if first[0] not in "\\$":
            raise _unknown(first)
        if rest and rest[0].startswith("["):
            return self._wire_part(first, rest[0]), rest[1:]
        return self._wire_part(first), rest

    def _wire_part(self, name: str, place: str = "") -> Bits:
        name = _name(name)
        if not place:
            return (Part(name, 0, self._open.wires[name].width),)
        high, _, low = place[1:-1].partition(":")
        start = int(low or high)
        return (Part(name, start, int(high) - start + 1),)


def _parameter(text: str) -> tuple[int | str, int]:
    """Value of a parameter, and its bits (0 where the text does not say them)."""
    if match := _CONSTANT.fullmatch(text):
        digits = match[2].replace("x", "0").replace("z", "0")
        return int(digits or "0", 2), int(match[1])
    if text == "0'0" or text == "0'":
        return 0, 0
    if text.startswith('"'):
        return text[1:-1].replace("\\\\", "\\"), 0
    return int(text), 0


def _name(text: str) -> str:
    return text.removeprefix("\\")


def _unknown(text: str) -> ToolFailed:
    return ToolFailed(f"Amaranth wrote RTLIL that tnhw does not read: {text}")


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


def read(text: str) -> list[Module]:
    """Modules of a design, in the order of the text.

    Raises
    ------
    ToolFailed
        If the text has something that Amaranth does not write for our designs.
    """
    return _Reader(text).read()
