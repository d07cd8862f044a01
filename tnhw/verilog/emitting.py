"""Deterministic, readable Verilog, and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil
from amaranth.hdl import Fragment, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from .. import __version__
from ..gates.summing.primitives import Cells, own_modules
from ..hardware import Hardware
from ..support import garbage
from ..support.files import write_files
from ..support.templating import LICENSE
from .head import head
from .manifests import manifest
from .writer import verilog

__all__ = [
    "emit",
    "emitted",
    "expected_seconds",
    "generate",
    "golden_vectors",
]

# Between a kernel and its AXI4-Stream ports; no ports of a plain kernel.
INTERNAL = {("abort",), ("restart",), ("may_start",)}


def emit(component: wiring.Component, name: str, comment: Sequence[str] = ()) -> str:
    """Verilog text of a component whose ports are flat names.

    Ports are ``clk``, ``rst``, and the component's members joined by one underscore: ``i_payload``.
    The same component gives the same bytes: no path, time or tool banner; the first line says that the
    text is the user's, the next ones are the comment.
    """
    text, ports = as_rtlil(component, name)
    top, end, others = own_modules(verilog(text, ports), name).partition("\nendmodule\n")
    if others.strip():
        off, on = (f"// verilator lint_{word} DECLFILENAME\n" for word in ("off", "on"))
        others = f"\n{off}{others}\n{on}"
    first = "".join(f"// {line}\n" for line in (f"SPDX-License-Identifier: {LICENSE}", *comment))
    return f"{first}`default_nettype none\n\n{top}{end}{others}\n`default_nettype wire\n"


def as_rtlil(component: wiring.Component, name: str) -> tuple[str, list[str]]:
    """RTLIL of a component as Amaranth writes it, and the names of its ports but ``clk`` and ``rst``, in order."""
    ports = {}
    for path, member, value in component.signature.flatten(component):
        if path in INTERNAL:
            continue
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports["_".join(map(str, path))] = Value.cast(value), direction
    with garbage.paused():
        fragment = Fragment.get(component, Cells())
        text, _ = rtlil.convert_fragment(fragment, ports, name, emit_src=False)
    return text, list(ports)


def emitted(hardware: Hardware) -> tuple[str, dict[str, Any]]:
    """Verilog of hardware, with what it does in its first lines, and the manifest."""
    component = hardware.create()
    record = manifest(hardware, component, "")
    text = emit(component, hardware.name, head(hardware.title, record))
    return text, manifest(hardware, component, text)


def expected_seconds(hardware: Hardware) -> float:
    """Roughly how long `emit` takes, on one core: an estimate, right within a factor of two.

    Where each synapse has gates of its own it grows with the bits of all inputs and parameters: 0.4 to 0.8 s for
    1,024 bits were measured, for five kernels of 128 to 1,024 synapses and 8 and 16 bits.
    """
    return 0.6 / 1024 * hardware.wired_bits


def golden_vectors(hardware: Hardware, count: int = 16, seed: int = 0) -> dict[str, Any]:
    """Inputs and golden results as a dict for JSON; with parameters where they travel or load."""
    rng = np.random.default_rng(seed)
    x = hardware.random_input(rng, count)
    x[0], x[1] = hardware.input.min, hardware.input.max
    p = hardware.arrays if hardware.initialised else hardware.random_parameters(rng)
    record = {"seed": int(seed), "x": x.tolist(), "y": hardware.golden(x, p).tolist()}
    if hardware.storage != "constant":
        record["p"] = {name: array.tolist() for name, array in sorted((p or {}).items())}
    return record


_CORE = """\
CAPI=2:
# SPDX-License-Identifier: {license}
name: :rtl:{name}:{version}
description: "{title}"
filesets:
  rtl:
    files:
      - {name}.v
    file_type: verilogSource
targets:
  default: &default
    filesets: [rtl]
    toplevel: {name}
  lint:
    <<: *default
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall]
"""


def generate(hardware: Hardware, out_dir: str | Path) -> dict[str, Any]:
    """Write the Verilog, manifest, FuseSoC core file and golden vectors.

    Files are written beside and then renamed, so that a failure leaves an earlier set intact.

    Parameters
    ----------
    hardware : Hardware
    out_dir : path
        Receives ``<name>.v``, ``manifest.json``, ``<name>.core`` and ``vectors.json``.

    Returns
    -------
    dict
        The manifest.
    """
    text, record = emitted(hardware)
    files = {
        f"{hardware.name}.v": text,
        "manifest.json": json.dumps(record, indent=2) + "\n",
        f"{hardware.name}.core": _CORE.format(
            name=hardware.name,
            version=__version__,
            title=hardware.title,
            license=LICENSE,
        ),
        "vectors.json": json.dumps(golden_vectors(hardware)) + "\n",
    }
    write_files(out_dir, files)
    return record
