"""Names of a module's wires in Verilog: those of the design, and for results without a name that of their user."""

import re
from collections.abc import Iterable

from ...kernel.names import KEYWORDS
from .operators import anonymous, computes
from .rtlil import Module

__all__ = ["identifier", "identifiers"]

_RESULT = {
    "$add": "sum", "$sub": "difference", "$neg": "negative", "$mul": "product", "$not": "inverse",
    "$mux": "choice", "$and": "and", "$or": "or", "$xor": "xor", "$eq": "equal", "$ne": "differs",
    "$lt": "less", "$le": "at_most", "$gt": "greater", "$ge": "at_least", "$shl": "shifted",
    "$shr": "shifted", "$sshr": "shifted", "$reduce_or": "any", "$reduce_bool": "any",
    "$reduce_and": "all", "$reduce_xor": "parity", "$divfloor": "quotient", "$modfloor": "remainder", "$same": "value",
    "$read": "word",
}  # fmt: skip


def identifier(name: str) -> str:
    """A name of RTLIL as one that Verilog and SystemVerilog take, without what makes it unlike others."""
    plain = re.sub(r"[^A-Za-z0-9_]+$", "", name.split("$")[0]).replace("__", "_").replace(".", "__")
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", plain).lstrip("_")
    plain = f"n_{plain}" if plain[:1].isdigit() or not plain else plain
    return f"{plain}_" if plain in KEYWORDS else plain


def identifiers(module: Module, better: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The names in Verilog of the wires, and of the instances and memories; `better` names of wires go before those of RTLIL.

    An instance that is called like a wire gets the prefix ``u_``.
    """
    found: dict[str, str] = {}
    instances: dict[str, str] = {}
    taken: set[str] = set()
    users = _users(module)
    kinds = {
        cell.ports["Y"][0].wire: _RESULT.get(cell.kind, "value")
        for cell in module.cells
        if computes(cell)
    }

    def free(wanted: str) -> str:
        choice, number = wanted, 1
        while choice in taken:
            number += 1
            choice = f"{wanted}_{number}"
        taken.add(choice)
        return choice

    for memory in module.memories:
        instances[memory.name] = free(identifier(memory.name))
    called = {name: better.get(name, name) for name in module.wires}
    named = [name for name in module.wires if not anonymous(name)]
    ports = [name for name in named if module.wires[name].port]
    numbered = [name for name in named if "$" in called[name]]
    for name in [*sorted(ports, key=numbered.__contains__), *named]:
        if name not in found and (name in ports or name not in numbered):
            found[name] = free(identifier(called[name]))
    for cell in module.cells:
        if not cell.kind.startswith("$"):
            own = identifier(cell.name)
            instances[cell.name] = free(f"u_{own}" if own in taken else own)
    for name in numbered:
        if name not in found:
            found[name] = free(identifier(called[name]))
    for name in module.wires:
        if name not in found:
            user = _user(module, name, users)
            found[name] = free(f"{identifier(called.get(user, user))}_{kinds.get(name, 'value')}")
    return found, instances


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
