"""The format `tinytapeout`: a kernel as a project folder for Tiny Tapeout, with wrapper, test and documentation.

Bytes go in and out through the fixed pins with a handshake of four steps. The size of a design is its area with the
user's library of standard cells, or else estimated from a count of generic cells.
"""

import json
import re
import tempfile
from math import ceil
from pathlib import Path

import numpy as np

from .. import tools
from ..catalogue import load_kernel
from ..errors import DoesNotFit, InputError
from ..hardware.payloads import axi_beats
from ..support.files import write_files
from ..support.templating import LICENSE, render, spdx
from ..verilog import emitted

__all__ = ["TILES", "export", "tiles_for"]

#: Number of tiles for each size that a project may have.
TILES = {"1x1": 1, "1x2": 2, "2x2": 4, "3x2": 6, "4x2": 8, "6x2": 12, "8x2": 16}
TILE_AREA = 167 * 108  # um2
DENSITY = 0.6  # of cells in a tile, as in config.json
TILE_CELLS = 1000  # about, as Tiny Tapeout says
PARTS, VECTORS = 2, 4


def export(file, out, say, *, liberty=None, tiles=None, clock=10_000_000, author=""):
    """Write the project folder of a kernel; see `tnhw.export`.

    Parameters
    ----------
    liberty : path, optional
        Library of standard cells with which the area is measured.
    tiles : str, optional
        A key of `TILES`; by default the smallest size that should be enough.
    clock : int
        Clock frequency in Hz, for info.yaml and for the layout.
    author : str
        For info.yaml.

    Raises
    ------
    InputError
        If the file is not a kernel, its parameters are sent with each vector, or an option is wrong.
    DoesNotFit
        If it needs more than 16 tiles.
    """
    kernel = load_kernel(file, "the format `tinytapeout`")
    if kernel.storage == "ports":
        raise InputError(
            f"{kernel.name}: parameters in ports are too many bits for the pins: use storage `memory` "
            "or `constant`"
        )
    if tiles is not None and tiles not in TILES:
        raise InputError(f"`tiles` must be one of {', '.join(TILES)}, not {tiles!r}")
    if clock < 1:
        raise InputError(f"`clock` must be a positive frequency in Hz, not {clock}")
    kernel = kernel.with_keys(interface="axi-stream", beat=1)
    if kernel.storage == "memory":
        kernel = kernel.without_parameters()  # a chip has no initial contents
    text, manifest = emitted(kernel)
    values = _values(kernel, manifest, clock, author)
    wrapper = render("export", "project.v", **values)
    say("measuring the size")
    size = _size(wrapper + text, values["top"], liberty)
    chosen = tiles or tiles_for(size, kernel.name)
    values |= {"tiles": chosen, "size": size["text"]}
    folder = Path(out) if out is not None else Path("build", kernel.name, "tinytapeout")
    write_files(folder, _files(kernel, values, wrapper, spdx() + text))
    return {"written": str(folder), "top": values["top"], "tiles": chosen} | size


def tiles_for(size, name):
    """The smallest size of a project in which a design fits.

    Parameters
    ----------
    size : dict
        `cells`, and `area_um2` if a library was given.

    Raises
    ------
    DoesNotFit
        If it needs more than the largest project.
    """
    area = size.get("area_um2")
    needed = area / (TILE_AREA * DENSITY) if area else size["cells"] / TILE_CELLS
    for tiles, count in TILES.items():
        if needed <= count:
            return tiles
    raise DoesNotFit(
        f"{name} does not fit Tiny Tapeout: it needs about {needed:.0f} tiles, but a project has at most "
        f"{max(TILES.values())}; use fewer inputs or outputs, narrower formats or the serial architecture"
    )


