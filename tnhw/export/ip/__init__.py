"""IP package: a kernel or a network as a folder that an FPGA engineer can add to a project.

`docs/ip.md` lists its files. Their text comes from the templates in this folder; the same hardware gives the same bytes.
"""

import hashlib
import json
from math import ceil

import numpy as np

from ...boards.protocol import design_number
from ...errors import InputError
from ...hardware.payloads import axi_beats
from ...support.files import write_files
from ...support.templating import LICENSE, render, spdx
from ...verilog import emitted
from .packers import packing
from .registers import ADDRESS_BITS, MAP_VERSION, register_map, to_json
from .scenario import OPS, Scenario
from .vlnv import Vlnv

__all__ = ["package"]

PARTS = 3  # parts of the golden vectors, each with other parameters, if these are loaded
VECTORS = 16


def package(hardware, out_dir, record=None, text=None, vlnv=None):
    """Write the package of a kernel or of a network's design.

    Parameters
    ----------
    hardware : Kernel or Design
        With interface ``axi-stream``.
    out_dir : path
        Receives the files; those of an earlier package are replaced.
    record, text : dict, str, optional
        The hardware's manifest and Verilog, if it was emitted already.
    vlnv : Vlnv, optional
        What FuseSoC and Vivado call it; by default without vendor and library, in tnhw's version.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    InputError
        If it has plain streams, or the folder cannot be written.
    """
    if hardware.interface != "axi-stream":
        raise InputError(
            f"{hardware.name}: an IP package has AXI4-Stream: use --interface axi-stream"
        )
    if text is None:
        text, record = emitted(hardware)
    record, files = package_files(hardware, record, text, vlnv or Vlnv(hardware.name))
    write_files(out_dir, files)
    return record


def package_files(hardware, record, text, vlnv):
    """The manifest, and the contents of all files by their paths in the package."""
    name, core = hardware.name, spdx() + text
    record = (
        {"license": LICENSE}
        | record
        | {"files": {f"rtl/{name}.v": hashlib.sha256(core.encode()).hexdigest()}}
    )
    streams = [s | {"bus": s["payload"].removesuffix("_tdata")} for s in record["streams"]]
    by_name = {stream["name"]: stream for stream in streams}
    wrappers = [f"{name}_axis"]
    common = {
        "name": name,
        "title": hardware.title,
        "vlnv": vlnv,
        "streams": streams,
        "sink": by_name["i"],
        "source": by_name["o"],
        "load": by_name.get("p"),
        # A vector that waits in a slice would be overtaken by a load, and be computed with other parameters.
        "sliced": [s for s in streams if s["role"] == "source" or "p" not in by_name],
        "latency": hardware.latency,
        "interval": hardware.interval,
        "load_text": record.get("load"),
        "input_words": record.get("input_words"),
    }
    common["patience"] = _patience(common)

    def made(template, **more):
        return render("export/ip", template, **common, **more)

    files = {
        f"rtl/{name}.v": core,
        f"rtl/{name}_axis.v": made("axis.v"),
    }
    registers = pack = None
    if by_name.get("p"):
        wrappers.append(f"{name}_axil")
        pack = packing(hardware)
        registers = _register_files(hardware, made, common, pack)
        files |= registers
    parts = _vectors(hardware, by_name)
    scenario = Scenario(hardware, record)
    benches = _bench_files(name, scenario, made, by_name)
    tests = {"test_stream": f"{name}_axis"}
    if registers:
        tests["test_registers"] = f"{name}_axil"
        files["test/test_registers.py"] = made("test_registers.py")
    buses = [s["bus"] for s in streams]
    files |= benches | {
        "test/vectors.json": json.dumps(parts) + "\n",
        "test/script.json": json.dumps({
            "license": LICENSE, "steps": scenario.steps, "results": scenario.results,
            "fresh": scenario.fresh, "patience": common["patience"],
        }) + "\n",
        "test/run.py": made("run.py", tests=json.dumps(tests)),
        "test/streams.py": made("streams.py"),
        "test/test_stream.py": made("test_stream.py"),
        f"{name}.core": made("core", wrappers=wrappers, vectors=[
            path.split("/")[1] for path in benches if path.endswith(".hex")]),
        f"{name}.vh": made("template.vh", templates=_templates(streams, wrappers)),
        **_neighbours(name, made, wrappers, buses, bool(registers)),
        "README.md": made("README.md", pack=pack, width_p=hardware.width_p,
                          header=pack is None and hardware.initialised),
        "manifest.json": json.dumps(record, indent=2) + "\n",
    }  # fmt: skip
    return record, files


def _neighbours(name, made, wrappers, buses, registers):
    """Files for other tools and frameworks: dict of path to text."""
    values = {
        "wrappers": wrappers,
        "buses": ["s_axil", "s_axis", "m_axis"] if registers else buses,
        "registers": registers,
    }
    module = {"cls": "".join(word.capitalize() for word in name.split("_")),
              "top": wrappers[-1], "address_bits": ADDRESS_BITS}  # fmt: skip
    return {
        "package_ip.tcl": made("package_ip.tcl", **values),
        "block_design.tcl": made("block_design.tcl", **values),
        f"{name}.qip": made("qip", **values),
        f"{name}.sdc": made("sdc"),
        f"python/{name}_litex.py": made("litex.py", **values, **module),
        f"python/{name}_amaranth.py": made("amaranth.py", **values, **module),
    }


