"""Command `compare`, of networks and of kernels."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from .options import Data, Dataset, Folds, Json, Out, say, show, test_set


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
    from ..library import load
    from ..network import Network

    loaded = {file: load(file) for file in files}
    kinds = {isinstance(design, Network) for design in loaded.values()}
    if len(kinds) > 1:
        raise InputError("compare takes networks or kernels, not both at once")
    if kinds == {True}:
        if len(target) > 1:
            raise InputError("networks are compared on one board: give one `--target`")
        options = {"folds": folds, "lanes": lanes, "seeds": range(1, seeds + 1)}
        tests = test_set(dataset, data, None) if dataset else (None, None)
        activity = 8 if vectors is None else vectors
        _compare_networks(loaded, target[0], tests, options | {"vectors": activity}, out, as_json)
        return
    if any(option is not None for option in (folds, lanes, dataset, data)):
        raise InputError("`--folds`, `--lanes`, `--dataset` and `--data` are for networks")
    _compare_kernels(list(loaded.values()), target, vectors or 64, out, as_json)


def _compare_kernels(kernels, targets, vectors, out, as_json):
    from ..ppa import kernels as comparison

    rows = comparison.compare(kernels, targets, vectors=vectors, say=say)
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
    show(report | {"folder": folder}, as_json, lines, "kernels, everything counted")
    frequencies = {row.target: row.frequency for row in rows if row.frequency}
    for name, frequency in frequencies.items():
        say(
            f"power on {name} is at {frequency:g} MHz, {rows[-1].operands or 'random operands'}; an estimate"
        )
    say(f"wrote {folder / 'kernels.json'} and {folder / 'kernels.csv'}")


def _compare_networks(networks, target, tests, options, out, as_json):
    from ..ppa import compare as comparison

    rows = comparison.compare(networks, target, x=tests[0], labels=tests[1], say=say, **options)
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
    show(report | {"folder": folder}, as_json, lines, f"{target}, alone behind few pins")
    say(f"wrote {folder / 'compare.json'} and {folder / 'compare.csv'}")
