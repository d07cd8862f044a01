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
    DataFile,
    Dataset,
    Family,
    File,
    Folds,
    Images,
    Json,
    Lanes,
    Loadable,
    Out,
    RomOption,
    Rtl,
    ScheduleOption,
    Seed,
    Vectors,
    say,
    score,
    show,
    show_result,
    vectors_of,
)


class Interface(StrEnum):
    stream = "stream"
    axi_stream = "axi-stream"


LONG = 20  # seconds; a longer wait is announced


def _patience(design):
    """Announce a long wait with an estimate, and on a terminal show how much of it has passed."""
    from ...tools.wasm import announce
    from ...verilog.emitting import expected_seconds

    if (seconds := expected_seconds(design)) < LONG:
        return nullcontext()
    synapses = design.inputs * design.outputs
    return announce(
        f"tnhw: writing Verilog of {design.name} with {synapses:,} parallel synapses takes about {seconds:.0f} s "
        "(an estimate; it may be half of that or twice as much)"
    )


def generate(
    file: File,
    interface: Annotated[
        Interface | None,
        typer.Option(
            help="The kind of ports, for a kernel instead of what its file says. With axi-stream an IP package is written as well."
        ),
    ] = None,
    beat: Annotated[
        int | None,
        typer.Option(
            help="Kernel with axi-stream: how many elements are sent in one beat. Default: all.",
            min=1,
        ),
    ] = None,
    vlnv: Annotated[
        str | None,
        typer.Option(
            metavar="VENDOR:LIBRARY:NAME:VERSION",
            help="With axi-stream: what FuseSoC and Vivado call the IP package. Default: ::NAME and tnhw's version.",
        ),
    ] = None,
    folds: Folds = None,
    lanes: Lanes = None,
    images: Images = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    loadable: Loadable = False,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Write Verilog, a manifest, a FuseSoC core file and golden vectors; for AXI4-Stream ports also an IP package."""
    from ...api import generate as emit
    from ...catalogue import load_design

    design = load_design(
        file, interface=interface and str(interface), beat=beat, folds=folds, lanes=lanes, images=images,
        schedule=schedule, rom=rom, loadable=loadable,
    )  # fmt: skip
    with _patience(design):
        made = emit(design, vlnv=vlnv, out=out)
    show_result(made, as_json)


def graph(
    file: File,
    folds: Folds = None,
    lanes: Lanes = None,
    images: Images = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Draw the data flow of a kernel with all widths, or the layers of a network, as SVG."""
    from ...catalogue import load_design
    from ...pictures import draw
    from ...support.files import write_files

    design = load_design(file, folds=folds, lanes=lanes, images=images, schedule=schedule, rom=rom)
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
    waves: Annotated[bool, typer.Option("--waves", help="Keep the waves, as an FST file.")] = False,
    simulator: Annotated[
        Simulator, typer.Option(help="Which simulator runs the bench.")
    ] = Simulator.icarus,
    netlist: Annotated[
        Family | None,
        typer.Option(help="Simulate the netlist after synthesis for this family of FPGAs."),
    ] = None,
    rtl: Rtl = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Stream the vectors through Verilator's model from C++, for whole data sets: fewer checks, no waves.",
        ),
    ] = False,
    dataset: Dataset = None,
    data: Data = None,
    data_file: DataFile = None,
    folds: Folds = None,
    lanes: Lanes = None,
    images: Images = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    loadable: Loadable = False,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Simulate the Verilog, with pauses and back-pressure, and compare it with the golden model."""
    from ...api import simulate as run
    from ...catalogue import load_design

    design = load_design(
        file, folds=folds, lanes=lanes, images=images, schedule=schedule, rom=rom, loadable=loadable
    )
    x, targets = vectors_of(file, design, dataset, data, data_file, vectors)
    try:
        result = run(
            design,
            vectors=vectors if x is None else 4,
            seed=seed,
            x=x,
            waves=waves,
            simulator=str(simulator),
            netlist=str(netlist) if netlist else None,
            rtl=rtl,
            fast=fast,
            out=out,
        )
    except CheckFailed as error:
        if as_json and error.result is not None:
            print(json.dumps(error.result.to_dict(), indent=2, default=str))
            error.shown = True
        raise
    if targets is None:
        show_result(result, as_json)
        return
    [(title, lines, _)] = result.tables()
    name, key, number, unit = score(result.y, targets, design.output_format.max)
    lines.append((f"{name}, {len(targets)} vectors", f"{number:.2f} {unit}"))
    show(result.to_dict() | {key: number}, as_json, lines, title)


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
    gatemate = "gatemate"
    nexus = "nexus"


class Method(StrEnum):
    lemmas = "lemmas"
    whole = "whole"


def prove(
    file: File,
    only: Annotated[
        list[Property] | None,
        typer.Option("--property", help="Prove only this property. May be repeated."),
    ] = None,
    method: Annotated[
        Method,
        typer.Option(
            help="How the function is proven: by lemmas, or as one formula (for small kernels)."
        ),
    ] = Method.lemmas,
    netlist: Annotated[
        ProvenFamily | None,
        typer.Option(
            help="Prove also that the netlist after synthesis for this family equals the Verilog."
        ),
    ] = None,
    solver: Annotated[
        SolverName | None,
        typer.Option(help="SMT solver. Default: bitwuzla where it is installed, otherwise z3."),
    ] = None,
    limit: Annotated[
        float,
        typer.Option(
            help="Time limit in seconds, for each question to the solver and for the bench."
        ),
    ] = 120,
    rtl: Rtl = None,
    folds: Folds = None,
    lanes: Lanes = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Prove that Verilog equals its definition for all inputs; of a kernel also that its streams lose nothing."""
    from ...api import prove as prove_kernel

    try:
        result = prove_kernel(
            file,
            properties=[str(name) for name in only] if only else None,
            method=str(method),
            netlist=str(netlist) if netlist else None,
            solver=solver and str(solver),
            limit=limit,
            say=say,
            rtl=rtl,
            out=out,
            folds=folds,
            lanes=lanes,
            schedule=schedule,
            rom=rom,
        )
    except TnhwError as error:
        if error.result is None:
            raise
        show_result(error.result, as_json)
        error.shown = as_json
        raise
    show_result(result, as_json)
