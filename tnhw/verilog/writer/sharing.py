"""Makes a module of RTLIL smaller without changing what it does: what is computed twice is computed once.

Amaranth gives each use of an expression cells of its own, and each signal a name in every module that it passes
through. Here equal cells become one, a name that only repeats another one goes, and a port takes the name's place
that is only connected to it.
"""

from collections.abc import Callable, Iterator

from .aliases import choose
from .expressions import extended
from .folding import known, simpler
from .operators import anonymous, computes, in_order, substituted
from .processes import SAME
from .rtlil import Bits, Cell, Module, driven, part, reads, replace, width

__all__ = ["share"]


def share(module: Module, *, inner: bool = False) -> dict[str, str]:
    """Merge what is equal, in place; an `inner` module loses the inputs that it does not read.

    Returns
    -------
    dict
        Better names of some wires.
    """
    better = choose(module, inner=inner)
    substitution: dict[str, Bits] = {}
    for target, value in module.connections:
        (one,) = target
        wire = module.wires[one.wire or ""]
        if wire.port != "output":
            substitution[wire.name] = value
    module.connections = [
        (target, value)
        for target, value in module.connections
        if target[0].wire not in substitution
    ]
    _merge(module, substitution)
    replace(module, lambda bits: substituted(bits, substitution))
    _adopt_ports(module)
    module.cells += [
        Cell(SAME, "", ports={"A": value, "Y": target}) for target, value in module.connections
    ]
    module.connections = []
    _sweep(module)
    _narrow(module)
    used = set(_names(module))
    module.wires = {
        name: wire
        for name, wire in module.wires.items()
        if name in used or (wire.port and not (inner and wire.port == "input"))
    }
    return better


def _merge(module: Module, substitution: dict[str, Bits]) -> None:
    """Keep one of several equal cells; what the others give is substituted."""
    twins: dict[object, Cell] = {}
    kept: list[Cell] = []
    made: dict[Bits, Cell] = {}
    for cell in in_order(module, substitution):
        for name, bits in cell.ports.items():
            if name != "Y":
                cell.ports[name] = substituted(bits, substitution)
        cell = simpler(cell)
        (mine,) = cell.ports["Y"]
        value = cell.ports["A"] if cell.kind == SAME else known(cell, made.get)
        if value is not None and anonymous(mine.wire or ""):
            substitution[mine.wire or ""] = value
            continue
        if value is not None:
            cell = Cell(SAME, "", ports={"A": value, "Y": cell.ports["Y"]})
        key = (
            cell.kind,
            tuple(sorted(cell.parameters.items())),
            tuple((name, bits) for name, bits in sorted(cell.ports.items()) if name != "Y"),
        )
        twin = twins.get(key)
        if twin is None:
            twins[key] = cell
            kept.append(cell)
            made[cell.ports["Y"]] = cell
        elif anonymous(mine.wire or ""):
            substitution[mine.wire or ""] = twin.ports["Y"]
        elif anonymous(twin.ports["Y"][0].wire or ""):
            substitution[twin.ports["Y"][0].wire or ""] = cell.ports["Y"]
            twin.ports["Y"] = cell.ports["Y"]
        else:
            kept.append(cell)
    module.cells = [cell for cell in module.cells if not computes(cell)] + kept


def _adopt_ports(module: Module) -> None:
    """A wire that an output port only repeats becomes the port."""
    renamed: dict[str, str] = {}
    rest = []
    for target, value in module.connections:
        port = module.wires[target[0].wire or ""]
        inner = module.wires.get(value[0].wire or "") if len(value) == 1 else None
        whole = inner is not None and width(value) == inner.width == port.width
        if inner is None or not whole or inner.port or inner.name in renamed:
            rest.append((target, value))
            continue
        renamed[inner.name] = port.name
        port.init = inner.init
        del module.wires[inner.name]
    module.connections = rest

    def change(bits: Bits) -> Bits:
        return tuple(one._replace(wire=renamed.get(one.wire or "", one.wire)) for one in bits)

    if renamed:
        replace(module, change, targets=True)


def _sweep(module: Module) -> None:
    """Drop operators and registers that no output, instance or memory depends on."""
    sources: dict[str, list[Bits]] = {}
    roots: list[Bits] = []
    for cell in module.cells:
        inputs = [bits for name, bits in cell.ports.items() if name != "Y"]
        if computes(cell):
            sources.setdefault(cell.ports["Y"][0].wire or "", []).extend(inputs)
        else:
            roots += cell.ports.values()
    for clock, block in module.registers:
        for name in driven(block):
            sources.setdefault(name, []).extend([clock, *reads(block)])
    waiting = [name for name, wire in module.wires.items() if wire.port == "output"]
    waiting += [one.wire for bits in roots for one in bits if one.wire is not None]
    live: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in live:
            live.add(name)
            read = [one.wire for bits in sources.get(name, []) for one in bits]
            waiting += [wire for wire in read if wire is not None]
    module.cells = [
        cell for cell in module.cells if not computes(cell) or cell.ports["Y"][0].wire in live
    ]
    module.registers = [
        (clock, block) for clock, block in module.registers if live & set(driven(block))
    ]


#: Operators whose lower bits do not depend on how many higher ones there are.
_FROM_BELOW = {"$add", "$sub", "$mul", "$neg", "$not", "$and", "$or", "$xor", "$shl", "$mux", SAME}


def _narrow(module: Module) -> None:
    """Drop the upper bits of results that nobody reads, and results of which nobody reads a bit."""
    read: dict[str, int] = {}

    def note(bits: Bits) -> Bits:
        for one in bits:
            if one.wire is not None:
                read[one.wire] = max(read.get(one.wire, 0), one.start + one.width)
        return bits

    order = in_order(module)
    computed, module.cells = order, [cell for cell in module.cells if not computes(cell)]
    replace(module, note)
    kept: list[Cell] = []
    _note_early(computed, note)
    for cell in reversed(computed):
        (result,) = cell.ports["Y"]
        wire = module.wires[result.wire or ""]
        used = read.get(wire.name, 0)
        if anonymous(wire.name) and not used:
            continue
        if anonymous(wire.name) and used < wire.width and cell.kind in _FROM_BELOW:
            wire.width = used
            cell.ports["Y"] = (result._replace(width=used),)
            if cell.kind in ("$mux", SAME):
                for name in set(cell.ports) & {"A", "B"}:
                    cell.ports[name] = part(cell.ports[name], 0, used)
        for name, bits in cell.ports.items():
            if name != "Y":
                note(extended(cell, name) if cell.kind != SAME else bits)
        kept.append(cell)
    module.cells += reversed(kept)


def _note_early(order: list[Cell], note: Callable[[Bits], Bits]) -> None:
    """Note what operators read before it is there; see `_Writer._early`."""
    place = {cell.ports["Y"][0].wire: number for number, cell in enumerate(order)}
    for number, cell in enumerate(order):
        for name, bits in cell.ports.items():
            if name != "Y" and any(place.get(one.wire, -1) >= number for one in bits):
                note(bits)


def _names(module: Module) -> Iterator[str]:
    """Names of all wires that something reads or drives."""
    seen: list[str] = []

    def note(bits: Bits) -> Bits:
        seen.extend(one.wire for one in bits if one.wire is not None)
        return bits

    replace(module, note, targets=True)
    return iter(seen)
