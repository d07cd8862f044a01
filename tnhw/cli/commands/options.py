"""Options that several commands share, and how commands print: tables, JSON, progress."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from ...support import environment
from ...support.results import console, rich_table
from ...support.terminal import say  # noqa: F401  (`say` for the commands)
from ...tools import logs


def _files(incomplete: str):
    """Names for shell completion. Where no name fits, the shell completes files."""
    from ...catalogue import kernel_names, model_names

    return [name for name in kernel_names() + model_names() if name.startswith(incomplete)]


def networks(incomplete: str):
    """Names of networks, for shell completion."""
    from ...catalogue import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


def _boards(incomplete: str):
    from ...boards import boards

    return [name for name in boards() if name.startswith(incomplete)]


def datasets(incomplete: str) -> list[str]:
    """Names for shell completion; none where a plug-in cannot be imported."""
    from ...data import datasets

    try:
        return [name for name in datasets.names() if name.startswith(incomplete)]
    except InputError:
        return []


File = Annotated[
    str,
    typer.Argument(
        help="A kernel file (.toml), a network (.npz or .onnx), or a name from `tnhw list`.",
        autocompletion=_files,
    ),
]


def _with_logs(out: Path):
    """Keep the logs of failed tools in the folder of the results."""
    logs.keep_in(out / "logs")
    return out


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Out = Annotated[
    Path, typer.Option("-o", "--out", help="Folder for the results.", callback=_with_logs)
]
Vectors = Annotated[int, typer.Option(help="Number of random vectors.")]
Seed = Annotated[int, typer.Option(help="Seed of the random numbers.", min=0)]
BoardName = Annotated[
    str,
    typer.Option(
        "--board",
        "-b",
        help="A board from `tnhw list`, or a board file (.toml).",
        autocompletion=_boards,
    ),
]

Folds = Annotated[
    str | None,
    typer.Option(
        help="Network: how many inputs x outputs of each layer are computed in a cycle, for example 16x4,8x1; a third number "
        "is that of images side by side, for example 16x4x2,8x1x2, and one behind a colon that of rows of its images which "
        "the layer holds, instead of two whole ones, for example 16x4:5,8x1:2."
    ),
]
Lanes = Annotated[
    int | None,
    typer.Option(
        help="Network: the most synapses to compute in a cycle, where --folds is not given (default 64)."
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        help="Network: the most images to compute side by side, where --folds is not given (default 1). They share the "
        "parameters that are read, so this is for designs that lack RAM and not logic."
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="Use the test vectors of this data set from `tnhw list`, and report the accuracy.",
        autocompletion=datasets,
    ),
]
DataFile = Annotated[
    Path | None,
    typer.Option(
        help="npz file of your own with vectors `x` [n, ...] and perhaps labels `y` [n] (or `x_test` and `y_test`, where it has "
        "them): used, and scored."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder with the files of data sets. Default: the variable TNHW_DATA."),
]


class Schedule(StrEnum):
    pipeline = "pipeline"
    shared = "shared"
    unrolled = "unrolled"


class Rom(StrEnum):
    auto = "auto"
    block = "block"
    logic = "logic"


ScheduleOption = Annotated[
    Schedule | None,
    typer.Option(
        help="Network: one engine for each layer, one engine that all layers share, or gates for each synapse and a vector in every cycle."
    ),
]
RomOption = Annotated[
    Rom | None, typer.Option(help="Network: put parameters into block RAM or into logic.")
]

Rtl = Annotated[
    list[Path] | None,
    typer.Option(
        "--rtl",
        help="Kernel: check this Verilog of your own instead of the generated one. It must have the same module name "
        "and ports. With --netlist: a netlist of this family's cells. May be repeated.",
        dir_okay=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Kernels: how many measurements run at the same time. Default: the number of cores.",
        min=1,
    ),
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Kernels: measure again, even where a result is in the cache."),
]
Loadable = Annotated[
    bool,
    typer.Option(
        "--loadable", help="Network: allow other parameters to be loaded after the build."
    ),
]


class ToolsChoice(StrEnum):
    pip = "pip"
    native = "native"


def _use_tools(context: typer.Context, value: ToolsChoice | None) -> ToolsChoice | None:
    """Have this command, and the processes that it starts, use these tools."""
    if value is not None:
        context.with_resource(environment.temporarily("TNHW_TOOLS", str(value)))
    return value


ToolsOption = Annotated[
    ToolsChoice | None,
    typer.Option(
        "--tools",
        callback=_use_tools,
        help="Whose synthesis, place and route and packers run: those that pip installs (the default, or what TNHW_TOOLS "
        "says), or the programs in PATH, for example of an OSS CAD Suite.",
    ),
]


class Family(StrEnum):
    ice40 = "ice40"
    ecp5 = "ecp5"
    machxo2 = "machxo2"
    gowin = "gowin"
    gatemate = "gatemate"
    nexus = "nexus"
    xc7 = "xc7"


MAX_MHZ = 10_000


def hertz(option, megahertz):
    """A frequency that was given in MHz, in whole Hz; None stays None."""
    if megahertz is None:
        return None
    if not 0 < megahertz <= MAX_MHZ:
        raise InputError(f"{option} must be above 0 and at most {MAX_MHZ} MHz, not {megahertz:g}")
    return max(1, round(megahertz * 1e6))


def clock_of(option, text):
    """A frequency that was given as ``board``, ``max``, or in MHz, for `tnhw.build`."""
    if text in ("board", "max"):
        return text
    try:
        megahertz = float(text)
    except ValueError:
        raise InputError(
            f"{option} must be `board`, `max` or a number of MHz, not {text!r}"
        ) from None
    return hertz(option, megahertz)


def vectors_of(file, design, dataset, data, data_file, count=None):
    """The first `count` vectors, int64 [n, inputs], and their targets or None, of a data set or of a file of one's own.

    Both are None if neither is named. Targets are as for `test_set`.
    """
    if dataset and data_file:
        raise InputError("give either --dataset or --data-file")
    if dataset:
        return test_set(dataset, data, count, design.outputs)
    if data_file is None:
        return None, None
    from ...catalogue import load
    from ...comparison.vectors import of_network
    from ...data import own
    from ...network import Network

    source = load(file)
    if isinstance(source, Network):
        x, targets = of_network(source, data_file, design.outputs)
    else:
        classes = design.outputs if design.outputs > 1 else None
        x, targets = own.integers(
            data_file, design.input, design.inputs, outputs=design.outputs, classes=classes
        )
    return x[:count], None if targets is None else targets[:count]


def test_set(dataset, data, count, outputs=None):
    """The first `count` test vectors of a data set, int64 [n, inputs], and their targets; all with None.

    Targets are labels [n], or numbers [n, m] for hardware whose results have m elements; `outputs` says how many they have.
    """
    import numpy as np

    from ...data import datasets

    loaded = datasets.load(dataset, data)
    x, targets = np.asarray(loaded.x_test)[:count], np.asarray(loaded.y_test)[:count]
    if targets.ndim == 2 and outputs is not None and targets.shape[1] != outputs:
        raise InputError(
            f"data set {dataset}: its targets are {targets.shape[1]} numbers for each vector, but a result here has "
            f"{outputs}; choose a data set that fits from `tnhw train --help`"
        )
    return x.reshape(len(x), -1).astype(np.int64), targets


def score(y, targets, peak):
    """What results [n, outputs] score against the targets of `test_set`: (name, key of JSON, number, unit)."""
    from ...data.scores import percent_correct, psnr

    if targets.ndim == 2:
        return "PSNR", "psnr_db", psnr(y, targets, peak), "dB"
    return "accuracy", "accuracy_percent", percent_correct(y, targets), "%"


def show(record, as_json, rows, title=None):
    """Print `record` as JSON, or `rows` as a table with aligned columns."""
    if as_json:
        print(json.dumps(record, indent=2, default=str))
        return
    made = rich_table(rows, title)
    console(made).print(made)


def show_result(result, as_json):
    """Print a record of `tnhw.api` as JSON, or its tables."""
    if as_json:
        show(result.to_dict(), True, [])
        return
    for title, lines, _ in result.tables():
        show(None, False, lines, title)
