"""What cells make of integers, for many cases at once: the same cells as in `gates.py`, without tables and sums.

They become the text of a Python function, of numpy arrays of integers from 0 on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .netlist import Cell, Netlist
from .values import UNKNOWN, NotUnderstood

__all__ = ["Integers"]

SHIFTS = 62  # a shift by more bits leaves none, or only the sign
JOINED = {"$and": "&", "$or": "|", "$xor": "^", "$add": "+", "$sub": "-", "$mul": "*"}
COMPARED = {"$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">="}


class Integers:
    """A netlist whose values are integers of at most 62 bits.

    Parameters
    ----------
    netlist : Netlist

    Raises
    ------
    NotUnderstood
        If a cell has another kind.
    """

    def __init__(self, netlist: Netlist) -> None:
        self._netlist = netlist
        self._width = {number: size for number, size in netlist.inputs.values()}
        self._width |= {number: size for number, size, *_ in netlist.registers}
        self._unknown: set[int] = set()  # numbers that depend on an unknown constant
        self._words: list[np.ndarray] = []
        lines = [self._line(cell) for cell in netlist.order]
        self._space = {
            "where": np.where,
            "least": np.minimum,
            "read": self._read,
            "parity": _parity,
        }
        self.settle = self._function("\n".join(f"    {line}" for line in lines) or "    pass")
        self._readers: dict[tuple, Callable[[Any], Any] | None] = {}

    def _function(self, body):
        space = dict(self._space)
        exec(f"def settle(v):\n{body}\n", space)  # noqa: S102
        return space["settle"]

    def signal(self, runs: list, values: list[Any]) -> Any:
        """The integers of a signal in such values.

        Raises
        ------
        NotUnderstood
            If they are not known.
        """
        key = tuple(runs)
        if key not in self._readers:
            text = self._text(runs)
            self._readers[key] = text and self._function(f"    return {text}")
        read = self._readers[key]
        if read is None:
            raise NotUnderstood("a value of the control is unknown")
        return read(values)

    def _text(self, runs):
        """A signal as an expression; None if a part is unknown."""
        parts, fixed, offset = [], 0, 0
        for number, low, count in runs:
            if number is None and low is UNKNOWN or number in self._unknown:
                return None
            if number is None:
                fixed |= low << offset
            else:
                text = f"v[{number}]"
                if low:
                    text = f"({text} >> {low})"
                if low + count < self._width.get(number, 1 << 30):
                    text = f"({text} & {(1 << count) - 1})"
                parts.append(f"({text} << {offset})" if offset else text)
            offset += count
        return "(" + " | ".join([*parts, *([str(fixed)] if fixed or not parts else [])]) + ")"

    def _line(self, cell):
        """The line that works out a gate or a read of a memory, in order."""
        if not isinstance(cell, Cell):
            memory, place = self._netlist.memories[cell[0]], cell[1]
            address, number = memory.reads[place]
            words = [word[0][1] if len(word) == 1 else UNKNOWN for word in memory.initial]
            self._width[number] = memory.width
            where, known = self._text(address), all(isinstance(word, int) for word in words)
            if where is None or not known or memory.writes:
                self._unknown.add(number)
                return "pass"
            self._words.append(np.array(words, np.int64))
            return f"v[{number}] = read({len(self._words) - 1}, {where})"
        number, self._width[cell.output] = cell.output, cell.width
        ports = {port: self._text(runs) for port, runs in cell.inputs.items()}
        if None in ports.values():
            self._unknown.add(number)
            return "pass"
        sizes = {port: sum(count for _, _, count in runs) for port, runs in cell.inputs.items()}
        return f"v[{number}] = {_code(cell, ports, sizes)}"

    def _read(self, memory, place):
        words, place = self._words[memory], np.asarray(place)
        if (place >= len(words)).any():
            raise NotUnderstood("a word outside a memory of constants is read")
        return words[place]


def _code(cell, ports, sizes):
    """What a cell makes of its ports, as an expression."""
    kind, a, b, mask = cell.kind, ports.get("A"), ports.get("B"), (1 << cell.width) - 1
    if kind == "$mux":
        return f"where({ports['S']}, {b}, {a})"
    if kind == "$pmux":
        if cell.width * sizes["S"] > SHIFTS:
            raise NotUnderstood("a choice between many values in the control")
        text = a
        for k in reversed(range(sizes["S"])):
            text = f"where({ports['S']} >> {k} & 1, {b} >> {k * cell.width} & {mask}, {text})"
        return text
    if kind in ("$logic_and", "$logic_or"):
        return f"(({a} > 0) {'&' if kind == '$logic_and' else '|'} ({b} > 0)) * 1"
    if kind in ("$reduce_or", "$reduce_bool", "$logic_not", "$reduce_and"):
        right = {"$logic_not": "== 0", "$reduce_and": f"== {(1 << sizes['A']) - 1}"}
        return f"({a} {right.get(kind, '> 0')}) * 1"
    if kind == "$reduce_xor":
        return f"parity({a})"
    if kind in ("$shl", "$sshl", "$shr", "$sshr"):
        own = _signed(a, sizes["A"], cell.signed and kind != "$shr")
        return (
            f"({own} {'<<' if kind in ('$shl', '$sshl') else '>>'} least({b}, {SHIFTS})) & {mask}"
        )
    own = [
        _signed(ports[port], sizes[port], cell.both if "B" in ports else cell.signed)
        for port in sorted(ports)
    ]
    if kind in COMPARED:
        return f"({own[0]} {COMPARED[kind]} {own[1]}) * 1"
    if kind in JOINED:
        return f"({own[0]} {JOINED[kind]} {own[1]}) & {mask}"
    if kind in ("$not", "$neg", "$pos"):
        sign = {"$not": "~", "$neg": "-", "$pos": "+"}[kind]
        return f"({sign}{own[0]}) & {mask}"
    raise NotUnderstood(f"a cell of the kind {kind}")


def _signed(text, size, signed):
    half = 1 << (size - 1) if signed and size else 0
    return f"(({text} ^ {half}) - {half})" if half else text


def _parity(value):
    for shift in (32, 16, 8, 4, 2, 1):
        value = value ^ value >> shift
    return value & 1
