"""Command `import`; what it does is in `tnhw.importing`."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import CheckFailed, InputError
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
    from ...importing import load

    inputs = None if calibrate is None else _arrays(calibrate)["x"]
    imported = load(
        model, name=name, input=input, result=result, calibrate=inputs, bits=bits, say=say
    )
    data = None if data_file is None else _read(data_file, imported)
    if data is None and calibrate is not None:
        data, data_file = _read(calibrate, imported), calibrate
    record, facts = _compared(imported, model, check, data, data_file)
    path = out or Path(f"{imported.network.name}.npz")
    if path.suffix != ".npz":
        raise InputError(f"-o {path}: must end in .npz")
    imported.network.save(path)
    record["file"] = str(path)
    facts.append(("file", str(path)))
    if as_json:
        show(record, True, [])
        return
    show(None, False, [("node", "became"), *imported.rows], model.name)
    show(None, False, facts, imported.network.name)


def _compared(imported, model, check, data, data_file):
    """Compare a network with its graph: a record for JSON, and rows of a table."""
    from ...importing.checking import compare, random_inputs

    network, comparisons = imported.network, []
    record = {
        "network": network.name, "title": network.title, "input": str(network.input), "result": network.result,
        "nodes": [{"node": node, "became": became} for node, became in imported.rows],
        "ambiguous_thresholds": imported.ambiguous,
    }  # fmt: skip
    facts = [("network", network.title), ("input", str(network.input)), ("result", network.result)]
    if check:
        say(f"Comparing every layer with the graph on {check} random inputs ...")
        comparisons.append(("random inputs", compare(imported, random_inputs(imported, check))))
    if data is not None:
        x, labels = data
        say(f"Comparing on {len(x)} inputs of {data_file} ...")
        comparisons.append((f"inputs of {data_file}", compare(imported, x)))
        if network.result == "class" and imported.original is not imported.graph:
            _costs(imported, x, labels, record, facts)
        if labels is not None and network.result == "class":
            accuracy = 100 * float((network.classes(imported.encode(x)) == labels).mean())
            record["accuracy_percent"] = round(accuracy, 4)
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
    if any(found.unexplained for _, found in comparisons):
        raise CheckFailed(
            f"{model}: the network does not compute what the graph does; nothing was written. This is a fault of tnhw: please "
            "report it with the file"
        )
    return record, facts


def _costs(imported, x, labels, record, facts):
    """Say what quantisation changed: how often the class is that of the network of real numbers, and its accuracy."""
    from ...importing.checking import real_classes

    classes = real_classes(imported, x)
    same = 100 * float((imported.network.classes(imported.encode(x)) == classes).mean())
    record["same_class_as_real_percent"] = round(same, 4)
    facts.append(("same class as with real numbers", f"{same:.2f} %"))
    if labels is not None:
        accuracy = 100 * float((classes == labels).mean())
        record["accuracy_of_real_percent"] = round(accuracy, 4)
        facts.append(("accuracy with real numbers", f"{accuracy:.2f} %"))


def _arrays(path):
    """The arrays of an npz file with real inputs."""
    import numpy as np

    from ...kernel import parameters

    arrays = parameters.read(path)
    if "x" not in arrays:
        raise InputError(
            f"{path}: has no array `x`, the inputs; it has {', '.join(sorted(arrays)) or 'none'}"
        )
    if arrays["x"].dtype.kind in "f" and not np.isfinite(arrays["x"]).all():
        raise InputError(f"{path}: `x` holds values that are not numbers")
    return arrays


def _read(path, imported):
    """Inputs and labels (or None) of an npz file, checked against the graph."""
    import numpy as np

    arrays = _arrays(path)
    x, shape = arrays["x"], imported.graph.shape[1:]
    if x.dtype.kind not in "iuf" or not len(x) or int(np.prod(x.shape[1:])) != int(np.prod(shape)):
        raise InputError(
            f"{path}: `x` must be numbers [n, {', '.join(map(str, shape))}], not {x.dtype} {list(x.shape)}"
        )
    labels = arrays.get("y")
    if labels is not None and (labels.shape != (len(x),) or labels.dtype.kind not in "iu"):
        raise InputError(
            f"{path}: `y` must be {len(x)} integers, not {labels.dtype} {list(labels.shape)}"
        )
    return x.astype(np.float32), labels
