"""Command `import`; what it does is in `tnhw.importing`."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from .options import Json, say, show

__all__ = ["import_"]


def import_(
    model: Annotated[
        Path,
        typer.Argument(
            help="A quantised network in ONNX or QONNX, from Brevitas, QKeras or onnxruntime."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="npz file to write. Default: the network's name, here."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the network. Default: made of the file's name.")
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(
            help="Format of the inputs, if the graph does not quantise them: `u8`, `s8:0.0625` (integers times a scale) or "
            "`bipolar` (bits that stand for -1 and +1)."
        ),
    ] = None,
    result: Annotated[
        str | None,
        typer.Option(
            help="`class` or `vector`. Default: a class if the last outputs are several and are not quantised."
        ),
    ] = None,
    check: Annotated[
        int,
        typer.Option(
            help="Random inputs on which every layer is compared with the graph.",
            min=0,
            max=100_000,
        ),
    ] = 200,
    data_file: Annotated[
        Path | None,
        typer.Option(
            help="npz file with real inputs `x` [n, ...] for the graph, and perhaps labels `y` [n], to compare on."
        ),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help="For a network that is not quantised: npz file with real inputs `x` [n, ...], by which steps are chosen."
        ),
    ] = None,
    bits: Annotated[
        int, typer.Option(help="With --calibrate: bits of weights and activations.", min=2, max=8)
    ] = 8,
    as_json: Json = False,
):
    """Make a network of one that others trained: exactly what its graph computes, in integers."""
    from ...data import own
    from ...importing import load

    if out is not None and out.suffix != ".npz":
        raise InputError(f"-o {out}: must end in .npz")
    inputs = None if calibrate is None else own.arrays(calibrate)[0]
    imported = load(
        model, name=name, input=input, result=result, calibrate=inputs, bits=bits, say=say
    )
    file = data_file or calibrate
    data = own.reals(file, imported.network.inputs) if file else None
    record, facts = _compared(imported, check, data, file)
    path = out or Path(f"{imported.network.name}.npz")
    imported.network.save(path)
    record["file"] = str(path)
    facts.append(("file", str(path)))
    if as_json:
        show(record, True, [])
        return
    show(None, False, [("node", "became"), *imported.rows], model.name)
    show(None, False, facts, imported.network.name)


def _compared(imported, count, data, file):
    """Compare a network with its graph: a record for JSON, and rows of a table."""
    from ...data.scores import percent_correct
    from ...importing.checking import check, random_inputs

    network, comparisons = imported.network, []
    record = {
        "network": network.name, "title": network.title, "input": str(network.input), "result": network.result,
        "nodes": [{"node": node, "became": became} for node, became in imported.rows],
        "ambiguous_thresholds": imported.ambiguous,
    }  # fmt: skip
    facts = [("network", network.title), ("input", str(network.input)), ("result", network.result)]
    if count:
        say(f"Comparing every layer with the graph on {count} random inputs ...")
        comparisons.append(("random inputs", check(imported, random_inputs(imported, count))))
    if data is not None:
        x, labels = data
        say(f"Comparing on {len(x)} inputs of {file} ...")
        comparisons.append((f"inputs of {file}", check(imported, x)))
        results = network.results(imported.encode(x)) if network.result == "class" else None
        if results is not None and imported.original is not imported.graph:
            _costs(imported, x, labels, results, record, facts)
        if results is not None and labels is not None:
            accuracy = percent_correct(results, labels)
            record["accuracy_percent"] = accuracy
            facts.append(("accuracy", f"{accuracy:.2f} %"))
    for what, found in comparisons:
        record.setdefault("comparisons", []).append({"of": what, **found.to_dict()})
        codes = sum(different for different, _ in found.layers.values())
        total = sum(of for _, of in found.layers.values())
        text = f"{found.results} results, {codes:,} of {total:,} integers between layers"
        text += f"; {found.ties} ties that float32 decided" if found.ties else ""
        facts.append((f"different on {found.inputs:,} {what}", text))
    if imported.ambiguous:
        facts.append(
            ("thresholds at which float32 may round either way", f"{imported.ambiguous:,}")
        )
    return record, facts


def _costs(imported, x, labels, results, record, facts):
    """Say what quantisation changed: how often the class is that of the network of real numbers, and its accuracy."""
    from ...data.scores import percent_correct
    from ...importing.checking import real_classes

    real = real_classes(imported, x)[:, None]
    rows = [("same class as with real numbers", "same_class_as_real_percent", results[:, 0])]
    if labels is not None:
        rows.append(("accuracy with real numbers", "accuracy_of_real_percent", labels))
    for text, key, others in rows:
        record[key] = percent_correct(real, others)
        facts.append((text, f"{record[key]:.2f} %"))
