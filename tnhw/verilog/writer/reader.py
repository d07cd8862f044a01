"""Reads the RTLIL text that Amaranth writes: modules, wires, cells, processes and connections.

RTLIL is the text format of Yosys' netlists (Yosys manual, chapter "RTLIL text representation"). Of it, this reads
what Amaranth 0.5 writes; `supported` says which of that can be written as Verilog.
"""

import re

from ...errors import ToolFailed
from .rtlil import Bits, Body, Cell, Memory, Module, Part, Process, Switch, Wire, join, width

__all__ = ["read"]

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
                cell = self._cell(Cell(_name(kind), _name(name), attributes=_kept(attributes)))
                if kind == "$memrd_v2":
                    cell.outputs = frozenset({"DATA"})
                if kind.startswith("\\$"):
                    raise _unknown(line)
                if all(cell.ports.get(pin, True) for pin in ("Y", "Q") if kind[0] == "$"):
                    module.cells.append(cell)
            elif word == "process":
                process = Process()
                self._body(process.body)
                if process.body and not isinstance(process.body[0], Switch):  # it drives something
                    module.processes.append(process)
            elif word == "connect":
                pair = self._pair(rest)
                if width(pair[0]):  # a counter that counts to one has no bits
                    module.connections.append(pair)
            elif word == "memory":
                words = rest.split()
                options = dict(zip(words[:-1:2], words[1:-1:2], strict=True))
                memory = Memory(_name(words[-1]), int(options["width"]), int(options["size"]))
                memory.attributes = _kept(attributes)
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
            elif word in ("input", "output", "inout"):
                wire.port = word
                words.pop(0)
            elif word != "signed":
                raise _unknown(f"wire {rest}")
        wire.attributes = _kept(attributes)
        if "init" in attributes:
            (constant,) = self._bits(attributes["init"])
            wire.init = constant.value
        if not wire.width:
            wire.port = None  # nothing goes through it
        if wire.name in self._open.wires:
            raise _unknown(f"a second wire {wire.name}")
        self._open.wires[wire.name] = wire

    def _cell(self, cell: Cell) -> Cell:
        driven: set[str] = set()
        for line in self._lines:
            word, _, rest = line.partition(" ")
            if word == "end":
                if not cell.kind.startswith("$"):
                    cell.outputs = frozenset(driven)
                return cell
            name, _, value = rest.partition(" ")
            if word == "parameter":
                form = name if name in ("signed", "real") else ""
                if form:
                    name, _, value = value.partition(" ")
                name = _name(name)
                cell.parameters[name], cell.sizes[name] = _parameter(value)
                if form or value.startswith('"'):
                    cell.written[name] = _written(form, value)
            elif word == "connect":
                bits = self._bits(value)
                cell.ports[_name(name)] = bits
                if "[" not in value.split()[-1] and bits and bits[0].wire is not None:
                    driven.add(_name(name))  # what an instance reads has its bits in brackets
            else:
                raise _unknown(line)
        raise _unknown("end of the text")

    def _body(self, body: Body) -> str:
        """Reads to the line that ends a body, and gives it."""
        for line in self._lines:
            word, _, rest = line.partition(" ")
            if word == "assign":
                target, value = self._pair(rest)
                if target:
                    body.append((target, value))
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
        if first == "{}":
            return (), rest
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
            size = self._open.wires[name].width
            return (Part(name, 0, size),) if size else ()
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


def _written(form: str, text: str) -> str:
    """A parameter that is signed, real or a text, as Verilog writes it."""
    if form == "real":
        return text[1:-1]
    if form == "signed":
        value, size = _parameter(text)
        return f"{size}'sh{int(value):x}"
    return text


def _kept(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes that are neither Amaranth's own nor the initial value of a register."""
    own = ("src", "generator", "init", "enum_base_type")
    return {
        name: value
        for name, value in attributes.items()
        if name not in own and not name.startswith("enum_value_")
    }


def _name(text: str) -> str:
    return text.removeprefix("\\")


def _unknown(text: str) -> ToolFailed:
    return ToolFailed(f"Amaranth wrote RTLIL that tnhw does not read: {text}")


def read(text: str) -> list[Module]:
    """Modules of a design, in the order of the text.

    Raises
    ------
    ToolFailed
        If the text has something that Amaranth does not write for our designs.
    """
    return _Reader(text).read()
