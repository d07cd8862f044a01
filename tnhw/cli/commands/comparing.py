"""Command `compare`, of networks and of kernels."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from .options import Data, Dataset, Folds, Fresh, Json, Out, Workers, say, show, test_set


def _models(incomplete: str):
    """Names for shell completion."""
    from ...catalogue import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


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
        int | None, typer.Option(help="Vectors of the activity; 8 for networks, 64 for kernels.", min=1)
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(help="Runs of place and route, of which speeds are medians; kernels: 0 for synthesis only.", min=0),
    ] = 5,
    peer: Annotated[
        str | None, typer.Option(help="Networks: the same by another generator, too: da4ml.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Kernels: trained network of operands and accuracy; one for all, or one a FILE in their order.",
            autocompletion=_models,
        ),
    ] = None,
    workers: Workers = None,
    fresh: Fresh = False,
    out: Out = Path("build"),
    as_json: Json = False,
):  # fmt: skip
    """Compare networks on a board's device, or kernels on FPGA families and cell libraries."""
    from ...catalogue import load
    from ...network import Network

    loaded = {file: load(file) for file in files}
    kinds = {isinstance(design, Network) for design in loaded.values()}
    if len(kinds) > 1:
        raise InputError("compare takes networks or kernels, not both at once")
    if kinds == {True}:
        if model:
            raise InputError("`--model` is for kernels: a network has its own parameters")
        if seeds < 1:
            raise InputError("networks need `--seeds` of at least 1")
        if len(target) > 1:
            raise InputError("networks are compared on one board: give one `--target`")
        options = {"folds": folds, "lanes": lanes, "seeds": range(1, seeds + 1), "peer": peer}
        tests = test_set(dataset, data, None) if dataset else (None, None)
        activity = 8 if vectors is None else vectors
        _compare_networks(loaded, target[0], tests, options | {"vectors": activity}, out, as_json)
        return
    if any(option is not None for option in (folds, lanes, dataset, peer)):
        raise InputError("`--folds`, `--lanes`, `--dataset` and `--peer` are for networks")
    if data and not model:
        raise InputError("`--data` is for networks, and for kernels with `--model`")
    options = {"vectors": vectors or 64, "seeds": tuple(range(1, seeds + 1)), "workers": workers}
    kernels = list(loaded.values())
    names = [kernel.name for kernel in kernels]
    if len(set(names)) < len(names):
        raise InputError("two kernels have the same name: give them different ones")
    options["operands"] = _operands(kernels, model or [], options["vectors"], data)
    _compare_kernels(kernels, target, options | {"cached": not fresh}, model or [], out, as_json)


def _operands(kernels, models, vectors, folder):
    """Operands of kernels by name out of trained networks: one for all, or one each."""
    from ...comparison import fpga
    from ...comparison.kernels import WARM_UP
    from ...comparison.operands import of_model

    if len(models) not in (0, 1, len(kernels)):
        raise InputError(
            f"`--model` is given {len(models)} times, but the number of kernels is {len(kernels)}: give one for "
            "all, or one for each in their order"
        )
    pairs = zip(kernels, models * len(kernels) if len(models) == 1 else models, strict=False)
    count = vectors + max(WARM_UP, fpga.WARM_UP)
    return {kernel.name: of_model(kernel, name, count, folder=folder) for kernel, name in pairs}


def _compare_kernels(kernels, targets, options, models, out, as_json):
    from ...comparison import kernels as comparison

    rows = comparison.compare(kernels, targets, say=say, **options)
    words = [kernel.name for kernel in kernels] + [f"-t {_shown(target)}" for target in targets]
    words += [f"--model {Path(name).stem}" for name in models]
    command = " ".join(["tnhw compare", *words])
    settings = {"vectors": options["vectors"], "seeds of place and route": list(options["seeds"])}
    show_rows(rows, out / "compare" / "kernels", as_json, command, settings)


def _shown(target):
    """A target without the folders of its library."""
    kind, colon, path = target.partition(":")
    return kind + colon + Path(path).name


def show_rows(rows, folder, as_json, command, settings):
    """Write kernels' rows as JSON, CSV, HTML and SVG, and print their table."""
    from ...comparison import report as reports
    from ...comparison import row as records

    record = records.report(rows, settings=settings)
    files = {"kernels.html": reports.html(rows, record, command), **reports.pictures(rows)}
    records.write(rows, folder, files, settings=settings)
    lines = []
    for target in dict.fromkeys(row.target for row in rows):
        places = [k for k, row in enumerate(rows) if row.target == target]
        table = reports.cells_of(
            [rows[k] for k in places], [record["rows"][k]["ratio"] for k in places]
        )
        title = f"{target}, everything counted"
        lines.append((table, title))
    if as_json:
        show(record | {"folder": folder}, True, [])
    for table, title in () if as_json else lines:
        show({}, False, table, title)
    for target in dict.fromkeys(row.target for row in rows if row.frequency):
        own = [row for row in rows if row.target == target]
        row, given = own[0], "; ".join(dict.fromkeys(row.operands for row in own))
        say(f"power on {target} is at {row.frequency:g} MHz, {given}; an estimate")
        say(f"Fmax on {target} is by {row.timer}, without layout")
    say(f"wrote {folder / 'kernels.html'}, kernels.json, kernels.csv and pictures beside")


def _compare_networks(networks, target, tests, options, out, as_json):
    from ...comparison import networks as comparison

    rows = comparison.compare(networks, target, x=tests[0], labels=tests[1], say=say, **options)
    folder = out / "compare" / target
    report = comparison.write(rows, folder)
    lines = [("network", "products", "folds", "accuracy %", "bits", "logic", "RAM", "DSP", "Fmax MHz", "of seeds",
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
                f"{min(row.fmax_seeds):.1f} to {max(row.fmax_seeds):.1f}",
                row.interval,
                f"{row.rate:,.0f}",
                f"{1e6 * row.seconds:.2f}",
                f"{row.activity['total']:,.0f}" if row.activity else "",
                f"{ratio['logic']:.2f}",
                f"{ratio['interval']:.2f}",
                f"{ratio['activity']:.2f}" if ratio["activity"] else "",
            )
        )
    show(report | {"folder": folder}, as_json, lines, f"{target}, alone behind few pins")
    say(f"wrote {folder / 'compare.json'} and {folder / 'compare.csv'}")
