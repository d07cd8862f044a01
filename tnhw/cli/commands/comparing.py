"""Command `compare`, of networks and of kernels."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from .options import (
    Data,
    DataFile,
    Dataset,
    Folds,
    Fresh,
    Images,
    Json,
    Out,
    Workers,
    networks,
    say,
    show,
    show_result,
    test_set,
)


def compare(
    files: Annotated[
        list[str],
        typer.Argument(help="Two or more networks, or kernels: files or names. Ratios are to the first."),
    ],
    target: Annotated[
        list[str],
        typer.Option(
            "--target", "-t",
            help="Networks: a board. Kernels: ice40, ecp5, gowin, xc7 or liberty:PATH; may be repeated.",
        ),
    ],
    folds: Folds = None,
    lanes: Annotated[
        int | None, typer.Option(help="Networks: add rows in which each network computes at most this many synapses in a cycle.")
    ] = None,
    images: Images = None,
    dataset: Dataset = None,
    data: Data = None,
    data_file: DataFile = None,
    vectors: Annotated[
        int | None, typer.Option(help="How many vectors are simulated to estimate activity. Default: 8 for networks, 64 for kernels.", min=1)
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(help="Runs of place and route; speeds are their medians. Kernels: 0 stops after synthesis.", min=0),
    ] = 5,
    peer: Annotated[
        str | None, typer.Option(help="Networks: build the same networks with another generator as well (da4ml), and unrolled beside it.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Kernels: a trained network that provides operands and accuracy. Give one for all kernels, or one for each in their order.",
            autocompletion=networks,
        ),
    ] = None,
    workers: Workers = None,
    fresh: Fresh = False,
    out: Out = Path("build"),
    as_json: Json = False,
):  # fmt: skip
    """Compare networks on a board's device, or kernels on FPGA families and cell libraries."""
    from ...api import compare as measure
    from ...comparison.results import KernelComparison

    x, labels = _vectors(dataset, data, data_file, model)
    found = measure(
        files,
        target,
        vectors=vectors,
        seeds=seeds,
        models=model or (),
        data=data,
        workers=workers,
        cached=not fresh,
        folds=folds,
        lanes=lanes,
        images=images,
        x=x,
        labels=labels,
        data_file=data_file,
        peer=peer,
        say=say,
    )
    if isinstance(found, KernelComparison):
        words = [row.name for row in found.rows]
        words = [*dict.fromkeys(words), *(f"-t {_shown(one)}" for one in target)]
        words += [f"--model {Path(name).stem}" for name in model or []]
        words += [f"--data-file {data_file.name}"] if data_file else []
        command = " ".join(["tnhw compare", *words])
        show_kernels(found, out / "compare" / "kernels", as_json, command)
    else:
        _show_networks(found, out / "compare" / found.target, as_json)


def _vectors(dataset, data, data_file, model):
    """Vectors and labels of a data set for networks, or None for both; `data`, `data_file` and `model` are for the checks."""
    if data and (data_file or not (model or dataset)):
        raise InputError(
            "--data is for networks with --dataset, and for kernels with --model and without --data-file"
        )
    if dataset and data_file:
        raise InputError("give either --dataset or --data-file")
    if not dataset:
        return None, None
    x, labels = test_set(dataset, data, None)
    if labels.ndim == 2:
        raise InputError(
            f"data set {dataset}: its targets are no classes, and a comparison shows how many classes are right"
        )
    return x, labels


def _shown(target):
    """A target without the folders of its library."""
    kind, colon, path = target.partition(":")
    return kind + colon + Path(path).name


def show_kernels(found, folder, as_json, command):
    """Write a comparison of kernels as JSON, CSV, HTML and SVG, and print its tables."""
    record = found.write(folder, command)
    if as_json:
        show(record | {"folder": folder}, True, [])
    else:
        show_result(found, False)
    for target in found.targets:
        row = next(row for row in found.rows if row.target == target)
        if not row.frequency:
            continue
        given = "; ".join(dict.fromkeys(one.operands for one in found.rows if one.target == target))
        say(f"power on {target} is an estimate, at {row.frequency:g} MHz: {given}")
        say(f"Fmax on {target} is calculated by {row.timer}, without layout")
    say(
        f"wrote {folder / 'kernels.html'}, kernels.json, kernels.csv and pictures in the same folder"
    )


def _show_networks(found, folder, as_json):
    """Write a comparison of networks as JSON and CSV, and print its table."""
    record = found.write(folder)
    if as_json:
        show(record | {"folder": folder}, True, [])
    else:
        show_result(found, False)
    say(f"wrote {folder / 'compare.json'} and {folder / 'compare.csv'}")
