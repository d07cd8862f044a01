"""The modules of a network, each with one stream in and one stream out."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
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
        Names of the ports ``payload``, ``valid`` and ``ready`` of each stream.
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
    into, out = _streams(manifest)
    if row is None:
        return [Module(top, parted(read(text, top), into["payload"]), into, out, reset)]
    return [
        Module(name, parted(read(text, kind), INTO["payload"]), INTO, OUT, reset)
        for name, kind in row
    ]


def _row(design, top, manifest):
    """The cells of the top module in order, each with its module; None if they are not just a row."""
    own = {name: port["bits"] for name, port in design[top]["ports"].items()}
    cells = {n: c for n, c in design[top]["cells"].items() if c["type"] != "$scopeinfo"}
    reset, clock = manifest["reset"], manifest["clock"]
    directions = dict.fromkeys((reset, clock, *INTO.values(), *OUT.values()), "input")
    directions |= dict.fromkeys((INTO["ready"], OUT["payload"], OUT["valid"]), "output")
    into, out = _streams(manifest)
    stream = {port: own[name] for port, name in into.items()}
    found = []
    while cells:
        for name, cell in cells.items():  # noqa: B007
            wires = cell["connections"]
            ports = design.get(cell["type"], {"ports": {}})["ports"]
            if {n: port["direction"] for n, port in ports.items()} != directions:
                return None
            if wires[reset] != own[reset] or wires[clock] != own[clock]:
                return None
            if {port: wires[n] for port, n in INTO.items()} == stream:
                break
        else:
            return None
        found.append((name, cells.pop(name)["type"]))
        stream = {port: wires[n] for port, n in OUT.items()}
    return found if found and stream == {port: own[name] for port, name in out.items()} else None


def _streams(manifest):
    """Names of the ports of the two streams of a network."""
    streams = {stream["carries"]: stream for stream in manifest["streams"]}
    return (
        {port: streams[carries][port] for port in ("payload", "valid", "ready")}
        for carries in ("input", "output")
    )
