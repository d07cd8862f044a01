"""Names of a module's wires in Verilog: those of the design, and for results without a name that of their user."""

import re
from collections.abc import Iterable

from ..kernel.names import KEYWORDS
from .rtlil import Module
from .sharing import anonymous, computes

__all__ = ["identifier", "identifiers"]

_RESULT = {
    "$add": "sum", "$sub": "difference", "$neg": "negative", "$mul": "product", "$not": "inverse",
    "$mux": "choice", "$and": "and", "$or": "or", "$xor": "xor", "$eq": "equal", "$ne": "differs",
    "$lt": "less", "$le": "at_most", "$gt": "greater", "$ge": "at_least", "$shl": "shifted",
    "$shr": "shifted", "$sshr": "shifted", "$reduce_or": "any", "$reduce_bool": "any",
    "$reduce_and": "all", "$reduce_xor": "parity", "$same": "value",
}  # fmt: skip


def identifier(name: str) -> str:
    """A name of RTLIL as one that Verilog and SystemVerilog take, without what makes it unlike others."""
    plain = re.sub(r"\W+", "_", name.split("$")[0].replace("__", "_").replace(".", "__")).strip("_")
    plain = f"n_{plain}" if plain[:1].isdigit() or not plain else plain
    return f"{plain}_" if plain in KEYWORDS else plain


def identifiers(module: Module, better: dict[str, str]) -> dict[str, str]:
    """The name in Verilog of each wire of a module; `better` names go before those of RTLIL."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    users = _users(module)
    kinds = {
        cell.ports["Y"][0].wire: _RESULT.get(cell.kind, "value")
        for cell in module.cells
        if computes(cell)
    }

    def give(name: str, wanted: str) -> None:
        choice, number = wanted, 1
        while choice in taken:
            number += 1
            choice = f"{wanted}_{number}"
        taken.add(choice)
        found[name] = choice

    ports = [wire for wire in module.wires.values() if wire.port]
    for wire in sorted(ports, key=lambda wire: "$" in wire.name):
        give(wire.name, identifier(better.get(wire.name, wire.name)))
    taken |= {identifier(memory.name) for memory in module.memories}
    taken |= {identifier(cell.name) for cell in module.cells if not cell.kind.startswith("$")}
    named = [wire for wire in module.wires.values() if not anonymous(wire.name)]
    for wire in sorted(named, key=lambda wire: "$" in better.get(wire.name, wire.name)):
        if not wire.port:
            give(wire.name, identifier(better.get(wire.name, wire.name)))
    for name in module.wires:
        if name not in found:
            user = _user(module, name, users)
            give(name, f"{identifier(better.get(user, user))}_{kinds.get(name, 'value')}")
    return found


def _users(module: Module) -> dict[str, str]:
    """For each wire that somebody reads the name that the reader goes by: that of a wire, or of an instance's port."""
    users: dict[str, str] = {}

    def note(names: Iterable[str | None], user: str) -> None:
        for name in names:
            if name is not None:
                users.setdefault(name, user)

    for cell in module.cells:
        if computes(cell):
            (result,) = cell.ports["Y"]
            for pin, bits in cell.ports.items():
                if pin != "Y":
                    note((one.wire for one in bits), result.wire or "")
        else:
            owner = str(cell.parameters.get("MEMID", cell.name)).removeprefix("\\")
            for bits in cell.ports.values():
                note((one.wire for one in bits), owner)
    for _, block in module.registers:
        _note_block(block, note)
    return users


def _note_block(block, note) -> None:
    for statement in block:
        if isinstance(statement, list):
            for condition, inner in statement:
                _note_block(inner, note)
                first = next((s for s in inner if isinstance(s, tuple)), None)
                if condition and first:
                    note((one.wire for one in condition), first[0][0].wire or "")
        else:
            target, value = statement
            note((one.wire for one in value), target[0].wire or "")


def _user(module: Module, name: str, users: dict[str, str]) -> str:
    """The design's name of what uses a result first, perhaps through other results without a name."""
    user, seen = users.get(name, "unused"), {name}
    while user in module.wires and anonymous(user) and user not in seen:
        seen.add(user)
        user = users.get(user, "unused")
    return "unused" if anonymous(user) else user
