"""The cells of a library for adders, latches and clock gates, and the cells that synthesis may use."""

import re
from dataclasses import dataclass
from functools import lru_cache

from ..errors import InputError
from .boolean import truth

__all__ = ["Choice", "choose"]

# Names of level shifters, isolation, probes, spare cells, delay and clock cells, three-state and fill cells.
_NOT_FOR_LOGIC = re.compile(
    r"lpflow|probe|macro|spare|dly|delay|clkinv|clkbuf|ebuf|einv|TBUF|CLKBUF|tap|fill|decap|antenna"
    r"|sighold|diode",
    re.I,
)

_SUM = (0, 1, 1, 0, 1, 0, 0, 1)
_CARRY = (0, 0, 0, 1, 0, 1, 1, 1)


@dataclass(frozen=True)
class Choice:
    """Cells of a library by their purpose. Adders, latch and clock gate are None if the library has none.

    Parameters
    ----------
    full, half
        Full and half adder: (cell, inputs..., sum, carry).
    latch
        Latch that is transparent while its enable is high: (cell, enable, data, output).
    gate
        Clock gate: (cell, clock, enable, output, list of pins to be tied low).
    unit
        The smallest NAND gate with two inputs: (cell, area).
    buffer
        Name of the buffer for clock trees, the second smallest of the library.
    logic
        Names of the cells that logic synthesis may use, in the order of the library.
    """

    full: tuple | None
    half: tuple | None
    latch: tuple | None
    gate: tuple | None
    unit: tuple
    buffer: str
    logic: tuple


@lru_cache(maxsize=8)
def choose(library):
    """The smallest cell of a library for each purpose.

    Raises
    ------
    InputError
        If there is no two-input NAND gate, no buffer or no flip-flop.
    """
    usable = [cell for cell in library.cells.values() if not _NOT_FOR_LOGIC.search(cell.name)]
    found = {"full": [], "half": [], "latch": [], "gate": [], "unit": []}
    for cell in usable:
        if cell.gate:
            if made := _gate(cell):
                found["gate"].append((cell.area + len(made[4]), cell.name, made))
        elif cell.sequential:
            if made := _latch(cell):
                found["latch"].append((cell.area, cell.name, made))
        elif len(cell.inputs) <= 3 and all(cell.pins[pin].function for pin in cell.outputs):
            for kind, made in _adders(cell):
                found[kind].append((cell.area, cell.name, made))
    best = {kind: min(cells)[2] if cells else None for kind, cells in found.items()}
    if best["unit"] is None:
        raise InputError(f"{library.path}: this library has no two-input NAND gate")
    buffers = sorted(
        (cell.area, cell.name)
        for cell in usable
        if _plain(cell) and truth(cell.pins[cell.outputs[0]].function, cell.inputs) == (0, 1)
    )
    if not buffers:
        raise InputError(f"{library.path}: this library has no buffer")
    flops = [c for c in usable if c.sequential and c.sequential["kind"] == "ff"]
    if not flops:
        raise InputError(f"{library.path}: this library has no flip-flop")
    logic = [c.name for c in usable if _plain(c) or c in flops]
    return Choice(**best, buffer=buffers[:2][-1][1], logic=tuple(logic))


def _plain(cell):
    """Whether a cell is combinational and has one output."""
    return (
        not cell.sequential
        and not cell.gate
        and len(cell.outputs) == 1
        and cell.inputs
        and bool(cell.pins[cell.outputs[0]].function)
    )


def _adders(cell):
    tables = {}
    for pin in cell.outputs:
        tables[truth(cell.pins[pin].function, cell.inputs)] = pin
    if len(cell.inputs) == 2 and len(cell.outputs) == 1 and (1, 1, 1, 0) in tables:
        yield "unit", (cell.name, cell.area)
    for kind, size in (("full", 3), ("half", 2)):
        sums, carries = (_SUM, _CARRY) if size == 3 else ((0, 1, 1, 0), (0, 0, 0, 1))
        if len(cell.inputs) == size and len(cell.outputs) == 2 and {sums, carries} <= set(tables):
            yield kind, (cell.name, *cell.inputs, tables[sums], tables[carries])


def _latch(cell):
    state = cell.sequential
    if state["kind"] != "latch" or {"clear", "preset"} & set(state):
        return None
    enable, data = state.get("enable"), state.get("data_in")
    if enable not in cell.pins or data not in cell.pins or len(cell.inputs) != 2:
        return None
    for pin in cell.outputs:
        if cell.pins[pin].function == state["state"][0] and len(cell.outputs) == 1:
            return cell.name, enable, data, pin
    return None


def _gate(cell):
    if not cell.gate.startswith("latch_posedge"):
        return None
    clock = [p for p in cell.inputs if cell.pins[p].role == "clock"]
    enable = [p for p in cell.inputs if cell.pins[p].role == "enable"]
    tied = [p for p in cell.inputs if p not in clock + enable]
    if len(clock) != 1 or len(enable) != 1 or len(cell.outputs) != 1:
        return None
    return cell.name, clock[0], enable[0], cell.outputs[0], tied
