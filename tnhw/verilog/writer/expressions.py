"""Operators of RTLIL as Verilog expressions in which every operand has the width that the result has.

Verilog extends and cuts operands by rules that readers and linters stumble over; here each extension is written.
"""

from dataclasses import dataclass

from ...errors import ToolFailed
from .operators import READ
from .rtlil import Bits, Cell, Part, join, part, width

__all__ = ["OPERATORS", "Text", "constant", "extended", "operator"]

_BINARY = {"$add": "+", "$sub": "-", "$and": "&", "$or": "|", "$xor": "^", "$mul": "*"}
_COMPARE = {"$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">="}
_REDUCE = {"$reduce_or": "|", "$reduce_bool": "|", "$reduce_and": "&", "$reduce_xor": "^"}
_SHIFT = {"$shl": "<<", "$shr": ">>"}
_DIVIDE = {
    "$divfloor": "/",
    "$modfloor": "%",
}  # of unsigned numbers; Verilog rounds others differently
#: Kinds of cells that have an expression.
OPERATORS = {*_BINARY, *_COMPARE, *_REDUCE, *_SHIFT, *_DIVIDE, "$mux", "$not", "$neg", "$sshr"}


@dataclass(frozen=True)
class Text:
    """An expression; `tight` where it needs no parentheses as an operand."""

    text: str
    tight: bool = False

    @property
    def operand(self) -> str:
        return self.text if self.tight else f"({self.text})"

    @property
    def primary(self) -> str:
        """As the operand of a sign like ``~``: Verilog takes no two of these side by side."""
        return f"({self.text})" if self.text[0] in "~-|&^" else self.operand


def constant(value: int, bits: int) -> str:
    """A constant of a width."""
    if bits == 1:
        return f"1'b{value}"
    if value < 10:
        return f"{bits}'d{value}"
    if value == (1 << bits) - 1 and bits > 4:
        return f"{{{bits}{{1'b1}}}}"
    return f"{bits}'h{value:0{-(-bits // 4)}x}"


def _signed(cell: Cell, port: str) -> bool:
    return bool(cell.parameters.get(f"{port}_SIGNED"))


def _sizes(cell: Cell) -> tuple[int, dict[str, int]]:
    """Bits of the result as Verilog computes it, and of each operand."""
    result = width(cell.ports["Y"])
    inputs = {name: width(bits) for name, bits in cell.ports.items() if name != "Y"}
    if cell.kind in _COMPARE:
        widest = max(inputs.values())
        return result, dict.fromkeys(inputs, widest)
    if cell.kind in _DIVIDE:
        if any(_signed(cell, name) for name in inputs):
            raise ToolFailed(
                "tnhw writes no division of signed numbers; divide their absolute values"
            )
        return result, dict.fromkeys(inputs, max(result, *inputs.values()))
    if cell.kind in _REDUCE or cell.kind in ("$mux", READ):
        return result, inputs
    if cell.kind in _SHIFT or cell.kind == "$sshr":
        first = result if cell.kind == "$shl" else max(result, inputs["A"])
        return result, {"A": first, "B": inputs["B"]}
    if cell.kind in _BINARY or cell.kind in ("$not", "$neg"):
        return result, dict.fromkeys(inputs, result)
    raise ToolFailed(f"Amaranth wrote a cell {cell.kind} that tnhw does not know")


def extended(cell: Cell, port: str) -> Bits:
    """An operand with the width that it needs, at least one bit; see `operator` for those that are expressions."""
    _, sizes = _sizes(cell)
    bits, wanted = cell.ports[port], sizes[port]
    given = width(bits)
    if not wanted:
        return (Part(None, 0, 1),)
    if wanted <= given:
        return part(bits, 0, wanted)
    if _signed(cell, port) and given:
        return join([*bits, *(list(part(bits, given - 1, 1)) * (wanted - given))])
    return join([*bits, Part(None, 0, wanted - given)])


def operator(cell: Cell, operands: dict[str, Text]) -> Text:
    """The expression of a cell whose extended operands have these texts."""
    kind = cell.kind
    a = operands["A"]
    if kind == "$mux":
        return Text(f"{operands['S'].operand} ? {operands['B'].operand} : {a.operand}")
    if kind in _REDUCE:
        return Text(f"{_REDUCE[kind]}{a.primary}", width(cell.ports["A"]) == 1)
    if kind == "$not":
        return Text(f"~{a.primary}", True)
    if kind == "$neg":
        return Text(f"-{a.primary}")
    b = operands["B"]
    if kind in _SHIFT or kind == "$sshr":
        if kind == "$sshr":
            return Text(f"$unsigned($signed({a.text}) >>> {b.operand})", True)
        return Text(f"{a.operand} {_SHIFT[kind]} {b.operand}")
    if kind in _COMPARE or kind == "$mul":
        sign = _COMPARE.get(kind, "*")
        if _signed(cell, "A") and _signed(cell, "B") and kind not in ("$eq", "$ne"):
            signed = f"$signed({a.text}) {sign} $signed({b.text})"
            return Text(f"$unsigned({signed})", True) if kind == "$mul" else Text(signed)
        return Text(f"{a.operand} {sign} {b.operand}")
    return Text(f"{a.operand} {(_BINARY | _DIVIDE)[kind]} {b.operand}")
