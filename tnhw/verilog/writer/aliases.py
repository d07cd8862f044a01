"""Of several names of the same bits, the one that says most.

Amaranth names bits by the first signal that it meets, often the port of a submodule that they only go to, and keeps the
other names as connections.
"""

import math
from collections import defaultdict
from typing import NamedTuple

from .operators import computes, levels
from .ports import plain
from .processes import SAME
from .rtlil import Bits, Cell, Module, Part, join, replace, width

__all__ = ["choose"]


class _Place(NamedTuple):
    """Bits of a wire that are also bits of a named value, from its bit `at` on; see `operators.levels`."""

    bits: Part
    name: str
    at: int
    size: int
    level: int


def choose(module: Module, *, inner: bool) -> dict[str, str]:
    """Name parts of wires, and joined ones, by the connections of a module, and take these out of it.

    Returns
    -------
    dict
        Better names of wires. Ports keep theirs, unless the module is an `inner` one.
    """
    pins: dict[str, set[str]] = defaultdict(
        set
    )  # of instances, by the wire that they are connected to
    for cell in module.cells:
        if not cell.kind.startswith("$"):
            for pin, bits in cell.ports.items():
                for one in bits:
                    pins[one.wire or ""].add(pin)
    names: dict[Bits, list[str]] = defaultdict(list)
    rest = []
    for target, value in module.connections:
        name = target[0].wire or ""
        if module.wires[name].port == "output" or any(one.wire is None for one in value):
            rest.append((target, value))
        else:
            names[value].append(name)
    module.connections = rest
    better: dict[str, str] = {}
    level = levels(module)
    places: dict[tuple[str, int], list[_Place]] = defaultdict(list)  # by wire and bit
    values: dict[str, Bits] = {}
    for value, others in names.items():
        first = module.wires[value[0].wire or ""]
        whole = len(value) == 1 and value[0].width == first.width
        known = pins[first.name]
        if whole and first.port and inner:
            better[first.name] = min([first.name, *others], key=lambda name: "__" not in name)
        elif whole:
            best = min([first.name, *others], key=lambda name: _score(name, known))
            if not first.port:
                better[first.name] = best
        elif plain(best := min(others, key=lambda name: _score(name, known))):
            values[best], at = value, 0
            above = max(level.get(one.wire or "", 0) for one in value)
            for one in value:
                place = _Place(one, best, at, width(value), above)
                for bit in range(one.start, one.start + one.width):
                    places[one.wire or "", bit].append(place)
                at += one.width
    _read_by_name(module, places, level)
    for name, value in values.items():
        target = (Part(name, 0, width(value)),)
        module.cells.append(Cell(SAME, "", ports={"A": value, "Y": target}))
    return better


def _score(name: str, pins: set[str]) -> tuple[bool, ...]:
    return name.split("$")[0] in pins, "$" in name, "__" in name, not plain(name)


def _read_by_name(
    module: Module, places: dict[tuple[str, int], list[_Place]], level: dict[str, int]
) -> None:
    """Read bits of wires as bits of the smallest named value that has them.

    An operator reads only what lies on lower levels than its own, so that no value depends on itself.
    """

    def named(one: Part, below: float) -> Part:
        fitting = [
            place
            for place in places.get((one.wire or "", one.start), [])
            if one.start + one.width <= place.bits.start + place.bits.width and place.level < below
        ]
        if not fitting:
            return one
        place = min(fitting, key=lambda found: found.size)
        return Part(place.name, place.at + one.start - place.bits.start, one.width)

    def read(bits: Bits, below: float = math.inf) -> Bits:
        return join([named(one, below) for one in bits])

    operators = [cell for cell in module.cells if computes(cell)]
    for cell in operators:
        below = level[cell.ports["Y"][0].wire or ""]
        for name, bits in cell.ports.items():
            if name != "Y":
                cell.ports[name] = read(bits, below)
    module.cells = [cell for cell in module.cells if not computes(cell)]
    replace(module, read)
    module.cells += operators
