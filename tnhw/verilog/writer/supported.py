"""What the writer refuses, by name: the parts of Amaranth that it has no right Verilog for."""

import re

from ...errors import InputError
from .expressions import OPERATORS
from .rtlil import Cell, Module, Wire, width

__all__ = ["check"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_OWN = {"$dff", "$memrd_v2", "$memwr_v2", "$meminit_v2", "$shift"}
_WHAT = {
    "$adff": ("a register with an asynchronous reset", "make its clock domain without `async_reset`"),
    "$print": ("a `Print`", "leave it out: it makes no hardware"),
    "$check": ("an `Assert`, `Assume` or `Cover`", "leave it out: it makes no hardware"),
    "$anyconst": ("an `AnyConst`", "give the signal a value"),
    "$anyseq": ("an `AnySeq`", "make it an input"),
    "$initstate": ("an `Initial`", "use a register that begins with 1"),
    "$tribuf": ("a buffer of an I/O port", "put it around the component, and give that inputs and outputs"),
}  # fmt: skip


def check(module: Module) -> None:
    """Refuse what a module has that cannot be written.

    Raises
    ------
    InputError
    """
    for wire in module.wires.values():
        if what := _wire(wire):
            raise _refused(module, *what)
    for memory in module.memories:
        if not (memory.width and memory.size):
            raise _refused(
                module, f"memory `{memory.name}` without a word or a bit", "leave it out"
            )
    for cell in module.cells:
        if what := _cell(cell):
            raise _refused(module, *what)
    for target, _ in module.connections:
        if len(target) != 1 or width(target) != module.wires[target[0].wire or ""].width:
            raise _refused(module, "an I/O port that is driven in parts", _WHAT["$tribuf"][1])


def _refused(module: Module, what: str, instead: str) -> InputError:
    return InputError(f"module `{module.name}`: tnhw writes no Verilog for {what}; {instead}")


def _wire(wire: Wire) -> tuple[str, str] | None:
    if wire.port == "inout":
        return f"I/O port `{wire.name}` that goes both ways", _WHAT["$tribuf"][1]
    for name, value in wire.attributes.items():
        return (
            f"attribute `{name}` = {value} of signal `{wire.name}`",
            "only memories and instances keep theirs: leave it out",
        )
    return None


def _cell(cell: Cell) -> tuple[str, str] | None:
    """What of a cell cannot be written, and what to do instead."""
    if not cell.kind.startswith("$"):
        return _instance(cell)
    if cell.kind in _WHAT:
        what, instead = _WHAT[cell.kind]
        q = cell.ports.get("Q")
        return f"{what} (`{q[0].wire}`)" if q else what, instead
    if cell.kind not in _OWN and cell.kind not in OPERATORS:
        return f"a cell `{cell.kind}`", "describe it with other operators"
    if cell.kind == "$shift" and cell.parameters["A_SIGNED"] and _beyond(cell):
        return (
            "a part of a signed number at a place that may lie beyond its end, which Amaranth and Yosys read differently",
            "take the part of its `as_unsigned()`, or of more bits of it",
        )
    if "CLK" not in cell.ports or not cell.parameters.get("CLK_ENABLE", 1):
        return None
    owner = str(cell.parameters.get("MEMID", "")).removeprefix("\\")
    q = cell.ports.get("Q") or ()
    called = f"memory `{owner}`" if owner else f"register `{q[0].wire if q else cell.name}`"
    if not cell.parameters["CLK_POLARITY"]:
        return f"{called} at the falling edge of a clock", 'use a clock domain with clk_edge="pos"'
    if cell.ports["CLK"][0].wire is None:
        return f"{called}, whose clock nothing drives", "drive `clk` of its clock domain"
    return None


def _beyond(cell: Cell) -> bool:
    """Whether the bits that a part has may lie beyond the value that it is a part of."""
    place = (1 << width(cell.ports["B"])) - 1
    return place + width(cell.ports["Y"]) > width(cell.ports["A"])


def _instance(cell: Cell) -> tuple[str, str] | None:
    names = [cell.kind.replace(".", "_"), *cell.parameters]
    for name in names:
        if not _IDENTIFIER.fullmatch(name):
            return f"name `{name}` of instance `{cell.name}`", "use a Verilog identifier"
    for name, text in cell.written.items():
        if text in ("inf", "-inf", "nan"):
            return f"parameter `{name}` = {text} of instance `{cell.name}`", "use a finite number"
    return None
