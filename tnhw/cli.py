"""Command line: parse, call, print."""

import json
import signal
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import __version__
from .errors import CheckFailed, InputError, TnhwError
from .train.commands import add_commands

__all__ = ["app", "main"]

app = typer.Typer(
    name="tnhw",
    help="Neural networks without multipliers, in hardware.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130

File = Annotated[
    str, typer.Argument(help="Kernel TOML, npz of a network, or a name from `tnhw list`.")
]
Json = Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for all results.")]
Vectors = Annotated[int, typer.Option(help="Number of random vectors.")]
Seed = Annotated[int, typer.Option(help="Seed of what is random.")]
BoardName = Annotated[
    str, typer.Option("--board", "-b", help="Board from `tnhw list`, or a board TOML.")
]

Folds = Annotated[
    str | None, typer.Option(help="Network: inputs x outputs a cycle of each layer: 16x4,8x1.")
]
Lanes = Annotated[
    int | None, typer.Option(help="Network: most synapses a cycle (64), if no folds are given.")
]
Dataset = Annotated[
    str | None, typer.Option(help="Test vectors of a data set, and the accuracy on them.")
]
Data = Annotated[
    Path | None, typer.Option(help="Folder of data sets; TNHW_DATA otherwise.", file_okay=False)
]


class Schedule(StrEnum):
    pipeline = "pipeline"
    shared = "shared"


class Rom(StrEnum):
    auto = "auto"
    block = "block"
    logic = "logic"


ScheduleOption = Annotated[
    Schedule | None, typer.Option(help="Network: an engine a layer, or one shared engine.")
]
RomOption = Annotated[
    Rom | None, typer.Option(help="Network: parameters in block RAM or in logic.")
]

Loadable = Annotated[
    bool, typer.Option("--loadable", help="Network: other parameters may be loaded later.")
]


def _test_set(dataset, data, count):
    """Vectors and labels of a data set, at most `count`."""
    import numpy as np

    from . import datasets

    loaded = datasets.load(dataset, data)
    x = np.asarray(loaded.x_test)[:count]
    return x.reshape(len(x), -1).astype(np.int64), np.asarray(loaded.y_test)[:count]


def _accuracy(y, labels):
    """Percent of results that name the label: a class, or the first largest output."""
    classes = y[:, 0] if y.shape[1] == 1 else y.argmax(axis=1)
    return 100 * float((classes == labels).mean())


class Simulator(StrEnum):
    icarus = "icarus"
    verilator = "verilator"


class Family(StrEnum):
    ice40 = "ice40"
    ecp5 = "ecp5"
    gowin = "gowin"
    xc7 = "xc7"


def _show(record, as_json, rows, title=None):
    """`record` as JSON, or `rows` as a table that lines up."""
    if as_json:
        print(json.dumps(record, indent=2, default=str))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE, title_justify="left", show_header=False)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console = Console()
    # A table that would be cut is wider than the screen instead.
    Console(width=max(console.width, Console(width=10_000).measure(table).maximum)).print(table)


def _version(wanted: bool):
    if wanted:
        print(f"tnhw {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
):
    pass


add_commands(app)


@app.command("list")
def list_(as_json: Json = False):
    """List kernels, boards, rules and models."""
    from .board import boards, load_board
    from .data_files import folder
    from .kernel import ARCHITECTURES
    from .library import kernel_names, load, model_names
    from .rule import RULES

    kernels = {name: load(name) for name in kernel_names()}
    record = {
        "kernels": {
            name: f"{k.rule}, {k.architecture}, {k.inputs} inputs, {k.outputs} outputs, {k.storage}"
            for name, k in kernels.items()
        },
        "boards": {name: load_board(name).title for name in boards()},
        "rules": sorted(RULES),
        "architectures": sorted(ARCHITECTURES),
        "models": {name: load(folder("models") / f"{name}.npz").title for name in model_names()},
    }
    rows = []
    for kind, entries in record.items():
        texts = entries if isinstance(entries, dict) else dict.fromkeys(entries, "")
        rows += [
            (kind if number == 0 else "", name, text)
            for number, (name, text) in enumerate(texts.items())
        ]
    _show(record, as_json, rows)


