"""The modules of a network, each with one stream in and one stream out.

A stream has a payload and a valid, and one of two ways to wait: a *ready*, or *room* and *promise*. Where there is room, the
sender promises a number of beats, always the same, and from the next clock on they come when they come.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ... import tools
from .netlist import Netlist, read
from .parting import parted

__all__ = ["Module", "in_a_row"]

_SCRIPT = """\
read_verilog -sv design.v
hierarchy -check -top {top}
proc
opt_clean
write_json design.json
"""
# The ports of a module in a row.
INTO = {"payload": "i_payload", "valid": "i_valid", "ready": "i_ready"}
OUT = {"payload": "o_payload", "valid": "o_valid", "ready": "o_ready"}


@dataclass(frozen=True)
class Module:
    """A module of a network, or a whole network.

    Attributes
    ----------
    name : str
    netlist : Netlist
    into, out : dict of str
        Names of the ports of each stream: ``payload``, ``valid``, and ``ready`` or ``room`` and ``promise``.
    reset : str
    """

    name: str
    netlist: Netlist
    into: dict[str, str]
    out: dict[str, str]
    reset: str


def in_a_row(text: str, manifest: dict[str, Any]) -> list[Module]:
    """The modules in order, if the top module is nothing but a row of them; else the top module alone.

    Raises
    ------
    ToolFailed
        If Yosys rejects the Verilog.
    NotUnderstood
        If a module has gates that are not understood.
    """
    top = manifest["top"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.v").write_text(text)
        tools.yosys(_SCRIPT.format(top=top), cwd=folder)
        design = json.loads(Path(folder, "design.json").read_text())["modules"]
    reset, row = manifest["reset"], _row(design, top, manifest)
    if row is None:
        into, out = _streams(manifest)
        return [Module(top, parted(read(text, top), into["payload"]), into, out, reset)]
    return [
        Module(c.name, parted(read(text, c.kind), c.into["payload"]), c.into, c.out, reset)
        for c in row
    ]


class _Cell:
    """A cell of the top module: its name, its module, the wires at its ports, and those ports that are of no stream yet."""

    def __init__(self, name, cell, design):
        self.name, self.kind, self.wires = name, cell["type"], cell["connections"]
        ports = design.get(self.kind, {"ports": {}})["ports"]
        self.rest = {port: own["direction"] for port, own in ports.items()}
        self.into: dict[str, str] = {}
        self.out: dict[str, str] = {}

    def give(self, stream, part, port, direction, wires):
        """Let a port be a part of a stream, if it is there, has this direction, and these wires are at it."""
        if self.rest.get(port) != direction or self.wires[port] != wires:
            return False
        del self.rest[port]
        stream[part] = port
        return True


def _row(design, top, manifest):
    """The cells of the top module in order; None if they are not just a row."""
    own = {name: port["bits"] for name, port in design[top]["ports"].items()}
    cells = [
        _Cell(n, c, design) for n, c in design[top]["cells"].items() if c["type"] != "$scopeinfo"
    ]
    for cell in cells:
        for port in (manifest["reset"], manifest["clock"]):
            if not cell.give({}, "", port, "input", own[port]):
                return None
    into, out = ({p: own[n] for p, n in names.items()} for names in _streams(manifest))
    row, wires = [], into
    while cells:
        for cell in cells:
            if _begins(cell, wires):
                break
        else:
            return None
        cells.remove(cell)
        row.append(cell)
        wires = {part: cell.wires[port] for part, port in cell.out.items()}
    if not row or any(wires[part] != out[part] for part in ("payload", "valid")):
        return None
    first, last = row[0], row[-1]
    ends = (
        first.give(first.into, "ready", INTO["ready"], "output", into["ready"]),
        last.give(last.out, "ready", OUT["ready"], "input", out["ready"]),
    )
    linked = all(ends) and all(_linked(one, other) for one, other in pairwise(row))
    return row if linked and not any(cell.rest for cell in row) else None


def _begins(cell, wires):
    """Whether a cell takes this stream; it then has its own streams, without what says when they wait."""
    return all(
        cell.give(cell.into, part, INTO[part], "input", wires[part])
        for part in ("payload", "valid")
    ) and all(
        cell.give(cell.out, part, OUT[part], "output", cell.wires.get(OUT[part]))
        for part in ("payload", "valid")
    )


def _linked(one, other):
    """Whether a stream between two cells waits in one of the two ways."""
    if OUT["ready"] in one.rest:
        wires = one.wires[OUT["ready"]]
        return other.give(other.into, "ready", INTO["ready"], "output", wires) and one.give(
            one.out, "ready", OUT["ready"], "input", wires
        )
    told = {"promise": (one, other), "room": (other, one)}
    for part, (tells, hears) in told.items():
        found = [
            (a, b)
            for a, way in tells.rest.items()
            for b, back in hears.rest.items()
            if (way, back) == ("output", "input") and tells.wires[a] == hears.wires[b]
        ]
        if len(found) != 1 or len(tells.wires[found[0][0]]) != 1:
            return False
        for cell, port in zip((tells, hears), found[0], strict=True):
            del cell.rest[port]
            (one.out if cell is one else other.into)[part] = port
    return True


def _streams(manifest):
    """Names of the ports of the two streams of a network."""
    streams = {stream["carries"]: stream for stream in manifest["streams"]}
    return tuple(
        {port: streams[carries][port] for port in ("payload", "valid", "ready")}
        for carries in ("input", "output")
    )
