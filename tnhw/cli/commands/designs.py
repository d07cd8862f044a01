"""Commands that make, draw and check Verilog: `generate`, `graph`, `simulate`, `prove`."""

import json
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ...errors import CheckFailed, TnhwError
from .options import (
    Data,
    Dataset,
    Family,
    File,
    Folds,
    Json,
    Lanes,
    Loadable,
    Out,
    RomOption,
    Rtl,
    ScheduleOption,
    Seed,
    Vectors,
    accuracy,
    say,
    show,
    test_set,
)


class Interface(StrEnum):
    stream = "stream"
    axi_stream = "axi-stream"


LONG = 20  # seconds from which on a person wants to know


def _patience(design):
    """Say before a long wait how long it will be, and on a terminal how much of it is over."""
    from ...tools.wasm import announce
    from ...verilog.emitting import expected_seconds

    if (seconds := expected_seconds(design)) < LONG:
        return nullcontext()
    synapses = design.inputs * design.outputs
    return announce(
        f"tnhw: Verilog of {design.name}, {synapses:,} synapses side by side: about {seconds:.0f} s, an estimate "
        "(half to twice that)"
    )


def generate(
    file: File,
    interface: Annotated[
        Interface | None,
        typer.Option(
            help="Kernel: its ports, if not as in its file; axi-stream writes an IP package."
        ),
    ] = None,
    beat: Annotated[
        int | None, typer.Option(help="axi-stream: elements a beat; all by default.", min=1)
    ] = None,
    folds: Folds = None,
    lanes: Lanes = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    loadable: Loadable = False,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Write Verilog, manifest, FuseSoC core file and golden vectors; with AXI4-Stream an IP package too."""
    from ...catalogue import load_design
    from ...verilog.emitting import generate as emit

    design = load_design(
        file, interface=interface and str(interface), beat=beat, folds=folds, lanes=lanes,
        schedule=schedule, rom=rom, loadable=loadable,
    )  # fmt: skip
    folder = out / design.name / "rtl"
    with _patience(design):
        manifest = emit(design, folder)
    packaged = []
    if design.interface == "axi-stream":
        from ...export.ip import package

        text = (folder / f"{design.name}.v").read_text()
        package(design, out / design.name / "ip", manifest, text)
        packaged = [("IP package", out / design.name / "ip")]
    rows = [
        *packaged,
        ("Verilog", folder / f"{design.name}.v"),
        (
            "formats",
            ", ".join(f"{key} {text}" for key, text in manifest["formats"].items() if text),
        ),
        ("latency", f"{design.latency} cycles"),
        ("interval", f"{design.interval} cycles a vector"),
    ]
    rows += list(design.options().items())
    rows += [
        (f"stream {stream['name']}", f"{stream['carries']}, {stream['width']} bits a beat, "
         f"{stream['beats']} beats")
        for stream in manifest["streams"]
    ]  # fmt: skip
    show({"folder": folder, "manifest": manifest}, as_json, rows, design.name)


def graph(
    file: File,
    folds: Folds = None,
    lanes: Lanes = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Draw a kernel's data flow with its widths, or a network's layers, as SVG."""
    from ...catalogue import load_design
    from ...pictures import draw
    from ...support.files import write_files

    design = load_design(file, folds=folds, lanes=lanes, schedule=schedule, rom=rom)
    folder, name = out / design.name, f"{design.name}.svg"
    write_files(folder, {name: draw(design)})
    show({"picture": str(folder / name)}, as_json, [("picture", folder / name)])


class Simulator(StrEnum):
    icarus = "icarus"
    verilator = "verilator"


def simulate(
    file: File,
    vectors: Vectors = 100,
    seed: Seed = 0,
    waves: Annotated[bool, typer.Option("--waves", help="Keep waves (FST).")] = False,
    simulator: Annotated[Simulator, typer.Option(help="Simulator.")] = Simulator.icarus,
    netlist: Annotated[
        Family | None, typer.Option(help="Run the netlist after synthesis for this family.")
    ] = None,
    rtl: Rtl = None,
    dataset: Dataset = None,
    data: Data = None,
    folds: Folds = None,
    lanes: Lanes = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    loadable: Loadable = False,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Run Verilog in a simulator against the golden model."""
    from ...catalogue import load_design
    from ...simulation import simulating as simulation

    design = load_design(
        file, folds=folds, lanes=lanes, schedule=schedule, rom=rom, loadable=loadable
    )
    x, labels = test_set(dataset, data, vectors) if dataset else (None, None)
    folder = out / design.name / (f"sim-{netlist}" if netlist else "sim")
    try:
        result = simulation.simulate(
            design,
            folder,
            vectors=4 if dataset else vectors,
            seed=seed,
            x=x,
            waves=waves,
            simulator=str(simulator),
            netlist=str(netlist) if netlist else None,
            rtl=rtl,
        )
    except CheckFailed as error:
        if as_json and error.result is not None:
            print(json.dumps(error.result.as_dict(), indent=2, default=str))
            error.shown = True
        raise
    rows = [
        ("result", "equal to the golden model"),
        ("tests", f"{len(result.tests)} passed"),
        ("vectors", result.vectors),
        ("cycles", result.cycles),
        ("time", f"{result.seconds:.1f} s, {result.simulator}"),
        ("log", result.log),
    ]
    rows += [("waves", result.waves)] if result.waves else []
    facts = result.as_dict()
    if dataset:
        facts["accuracy_percent"] = accuracy(result.y, labels)
        rows.append((f"accuracy, {len(x)} vectors", f"{facts['accuracy_percent']:.2f} %"))
    show(facts, as_json, rows, f"{design.name}: {netlist or 'RTL'}")


class Property(StrEnum):
    function = "function"
    stream = "stream"


class SolverName(StrEnum):
    z3 = "z3"
    bitwuzla = "bitwuzla"
    yices = "yices"
    boolector = "boolector"


class ProvenFamily(StrEnum):
    ice40 = "ice40"
    ecp5 = "ecp5"
    gowin = "gowin"


class Method(StrEnum):
    lemmas = "lemmas"
    whole = "whole"


def prove(
    file: File,
    only: Annotated[
        list[Property] | None, typer.Option("--property", help="Only this property; repeatable.")
    ] = None,
    method: Annotated[
        Method, typer.Option(help="Function: by lemmas, or as one formula (small kernels).")
    ] = Method.lemmas,
    netlist: Annotated[
        ProvenFamily | None, typer.Option(help="Also the netlist after synthesis for this family.")
    ] = None,
    solver: Annotated[
        SolverName | None, typer.Option(help="SMT solver; by default bitwuzla, else z3.")
    ] = None,
    limit: Annotated[
        float, typer.Option(help="Seconds for one question to the solver, and for the bench.")
    ] = 120,
    rtl: Rtl = None,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Prove that a kernel's Verilog equals its definition for all inputs, and loses nothing."""
    from ... import tools
    from ...catalogue import load_kernel

    kernel = load_kernel(file, "prove")
    tools.find("z3")
    from ... import proof

    properties = [str(name) for name in only] if only else proof.PROPERTIES
    folder = out / kernel.name / "proof"
    try:
        result = proof.prove(
            kernel,
            folder,
            properties=properties,
            method=str(method),
            netlist=str(netlist) if netlist else None,
            solver=solver and str(solver),
            limit=limit,
            say=say,
            rtl=rtl,
        )
    except TnhwError as error:
        if error.result is None:
            raise
        _show_proof(error.result, as_json)
        error.shown = as_json
        raise
    _show_proof(result, as_json)


def _show_proof(result, as_json):
    rows = [("property", "part", "verdict", "method", "solver", "s")]
    for part in result.parts:
        keys = ("property", "part", "verdict", "method", "solver")
        rows.append((*(part[key] or "" for key in keys), f"{part['seconds']:.1f}"))
    if result.counter_example:
        rows += [(key, value) for key, value in result.counter_example.items() if value is not None]
    if result.tested:
        rows += [(f"tested: {key}", value) for key, value in result.tested.items()]
    rows.append(("total", "", result.verdict, "", "", f"{result.seconds:.1f}"))
    show(result.as_dict(), as_json, rows, result.name)
