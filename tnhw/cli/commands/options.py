"""Options that several commands take, and how a command speaks: tables, JSON, progress."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from ...support.results import console, rich_table
from ...support.terminal import say  # noqa: F401  (`say` for the commands)
from ...tools import logs


def _files(incomplete: str):
    """Names for shell completion; the shell adds files where there is none."""
    from ...catalogue import kernel_names, model_names

    return [name for name in kernel_names() + model_names() if name.startswith(incomplete)]


def _boards(incomplete: str):
    from ...boards import boards

    return [name for name in boards() if name.startswith(incomplete)]


File = Annotated[
    str,
    typer.Argument(
        help="Kernel TOML, npz or ONNX of a network, or a name from `tnhw list`.",
        autocompletion=_files,
    ),
]


def _with_logs(out: Path):
    """Logs of tools that fail go where the results would."""
    logs.keep_in(out / "logs")
    return out


Json = Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")]
Out = Annotated[
    Path, typer.Option("-o", "--out", help="Folder for all results.", callback=_with_logs)
]
Vectors = Annotated[int, typer.Option(help="Number of random vectors.")]
Seed = Annotated[int, typer.Option(help="Seed of what is random.", min=0)]
BoardName = Annotated[
    str,
    typer.Option(
        "--board", "-b", help="Board from `tnhw list`, or a board TOML.", autocompletion=_boards
    ),
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

Rtl = Annotated[
    list[Path] | None,
    typer.Option(
        "--rtl",
        help="Kernel: Verilog of your own in place of ours, with the same module and ports; repeatable. With "
        "--netlist: a netlist of this family's cells.",
        dir_okay=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Kernels: measurements at a time; as many as there are cores.", min=1),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Kernels: measure again what is known.")]
Loadable = Annotated[
    bool, typer.Option("--loadable", help="Network: other parameters may be loaded later.")
]


class Family(StrEnum):
    ice40 = "ice40"
    ecp5 = "ecp5"
    gowin = "gowin"
    xc7 = "xc7"


MAX_MHZ = 10_000


def hertz(option, megahertz):
    """A frequency that was given in MHz, in whole Hz; None stays None."""
    if megahertz is None:
        return None
    if not 0 < megahertz <= MAX_MHZ:
        raise InputError(f"{option} must be above 0 and at most {MAX_MHZ} MHz, not {megahertz:g}")
    return max(1, round(megahertz * 1e6))


def test_set(dataset, data, count):
    """Vectors and labels of a data set, at most `count`."""
    import numpy as np

    from ...data import datasets

    loaded = datasets.load(dataset, data)
    x = np.asarray(loaded.x_test)[:count]
    return x.reshape(len(x), -1).astype(np.int64), np.asarray(loaded.y_test)[:count]


def accuracy(y, labels):
    """Percent of results that name the label: a class, or the first largest output."""
    classes = y[:, 0] if y.shape[1] == 1 else y.argmax(axis=1)
    return 100 * float((classes == labels).mean())


def show(record, as_json, rows, title=None):
    """`record` as JSON, or `rows` as a table that lines up."""
    if as_json:
        print(json.dumps(record, indent=2, default=str))
        return
    made = rich_table(rows, title)
    console(made).print(made)


def show_result(result, as_json):
    """A record of `tnhw.api` as JSON, or as its tables."""
    if as_json:
        show(result.to_dict(), True, [])
        return
    for title, lines, _ in result.tables():
        show(None, False, lines, title)