@app.command()
def generate(
    file: File,
    folds: Folds = None,
    lanes: Lanes = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    loadable: Loadable = False,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Write Verilog, manifest, FuseSoC core file and golden vectors."""
    from .library import load_design
    from .verilog import generate as emit

    kernel = load_design(
        file, folds=folds, lanes=lanes, schedule=schedule, rom=rom, loadable=loadable
    )
    folder = out / kernel.name / "rtl"
    manifest = emit(kernel, folder)
    rows = [
        ("Verilog", folder / f"{kernel.name}.v"),
        (
            "formats",
            ", ".join(f"{key} {text}" for key, text in manifest["formats"].items() if text),
        ),
        ("latency", f"{kernel.latency} cycles"),
        ("interval", f"{kernel.interval} cycles a vector"),
    ]
    rows += list(kernel.options().items())
    rows += [
        (f"stream {stream['name']}", f"{stream['carries']}, {stream['width']} bits a beat, "
         f"{stream['beats']} beats")
        for stream in manifest["streams"]
    ]  # fmt: skip
    _show({"folder": folder, "manifest": manifest}, as_json, rows, kernel.name)


@app.command()
def simulate(
    file: File,
    vectors: Vectors = 100,
    seed: Seed = 0,
    waves: Annotated[bool, typer.Option("--waves", help="Keep waves (FST).")] = False,
    simulator: Annotated[Simulator, typer.Option(help="Simulator.")] = Simulator.icarus,
    netlist: Annotated[
        Family | None, typer.Option(help="Run the netlist after synthesis for this family.")
    ] = None,
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
    from . import simulate as simulation
    from .library import load_design

    kernel = load_design(
        file, folds=folds, lanes=lanes, schedule=schedule, rom=rom, loadable=loadable
    )
    x, labels = _test_set(dataset, data, vectors) if dataset else (None, None)
    folder = out / kernel.name / (f"sim-{netlist}" if netlist else "sim")
    try:
        result = simulation.simulate(
            kernel,
            folder,
            vectors=4 if dataset else vectors,
            seed=seed,
            x=x,
            waves=waves,
            simulator=str(simulator),
            netlist=str(netlist) if netlist else None,
        )
    except CheckFailed as error:
        if as_json and hasattr(error, "result"):
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
        facts["accuracy_percent"] = _accuracy(result.y, labels)
        rows.append((f"accuracy, {len(x)} vectors", f"{facts['accuracy_percent']:.2f} %"))
    _show(facts, as_json, rows, f"{kernel.name}: {netlist or 'RTL'}")


class Property(StrEnum):
    function = "function"
    stream = "stream"


class SolverName(StrEnum):
    z3 = "z3"
    yices = "yices"
    boolector = "boolector"


class ProvenFamily(StrEnum):
    ice40 = "ice40"
    ecp5 = "ecp5"
    gowin = "gowin"


class Method(StrEnum):
    lemmas = "lemmas"
    whole = "whole"


@app.command()
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
    solver: Annotated[SolverName, typer.Option(help="SMT solver.")] = SolverName.z3,
    limit: Annotated[float, typer.Option(help="Seconds for one question to the solver.")] = 120,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Prove that a kernel's Verilog equals its definition for all inputs, and loses nothing."""
    from . import tools
    from .kernel import Kernel
    from .library import load

    kernel = load(file)
    if not isinstance(kernel, Kernel):
        raise InputError(f"{file}: a network; prove takes kernels")
    tools.find("z3")
    from . import proof

    properties = [str(name) for name in only] if only else proof.PROPERTIES
    folder = out / kernel.name / "proof"
    try:
        result = proof.prove(
            kernel,
            folder,
            properties=properties,
            method=str(method),
            netlist=str(netlist) if netlist else None,
            solver=str(solver),
            limit=limit,
            say=_say,
        )
    except TnhwError as error:
        if not hasattr(error, "result"):
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
        rows += list(result.counter_example.items())
    rows.append(("total", "", result.verdict, "", "", f"{result.seconds:.1f}"))
    _show(result.as_dict(), as_json, rows, result.name)


@app.command()
def build(
    file: File,
    board: BoardName,
    seed: Annotated[int, typer.Option(help="Seed of place and route.")] = 1,
    frequency: Annotated[
        float | None, typer.Option(help="Frequency to reach in MHz, if not the board's.")
    ] = None,
    baud: Annotated[int | None, typer.Option(help="Baud rate of the serial line.")] = None,
    allow_timing_fail: Annotated[
        bool, typer.Option("--allow-timing-fail", help="Keep a bitstream that is too slow.")
    ] = False,
    dsp: Annotated[
        bool | None, typer.Option("--dsp/--no-dsp", help="Products in DSP blocks.")
    ] = None,
    self_test: Annotated[
        int | None,
        typer.Option(
            help="Store so many vectors on the board instead of a serial line; an LED tells.", min=1
        ),
    ] = None,
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
    """Build the bitstream of a kernel or network behind a serial line, or one that tests itself.

    A network without folds or lanes gets the fastest design that fits the board.
    """
    import numpy as np

    from .board import load_board
    from .build import build as build_bitstream
    from .build import build_network
    from .library import load, load_design
    from .network import Network
    from .selftest import VERDICT

    target, loaded = load_board(board), load(file)
    folder = out / loaded.name / target.name
    options = {
        "seed": seed,
        "frequency": round(frequency * 1e6) if frequency else None,
        "baud": baud,
        "allow_timing_fail": allow_timing_fail,
        "dsp": dsp,
    }
    if dataset and self_test is None:
        raise InputError("--dataset gives the vectors of a self-test: give --self-test too")
    if self_test is not None:
        if dataset:
            options["self_test"], _ = _test_set(dataset, data, self_test)
        else:
            options["self_test"] = loaded.random_input(np.random.default_rng(0), self_test)
    if isinstance(loaded, Network) and folds is None and lanes is None and schedule is None:
        kernel, record = build_network(
            loaded, target, folder, rom=rom or "auto", loadable=loadable, say=_say, **options
        )
    else:
        kernel = load_design(
            file, folds=folds, lanes=lanes, schedule=schedule, rom=rom, dsp=dsp, loadable=loadable
        )
        record = build_bitstream(kernel, target, folder, **options)
    slack = record.fmax / record.frequency
    rows = [
        ("bitstream", folder / record.bitstream),
        ("clock", f"{record.clock / 1e6:g} MHz"),
        (
            "Fmax",
            f"{record.fmax / 1e6:.1f} MHz, {slack:.2f} x the target (routed, seed {record.seed})",
        ),
    ]
    rows += [
        (name, f"{use['used']} of {use['available']}") for name, use in record.utilisation.items()
    ]
    rows += list(record.design.items())
    if record.self_test:
        rows.append(("self-test", f"{record.self_test} vectors. {VERDICT}"))
    rows.append(("rate", f"{record.fmax / kernel.interval:,.0f} vectors a second, core rate: Fmax / "
                 f"{kernel.interval} cycles"))  # fmt: skip
    rows.append(("time", f"{record.seconds:.1f} s" + (", from the cache" if record.cached else "")))
    facts = json.loads(record.to_json()) | {"folder": str(folder), "seconds": record.seconds}
    _show(facts, as_json, rows, f"{kernel.name} on {target.title}")


@app.command()
def compare(
    files: Annotated[
        list[str],
        typer.Argument(help="Networks, or kernels: files or names; ratios are to the first."),
    ],
    target: Annotated[
        list[str],
        typer.Option(
            "--target", "-t",
            help="Networks: a board. Kernels: ice40, ecp5, gowin, xc7, liberty:PATH; may be repeated.",
        ),
    ],
    folds: Folds = None,
    lanes: Annotated[
        int | None, typer.Option(help="Networks: most synapses a cycle, for rows with equal lanes.")
    ] = None,
    dataset: Dataset = None,
    data: Data = None,
    vectors: Annotated[
        int | None, typer.Option(help="Vectors of the activity; 8 for networks, 64 for kernels.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Networks: runs of place and route.", min=1)] = 3,
    out: Out = Path("build"),
    as_json: Json = False,
):  # fmt: skip
    """Compare networks on a board's device, or kernels on FPGA families and cell libraries."""
    from .library import load
    from .network import Network

    loaded = {file: load(file) for file in files}
    kinds = {isinstance(design, Network) for design in loaded.values()}
    if len(kinds) > 1:
        raise InputError("compare takes networks or kernels, not both at once")
    if kinds == {True}:
        if len(target) > 1:
            raise InputError("networks are compared on one board: give one `--target`")
        options = {"folds": folds, "lanes": lanes, "seeds": range(1, seeds + 1)}
        test_set = _test_set(dataset, data, None) if dataset else (None, None)
        activity = 8 if vectors is None else vectors
        _compare_networks(
            loaded, target[0], test_set, options | {"vectors": activity}, out, as_json
        )
        return
    if any(option is not None for option in (folds, lanes, dataset, data)):
        raise InputError("`--folds`, `--lanes`, `--dataset` and `--data` are for networks")
    _compare_kernels(list(loaded.values()), target, vectors or 64, out, as_json)


def _compare_kernels(kernels, targets, vectors, out, as_json):
    from .ppa import kernels as comparison

    rows = comparison.compare(kernels, targets, vectors=vectors, say=_say)
    folder = out / "compare" / "kernels"
    report = comparison.write(rows, folder)
    lines = [("kernel", "target", "x", "parameter", "bits", "area um2", "of it seq.", "NAND2", "LUT", "carry",
              "FF", "RAM", "DSP", "est. Fmax MHz", "uW", "pJ/synapse", "area x", "power x")]  # fmt: skip
    for row, ratio in zip(rows, comparison.ratios(rows), strict=True):
        cells = [row.cells.get(kind, "") for kind in ("LUT", "carry", "FF", "RAM", "DSP")]
        lines.append(
            (
                row.name,
                row.target,
                row.input,
                row.parameter or "",
                row.stored_bits,
                f"{row.area['total']:,.0f}" if row.area else "",
                f"{row.area['sequential']:,.0f}" if row.area else "",
                f"{row.area['nand2']:,.0f}" if row.area else "",
                *cells,
                f"{row.fmax:.1f}" if row.fmax else "",
                f"{row.power['total']:,.1f}" if row.power else "",
                f"{row.pj_per_operation:.3f}" if row.power else "",
                f"{ratio['area']:.2f}" if ratio["area"] else "",
                f"{ratio['power']:.2f}" if ratio["power"] else "",
            )
        )
    _show(report | {"folder": folder}, as_json, lines, "kernels, everything counted")
    frequencies = {row.target: row.frequency for row in rows if row.frequency}
    for name, frequency in frequencies.items():
        _say(
            f"power on {name} is at {frequency:g} MHz, {rows[-1].operands or 'random operands'}; an estimate"
        )
    _say(f"wrote {folder / 'kernels.json'} and {folder / 'kernels.csv'}")


def _compare_networks(networks, target, test_set, options, out, as_json):
    from .ppa import compare as comparison

    rows = comparison.compare(
        networks, target, x=test_set[0], labels=test_set[1], say=_say, **options
    )
    folder = out / "compare" / target
    report = comparison.write(rows, folder)
    lines = [("network", "products", "folds", "accuracy %", "bits", "logic", "RAM", "DSP", "Fmax MHz",
              "cycles", "vectors/s", "latency us", "activity", "logic x", "time x", "activity x")]  # fmt: skip
    for row, ratio in zip(rows, comparison.ratios(rows), strict=True):
        lines.append(
            (
                row.name,
                row.products,
                f"{row.folds} ({row.choice})",
                "" if row.accuracy is None else f"{row.accuracy:.2f}",
                row.stored_bits,
                row.logic,
                row.cells["RAM"],
                row.cells["DSP"],
                f"{row.fmax:.1f}",
                row.interval,
                f"{row.rate:,.0f}",
                f"{1e6 * row.seconds:.2f}",
                f"{row.activity['total']:,.0f}" if row.activity else "",
                f"{ratio['logic']:.2f}",
                f"{ratio['interval']:.2f}",
                f"{ratio['activity']:.2f}" if ratio["activity"] else "",
            )
        )
    _show(report | {"folder": folder}, as_json, lines, f"{target}, alone behind few pins")
    _say(f"wrote {folder / 'compare.json'} and {folder / 'compare.csv'}")


@app.command()
def upload(file: File, board: BoardName, out: Out = Path("build"), as_json: Json = False):
    """Program a board with the bitstream that `tnhw build` made."""
    from .board import load_board
    from .build import find_record
    from .host import upload as program
    from .library import load

    target = load_board(board)
    record = find_record(out / load(file).name / target.name)
    bitstream = record.out_dir / record.bitstream
    program(target, bitstream)
    _show({"bitstream": bitstream, "board": target.name}, as_json, [("uploaded", bitstream)])


@app.command()
def run(
    file: File,
    port: Annotated[str, typer.Option(help="Serial port, for example ttyUSB0's device file.")],
    vectors: Vectors = 100,
    seed: Seed = 0,
    input: Annotated[
        Path | None, typer.Option(help="npz file with vectors `x` instead of random ones.")
    ] = None,
    baud: Annotated[int, typer.Option(help="Baud rate.")] = 115_200,
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="Network: the board it was built for.")
    ] = None,
    load_from: Annotated[
        Path | None,
        typer.Option("--load", help="Network built with --loadable: npz file to load first."),
    ] = None,
    dataset: Dataset = None,
    data: Data = None,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Send vectors to a board and compare every answer with the golden model."""
    import numpy as np

    from .host import run as run_board
    from .library import load, load_design
    from .network import Network
    from .parameters import read

    if isinstance(loaded := load(file), Network):
        if board is None:
            raise InputError(f"{file}: name the board that it was built for with --board")
        from .build import find_record

        record = find_record(out / loaded.name / board)
        if record.self_test:
            raise InputError(f"{file}: what was built for {board} tests itself; it has no line")
        kernel = load_design(file, **record.design)
    else:
        kernel = loaded
    rng = np.random.default_rng(seed)
    labels = None
    if dataset:
        x, labels = _test_set(dataset, data, vectors)
    else:
        x = read(input)["x"] if input else kernel.random_input(rng, vectors)
    p = None if kernel.initialised else kernel.random_parameters(rng)
    if load_from is not None:
        if not getattr(kernel, "loadable", False):
            raise InputError("--load is for a network that was built with --loadable")
        p = Network.load(load_from).arrays
    record = run_board(kernel, port, x, p, baud=baud)
    facts = {
        "vectors": record.vectors,
        "equal": record.equal,
        "repeated": record.repeated,
        "vectors_per_second": round(record.rate, 1),
    }
    if labels is not None:
        facts["accuracy_percent"] = round(_accuracy(record.y, labels), 2)
    _show(facts, as_json, facts.items(), f"{kernel.name} on {port}")
    if record.equal != record.vectors:
        raise CheckFailed(
            f"{record.vectors - record.equal} of {record.vectors} answers differ from the golden "
            "model; is the bitstream built from this kernel file?"
        )


@app.command()
def doctor(as_json: Json = False):
    """Print every tool, its version, and the command that mends it."""
    from dataclasses import asdict

    from . import tools

    statuses = tools.doctor()
    rows = [("tool", "found", "needed", "for", "mend")]
    rows += [
        (s.tool, s.found or s.status, s.required or "any", s.needed_for,
         "" if s.status == "ok" else s.mend)
        for s in statuses
    ]  # fmt: skip
    _show([asdict(status) for status in statuses], as_json, rows)


def _say(text):
    print(f"tnhw: {text}", file=sys.stderr, flush=True)


@contextmanager
def _terminated_as_interrupted():
    """SIGTERM ends tools and temporary folders as Ctrl-C does."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(arguments=None):
    """Run the command line; returns the exit status (see DESIGN: 0 done ... 130 interrupted)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with _terminated_as_interrupted():
            return app(arguments, prog_name="tnhw", standalone_mode=False) or 0
    except TnhwError as error:
        status, text = error.exit_status, str(error)
        shown = getattr(error, "shown", False)
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        status, text, shown = INTERRUPTED, "interrupted; earlier output is as it was", False
    except Exception as error:
        if not hasattr(error, "format_message"):  # a usage error of the parser has one
            raise
        status, text, shown = 2, error.format_message(), False
    if "--json" in arguments and not shown:
        print(json.dumps({"error": text, "exit_status": status}))
    print(f"tnhw: {text}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
