"""Operators whose result is known without a gate: constant operands, and an operand beside its inverse."""

from collections.abc import Callable

from .expressions import extended
from .rtlil import Bits, Cell, Part, join, part, width

__all__ = ["known", "simpler"]


#: The cell that makes a whole value, or None.
Maker = Callable[[Bits], Cell | None]


def known(cell: Cell, maker: Maker) -> Bits | None:
    """The value of a cell that its operands give without an operator, or None."""
    size = width(cell.ports["Y"])
    if cell.kind == "$mux":
        return _multiplexer(cell)
    if cell.kind == "$not":
        value = _constant(extended(cell, "A"))
        return _inverted(cell.ports["A"], size, maker) if value is None else _bits(~value, size)
    if cell.kind in ("$and", "$or"):
        return _gate(cell, size, maker)
    if cell.kind in ("$shl", "$shr", "$sshr"):
        return _shifted(cell, size)
    if cell.kind in ("$add", "$sub") and _constant(cell.ports["B"]) == 0:
        return extended(cell, "A")
    if cell.kind == "$add" and _constant(cell.ports["A"]) == 0:
        return extended(cell, "B")
    if cell.kind in ("$eq", "$ne"):
        return _equal(cell)
    if cell.kind in ("$reduce_or", "$reduce_and", "$reduce_bool"):
        if not cell.ports["A"]:
            return _bits(cell.kind == "$reduce_and", 1)
        bits = {part(cell.ports["A"], k, 1) for k in range(width(cell.ports["A"]))}
        return bits.pop() if len(bits) == 1 else None
    if cell.kind == "$reduce_xor":
        return cell.ports["A"] if width(cell.ports["A"]) == 1 else None
    return None


def _inverted(bits: Bits, size: int, maker: Maker) -> Bits | None:
    """What `bits` are the inverse of, if it has `size` bits as well."""
    made = maker(bits)
    if made is None or made.kind != "$not" or not width(bits) == width(made.ports["A"]) == size:
        return None
    return made.ports["A"]


def simpler(cell: Cell) -> Cell:
    """The same with an inverter where a bit is compared with a constant, or chooses 0 instead of 1."""
    ports, pin = cell.ports, None
    if cell.kind in ("$eq", "$ne") and width(ports["A"]) == 1 == width(extended(cell, "A")):
        pin = "A" if _constant(ports["B"]) == int(cell.kind == "$ne") else None
    elif cell.kind == "$mux" and width(ports["Y"]) == 1:
        pin = "S" if (_constant(ports["A"]), _constant(ports["B"])) == (1, 0) else None
    if pin is None:
        return cell
    return Cell("$not", cell.name, {"A_SIGNED": 0}, {"A": ports[pin], "Y": ports["Y"]})


def _bits(value: int, size: int) -> Bits:
    return (Part(None, 0, size, value & ((1 << size) - 1)),)


def _constant(bits: Bits) -> int | None:
    if not bits:
        return 0
    return bits[0].value if len(bits) == 1 and bits[0].wire is None else None


def _multiplexer(cell: Cell) -> Bits | None:
    select = _constant(cell.ports["S"])
    if select is not None:
        return cell.ports["B" if select else "A"]
    if cell.ports["A"] == cell.ports["B"]:
        return cell.ports["A"]
    values = _constant(cell.ports["A"]), _constant(cell.ports["B"])
    return cell.ports["S"] if values == (0, 1) and width(cell.ports["Y"]) == 1 else None


def _shifted(cell: Cell, size: int) -> Bits | None:
    """A value that is shifted by a constant."""
    count, value = _constant(cell.ports["B"]), extended(cell, "A")
    if count is None:
        return None
    if cell.kind == "$shl":
        return part(join([*_bits(0, count), *value]), 0, size)
    sign = cell.kind == "$sshr" and bool(cell.parameters["A_SIGNED"])
    above = part(value, width(value) - 1, 1) if sign else _bits(0, 1)
    return part(join([*value, *(list(above) * count)]), count, size)


def _gate(cell: Cell, size: int, maker: Maker) -> Bits | None:
    """And, or: bit by bit, where each bit is known or is one operand's."""
    a, b = extended(cell, "A"), extended(cell, "B")
    if a == b:
        return a
    passes = int(cell.kind == "$and")  # the value that lets the other operand pass
    if _inverted(a, size, maker) == b or _inverted(b, size, maker) == a:
        return _bits(passes - 1, size)
    found = []
    for k in range(size):
        (x,), (y,) = part(a, k, 1), part(b, k, 1)
        if x.wire is not None and y.wire is not None:
            return None
        if x.wire is None:
            x, y = y, x
        found.append(x if y.value == passes else y)
    return join(found)


def _equal(cell: Cell) -> Bits | None:
    a, b = extended(cell, "A"), extended(cell, "B")
    wanted = cell.kind == "$eq"
    if a == b:
        return _bits(int(wanted), 1)
    x, y = _constant(a), _constant(b)
    if x is not None and y is not None:
        return _bits(int((x == y) == wanted), 1)
    if width(a) == 1 and y is not None and bool(y) == wanted:
        return a
    return None