def _register_files(hardware, made, common, pack):
    """The AXI4-Lite wrapper, and the register map in all its forms: dict of path to text."""
    registers = register_map(hardware, design_number(hardware))
    parts = ceil(hardware.width_p / 32)
    values = {
        "registers": registers,
        "address_bits": ADDRESS_BITS,
        "parts": parts,
        "part_bits": max(1, (parts - 1).bit_length()),
        "width_p": hardware.width_p,
        "width_stream": common["load"]["width"],
        "padded": hardware.width_p if parts == 1 else 32 * parts,
        "words": hardware.beats_p,
        "initialised": int(hardware.initialised),
        "map_major": MAP_VERSION[0],
    }
    load = {"load": common["load_text"]}
    software = {key: value for key, value in common.items() if key != "load"} | values | load
    name = hardware.name
    packers = {}
    if pack is not None:
        packers = {
            f"sw/{name}_pack.h": render("export/ip", "pack.h", **software, pack=pack),
            f"sw/{name}_pack.py": render("export/ip", "pack.py", **software, pack=pack),
        }
    elif hardware.initialised:
        writes = [
            f"0x{word >> 32 * k & 0xFFFFFFFF:08x}"
            for word in hardware.pack_parameters()
            for k in range(parts)
        ]
        packers = {f"sw/{name}_load.h": render("export/ip", "load.h", **software, writes=writes)}
    map_record = {"license": LICENSE, "name": name, "registers": to_json(registers)}
    return {
        f"rtl/{name}_axil.v": made("axil.v", **values),
        "sw/registers.json": json.dumps(map_record, indent=2) + "\n",
        "sw/registers.md": render("export/ip", "registers.md", **software),
        f"sw/{name}_regs.h": render("export/ip", "registers.h", **software),
        f"sw/{name}.py": render("export/ip", "driver.py", **software),
    } | packers


def _vectors(hardware, streams):
    """Golden beats [tdata, tlast] of every stream, in parts that have different parameters."""
    rng = np.random.default_rng(0)
    memory = hardware.storage == "memory"
    parts = []
    for _ in range(PARTS if memory else 1):
        x = hardware.random_input(rng, VECTORS)
        x[0], x[1] = hardware.input.min, hardware.input.max
        p = hardware.random_parameters(rng) if memory else None
        y = hardware.golden(x, p)
        beat = streams["o"]["width"] // streams["o"]["element_bits"]
        part = {"x": hardware.axi_input(x), "y": axi_beats(y, hardware.output_format, beat)}
        if memory:
            words = hardware.pack_parameters(p)
            part["p"] = [(word, int(k == len(words) - 1)) for k, word in enumerate(words)]
        parts.append({key: [list(beat) for beat in beats] for key, beats in part.items()})
    return {
        "license": LICENSE,
        "parts": parts,
        "beats_in": streams["i"]["beats"],
        "beats_out": streams["o"]["beats"],
        "beats_load": hardware.beats_p if memory else 0,
    }


def _patience(common):
    """Number of cycles after which a bench gives up waiting."""
    beats = sum(stream["beats"] for stream in common["streams"])
    return 2000 + 20 * (common["latency"] + common["interval"]) + beats


def _bench_files(name, scenario, made, by_name):
    """The Verilog test bench, its steps and the expected results: dict of path to text."""
    payload = max(16, *(stream["width"] for stream in by_name.values()))
    digits = ceil((payload + 6) / 4)
    steps = [
        f"{(OPS.index(op) << 2 | wrong << 1 | last) << payload | value:0{digits}x}\n"
        for op, value, last, wrong in scenario.steps
    ]
    width = by_name["o"]["width"]
    results = [
        f"{last << width | data:0{ceil((width + 1) / 4)}x}\n" for data, last in scenario.results
    ]
    bench = made("tb.v", payload=payload, ops=OPS, steps=len(steps), y_beats=len(results))
    return {
        "tb/script.hex": spdx() + "".join(steps),
        "tb/y.hex": spdx() + "".join(results),
        f"tb/{name}_tb.v": bench,
    }


def _templates(streams, wrappers):
    """Ports (name, width, direction) of each wrapper."""
    clock = [("aclk", 1, "in "), ("aresetn", 1, "in ")]

    def ports(stream):
        ends = ("in ", "out") if stream["role"] == "sink" else ("out", "in ")
        bus = stream["bus"]
        return [
            (f"{bus}_tdata", stream["width"], ends[0]),
            (f"{bus}_tvalid", 1, ends[0]),
            (f"{bus}_tready", 1, ends[1]),
            (f"{bus}_tlast", 1, ends[0]),
        ]

    lite = [
        (f"s_axil_{name}", width, direction)
        for direction, names in (
            ("in ", {"awaddr": ADDRESS_BITS, "awprot": 3, "awvalid": 1}),
            ("out", {"awready": 1}),
            ("in ", {"wdata": 32, "wstrb": 4, "wvalid": 1}),
            ("out", {"wready": 1, "bresp": 2, "bvalid": 1}),
            ("in ", {"bready": 1, "araddr": ADDRESS_BITS, "arprot": 3, "arvalid": 1}),
            ("out", {"arready": 1, "rdata": 32, "rresp": 2, "rvalid": 1}),
            ("in ", {"rready": 1}),
        )
        for name, width in names.items()
    ]
    found = {wrappers[0]: clock + [p for s in streams for p in ports(s)] + [("error", 1, "out")]}
    for wrapper in wrappers[1:]:
        plain = [p for s in streams if s["name"] != "p" for p in ports(s)]
        found[wrapper] = clock + lite + plain
    return found
