"""Commands about boards: `build`, `upload`, `run`."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import CheckFailed, InputError
from .options import (
    BoardName,
    Data,
    DataFile,
    Dataset,
    File,
    Folds,
    Images,
    Json,
    Lanes,
    Loadable,
    Out,
    RomOption,
    ScheduleOption,
    Seed,
    ToolsOption,
    clock_of,
    say,
    score,
    show,
    show_result,
    vectors_of,
)

MAX_VECTORS = 1_000_000


def build(
    file: File,
    board: BoardName,
    seed: Annotated[int, typer.Option(help="Seed of place and route.", min=0)] = 1,
    frequency: Annotated[
        str,
        typer.Option(
            metavar="board|MHZ|max",
            help="At which clock the design runs: the board's; one that the device's PLL makes, in MHz; or the highest "
            "that the PLL makes and the routed design reaches.",
        ),
    ] = "board",
    baud: Annotated[int | None, typer.Option(help="Baud rate of the serial line.", min=1)] = None,
    allow_timing_fail: Annotated[
        bool,
        typer.Option(
            "--allow-timing-fail", help="Keep the bitstream even if it is too slow for the clock."
        ),
    ] = False,
    dsp: Annotated[
        bool | None,
        typer.Option("--dsp/--no-dsp", help="Put products into DSP blocks, or into logic."),
    ] = None,
    self_test: Annotated[
        int | None,
        typer.Option(
            help="Build without a serial line: store this many vectors on the board, and show the verdict on an LED.",
            min=1,
            max=MAX_VECTORS,
        ),
    ] = None,
    dataset: Dataset = None,
    data: Data = None,
    data_file: DataFile = None,
    folds: Folds = None,
    lanes: Lanes = None,
    images: Images = None,
    schedule: ScheduleOption = None,
    rom: RomOption = None,
    loadable: Loadable = False,
    tools: ToolsOption = None,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Build a bitstream that talks over a serial line, or one that tests itself.

    For a network without --folds and --lanes, the fastest folds are chosen that fit the board. For a board whose
    FPGA needs the vendor's tools, an archive with a build plan for these tools is written instead.
    """
    from ...api import build as build_for
    from ...boards import load_board
    from ...catalogue import load

    target, loaded = load_board(board), load(file)
    if (dataset or data_file) and self_test is None:
        raise InputError(
            "--dataset and --data-file choose the vectors of a self-test: please give --self-test as well"
        )
    x, _ = vectors_of(file, loaded, dataset, data, data_file, self_test)
    _warn_of_code(target, own=board.endswith(".toml"))
    record = build_for(
        loaded,
        target,
        seed=seed,
        frequency=clock_of("--frequency", frequency),
        baud=baud,
        allow_timing_fail=allow_timing_fail,
        self_test=self_test if x is None else x,
        out=out,
        say=say,
        folds=folds,
        lanes=lanes,
        images=images,
        schedule=schedule,
        rom=rom,
        dsp=dsp,
        loadable=loadable,
    )
    show_result(record, as_json)


def _vectors_of(arrays, path):
    if "x" not in arrays:
        raise InputError(f"{path}: there is no array `x`; save the vectors under this name")
    return arrays["x"]


def _warn_of_code(board, own):
    """Warn of the parts of a board file that are run as code and that do not come with tnhw."""
    if own and board.options:
        keys = " and ".join(f"`{name}`" for name in board.options)
        say(
            f"board {board.name}: {keys} in its `[options]` will be run by the build tools, as code"
        )
    module = (board.platform or "amaranth_boards.").split(":")[0]
    if not module.startswith("amaranth_boards."):
        say(
            f"board {board.name}: its platform is in the module `{module}`, whose code runs when it is imported"
        )


def upload(file: File, board: BoardName, out: Out = Path("build"), as_json: Json = False):
    """Program a board with the bitstream that `tnhw build` made."""
    from ...bitstream import find_record
    from ...boards import load_board
    from ...boards.host import upload as program
    from ...catalogue import load

    target = load_board(board)
    record = find_record(out / load(file).name / target.name)
    bitstream = record.out_dir / record.bitstream
    program(target, bitstream)
    show({"bitstream": bitstream, "board": target.name}, as_json, [("uploaded", bitstream)])


def run(
    file: File,
    port: Annotated[
        str, typer.Option(help="Serial port: the device file of, for example, ttyUSB0.")
    ],
    vectors: Annotated[
        int, typer.Option(help="Number of random vectors.", min=1, max=MAX_VECTORS)
    ] = 100,
    seed: Seed = 0,
    input: Annotated[
        Path | None,
        typer.Option(help="npz file with an array `x` of vectors to send, instead of random ones."),
    ] = None,
    baud: Annotated[int, typer.Option(help="Baud rate.", min=1)] = 115_200,
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="Network: the board that it was built for.")
    ] = None,
    load_from: Annotated[
        Path | None,
        typer.Option(
            "--load",
            help="Network that was built with --loadable: first load the parameters of this npz file.",
        ),
    ] = None,
    dataset: Dataset = None,
    data: Data = None,
    data_file: DataFile = None,
    out: Out = Path("build"),
    as_json: Json = False,
):
    """Send vectors to a board and compare every answer with the golden model."""
    import numpy as np

    from ...boards.host import run as run_board
    from ...catalogue import load, load_design
    from ...kernel.parameters import read
    from ...network import Network

    if isinstance(loaded := load(file), Network):
        if board is None:
            raise InputError(f"{file}: please name the board that it was built for with --board")
        from ...bitstream import find_record

        built = find_record(out / loaded.name / board)
        if built.self_test:
            raise InputError(
                f"{file}: the bitstream for {board} tests itself and has no serial line; build it without --self-test"
            )
        design = load_design(file, **built.design)
    else:
        design = loaded
    rng = np.random.default_rng(seed)
    targets = None
    if dataset or data_file:
        x, targets = vectors_of(file, design, dataset, data, data_file, vectors)
    else:
        x = _vectors_of(read(input), input) if input else design.random_input(rng, vectors)
    p = None if design.initialised else design.random_parameters(rng)
    if load_from is not None:
        if design is loaded or design.storage != "memory":
            raise InputError("--load needs a network that was built with --loadable")
        p = Network.load(load_from).arrays
    record = run_board(design, port, x, p, baud=baud)
    facts = {
        "vectors": record.vectors,
        "equal": record.equal,
        "repeated": record.repeated,
        "vectors_per_second": round(record.rate, 1),
    }
    if targets is not None:
        _, key, number, _ = score(record.y, targets, design.output_format.max)
        facts[key] = round(number, 2)
    show(facts, as_json, facts.items(), f"{design.name} on {port}")
    if record.equal != record.vectors:
        raise CheckFailed(
            f"{record.vectors - record.equal} of {record.vectors} answers differ from the golden "
            "model; is the bitstream built from this kernel file?"
        )
