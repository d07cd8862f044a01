"""The operators of a module: which cells they are, and what depends on what."""

from .rtlil import Bits, Cell, Module, Part, join, part

__all__ = ["READ", "anonymous", "computes", "in_order", "levels", "substituted"]

#: The kind of a cell that reads a word of a memory without a clock: Y is the word at the address A.
READ = "$read"

_MEMORY = ("$memrd_v2", "$memwr_v2", "$meminit_v2")


def anonymous(name: str) -> bool:
    """Whether Amaranth made the name up."""
    return name.startswith("$")


def computes(cell: Cell) -> bool:
    """Whether a cell is an operator: its port Y is a function of its other ports."""
    return cell.kind.startswith("$") and cell.kind not in _MEMORY


def substituted(bits: Bits, substitution: dict[str, Bits]) -> Bits:
    """A value in which wires are replaced by what they are."""
    if not any(one.wire in substitution for one in bits):
        return bits
    found: list[Part] = []
    for one in bits:
        if one.wire in substitution:
            inner = part(substitution[one.wire or ""], one.start, one.width)
            found.extend(substituted(inner, substitution))
        else:
            found.append(one)
    return join(found)


def in_order(module: Module, substitution: dict[str, Bits] | None = None) -> list[Cell]:
    """The operators of a module, each after those whose results it takes."""
    made = {cell.ports["Y"][0].wire: cell for cell in module.cells if computes(cell)}
    aliases = substitution or {}
    done: set[int] = set()
    order: list[Cell] = []
    for first in made.values():
        stack = [(first, False)]
        while stack:
            cell, ready = stack.pop()
            if ready:
                order.append(cell)
            elif id(cell) not in done:
                done.add(id(cell))
                stack.append((cell, True))
                for name, bits in cell.ports.items():
                    if name == "Y":
                        continue
                    for one in substituted(bits, aliases):
                        before = made.get(one.wire)
                        if before is not None and id(before) not in done:
                            stack.append((before, False))
    return order


def levels(module: Module) -> dict[str, int]:
    """For each operator's result, over how many operators in a row it follows from registers, inputs and instances."""
    aliases = {target[0].wire or "": value for target, value in module.connections}
    found: dict[str, int] = {}
    for cell in in_order(module, aliases):
        read = [
            one.wire or ""
            for name, bits in cell.ports.items()
            if name != "Y"
            for one in substituted(bits, aliases)
        ]
        found[cell.ports["Y"][0].wire or ""] = 1 + max(
            (found.get(wire, 0) for wire in read), default=0
        )
    return found