def _values(kernel, record, clock, author):
    """The values that the templates use."""
    streams = {stream["name"]: stream for stream in record["streams"]}
    sink, source, loads = streams["i"], streams["o"], streams.get("p")
    x_bytes, y_bytes = sink["width"] // 8, source["width"] // 8
    p_bytes, p_beats = (loads["width"] // 8, loads["beats"]) if loads else (1, 1)
    fields = [f"{name} {number}" for name, number in record["word"].items()]
    return {
        "name": kernel.name,
        "top": f"tt_um_{kernel.name.lower()}",
        "title": kernel.title,
        "author": re.sub(r'["\\\n]', "", author),
        "clock": clock,
        "period": max(2, round(1e9 / clock / 2) * 2),
        "load": loads is not None,
        "load_text": record.get("load"),
        "word": ", ".join(fields) + ", from bit 0 on",
        "x_bytes": x_bytes, "x_beats": sink["beats"],
        "y_bytes": y_bytes,
        "p_bytes": p_bytes, "p_beats": p_beats,
        "gather": 8 * max(x_bytes, p_bytes),
        "byte_bits": _bits(max(x_bytes, p_bytes)),
        "beat_bits": _bits(max(sink["beats"], p_beats)),
        "out_bits": _bits(y_bytes),
        "inputs": kernel.inputs, "outputs": kernel.outputs,
        "input": str(kernel.input), "output": str(kernel.output_format),
        "how": f"each result is a sum over all inputs of the rule `{kernel.rule}`.",
    }  # fmt: skip


def _bits(count):
    return max(1, (count - 1).bit_length())


def _size(text, top, liberty):
    """Number of cells and area (um2) of a design in a library; without one, an estimate in generic cells."""
    if liberty is not None:
        from ..cells import Library, synthesise

        library = Library(liberty)
        # A chip has no block RAM: memories are rows of flip-flops.
        rows = "proc; flatten; opt_clean; memory; opt; write_verilog -noattr design.v"
        mapped = synthesise(_passed(text, top, rows, "design.v"), library, name=top)
        area, cells = mapped.area()["total"], sum(mapped.counts().values())
        said = f"{area:,.0f} um2 in {cells} cells of {library.name}, without clock tree and routing"
        return {"cells": cells, "area_um2": area, "library": library.name, "text": said}
    script = (
        f"synth -flatten -top {top}; abc -g AND,NAND,OR,NOR,XOR,XNOR,MUX,AOI3,OAI3; opt_clean -purge; "
        "tee -q -o stat.json stat -json"
    )
    stat = json.loads(_passed(text, top, script, "stat.json"))
    cells = stat["design"]["num_cells"]
    said = f"about {cells} gates and flip-flops, an estimate from generic cells"
    return {"cells": cells, "text": said}


def _passed(text, top, script, result):
    """Text of the file `result`, which Yosys writes when it runs a script on Verilog."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.v").write_text(text)
        tools.yosys(
            f"read_verilog -sv design.v; hierarchy -top {top}; {script}", cwd=folder, portable=True
        )
        return Path(folder, result).read_text()


def _files(kernel, values, wrapper, core):
    top, name = values["top"], kernel.name

    def made(template):
        return render("export", template, **values)

    return {
        "info.yaml": made("info.yaml"),
        "README.md": made("README.md"),
        "docs/info.md": made("info.md"),
        f"src/{top}.v": wrapper,
        f"src/{name}.v": core,
        "src/config.json": made("config.json"),
        "test/Makefile": made("Makefile"),
        "test/requirements.txt": made("requirements.txt"),
        "test/tb.v": made("tb.v"),
        "test/test.py": made("test.py"),
        "test/vectors.json": json.dumps(_vectors(kernel, values)) + "\n",
    }


def _vectors(kernel, values):
    """Golden vectors as bytes. Where parameters are loaded there are several parts, each with its own parameters."""
    rng, parts = np.random.default_rng(0), []

    def data(beats, count):
        return [byte for beat, _ in beats for byte in beat.to_bytes(count, "little")]

    for _ in range(PARTS if values["load"] else 1):
        x = kernel.random_input(rng, VECTORS)
        x[0], x[1] = kernel.input.min, kernel.input.max
        p = kernel.random_parameters(rng) if values["load"] else None
        y = kernel.golden(x, p)
        part = {
            "x": [data(axi_beats([row], kernel.input, 1), values["x_bytes"]) for row in x],
            "y": [data(axi_beats([row], kernel.output_format, 1), values["y_bytes"]) for row in y],
        }
        if values["load"]:
            words = [(word, 0) for word in kernel.pack_parameters(p)]
            part["p"] = data(words, ceil(values["p_bytes"]))
        parts.append(part)
    return {"license": LICENSE, "parts": parts}
