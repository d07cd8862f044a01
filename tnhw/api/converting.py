"""`convert`: a trained network from a file, with layers of another rule."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import importing
from ..catalogue import load
from ..data import datasets, own
from ..errors import InputError
from ..importing.graph import node_text
from ..importing.tensors import QUANTISERS
from ..kernel import parameters
from ..network import Network
from ..onnx.files import parse
from ..onnx.reader import is_own
from ..synapse import Format

if TYPE_CHECKING:
    from ..train.converting import Conversion

__all__ = ["convert"]

CALIBRATED = 8  # bits to which a network of real numbers is quantised, to find what its layers are
CALIBRATION = 1000  # inputs by which its steps are chosen

File = str | os.PathLike[str]


def convert(
    source: File | Network,
    *,
    data_file: File | None = None,
    dataset: str | None = None,
    data: File | None = None,
    input: str | None = None,
    input_bits: int | None = None,
    name: str | None = None,
    out: File | None = None,
    report: Callable[[str], None] = lambda text: None,
    **settings: Any,
) -> Conversion:
    """Convert a network of tnhw, or one that others trained, and write it.

    Parameters
    ----------
    source : path, name or Network
        An ONNX or QONNX file, the npz file of a network, or a name from ``tnhw list``. For a model of torch there is
        :func:`tnhw.train.convert`.
    data_file : path, optional
        npz file with inputs `x` [n, ...], and perhaps labels `y` [n]; scores are those of `x_test` and `y_test`, if it has
        them. A graph takes real numbers; a network takes its
        integers, or real numbers if its card says how they become integers.
    dataset : str, optional
        A data set instead, with the folder `data` of its files. A network gets its integers, a graph these divided by
        the largest.
    input : str, optional
        Format of the inputs of a quantised graph that does not quantise them, as for ``tnhw import``.
    input_bits : int, optional
        Bits of inputs of the converted network, for real inputs. Default: those of the original, or 4 if it is not
        quantised.
    name : str, optional
        Of the network. Default: that of the file `out`, or that of the original with the rule.
    out : path, optional
        npz file to write. Default: none is written.
    report : callable
        Called with a line of text for each step.
    **settings
        As for :func:`tnhw.train.convert`.

    Raises
    ------
    InputError
        If the network has something that cannot be converted, or an argument is wrong; nothing is written.
    CheckFailed
        If ``keep="auto"`` loses too much with all layers kept.
    ToolMissing
        If PyTorch or a package for ONNX is missing.
    """
    from ..train import part

    converting = part("converting")
    if out is not None and Path(out).suffix != ".npz":
        raise InputError(f"-o {out}: must end in .npz")
    model, called = _model(source, input, input_bits, report)
    ours = isinstance(model, Network)
    x, y, parts, card = _data(data_file, dataset, data, ours)
    card["source"] = called
    rule = settings.get("rule", "threshold")
    name = name or (_named(model, called, rule) if out is None else Path(out).stem)
    settings |= {"input_bits": input_bits, "card": card, "report": report, **parts}
    made = converting.convert(model, x, y, name=name, **settings)
    if out is not None:
        made.network.save(out)
    return made


def _named(model, called, rule):
    """A name that says what was converted, and to what."""
    name = model.name if isinstance(model, Network) else Path(called).stem
    name = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "network"
    return f"{name}_{rule}" if name[0].isalpha() else f"net_{name}_{rule}"


def _model(source, given, bits, report):
    """A network, or a function that makes an `Original` of inputs; and what the card calls it."""
    is_file = isinstance(source, (str, os.PathLike))
    if is_file and Path(source).suffix == ".onnx" and not is_own(source):
        return (lambda x: _imported(Path(source), x, given, bits, report)), Path(source).name
    network = load(source)
    called = Path(source).name if is_file else network.name
    if not isinstance(network, Network):
        raise InputError(f"{called}: is a kernel; only networks are converted")
    if given is not None:
        raise InputError(f"{called}: its inputs have a format already: leave `input` out")
    return network, called


def _imported(path, x, given, bits, report):
    """The original of a graph that others trained, for real inputs x [n, ...]."""
    from ..train import part

    floating = not any(node.op_type in QUANTISERS for node in parse(path).graph.node)
    sample = x[:CALIBRATION] if floating else None
    imported = importing.load(path, input=given, calibrate=sample, bits=CALIBRATED, say=report)
    graph, network = imported.original, imported.network
    if pools := [node for node in graph.nodes if "Pool" in node.op_type]:
        raise InputError(
            f"{path}: {node_text(pools[0])}: pooling is not converted; a stride of the layer before it replaces it"
        )
    if x.size != len(x) * network.inputs:
        raise InputError(f"{path}: takes {network.inputs} numbers, but `x` is {list(x.shape)}")
    logits = None if imported.ends_in_class else _logits(graph)
    bits = bits or (4 if floating else None)
    return part("originals").of_network(
        network, x, encoder=imported.encoder, logits=logits, bits=bits
    )


def _logits(graph):
    """A function that gives the outputs of a graph before a softmax, float32 [n, classes], for inputs x [n, ...]."""
    last = graph.nodes[-1]
    tensor = last.input[0] if last.op_type in ("Softmax", "LogSoftmax") else graph.output

    def logits(x):
        (end,) = graph.reference(x.reshape(len(x), *graph.shape[1:]), [tensor])
        return end.reshape(len(end), -1).astype(np.float32)

    return logits


def _data(file, dataset, folder, integers):
    """Inputs and labels, the other parts of a data set as `convert` takes them, and facts for the card."""
    if dataset is not None and file is not None:
        raise InputError("give either a data set or a file with data")
    if dataset is not None:
        return _of_dataset(dataset, folder, integers)
    if file is None:
        raise InputError("give the data: a data set, or an npz file with inputs `x`")
    return _of_file(file, integers)


def _of_file(file, integers):
    """The same of an npz file. Its test part, if it has one, gives the scores."""
    found = parameters.read(file)

    def pair(x, y):
        inputs = own.numbers(found, x, file)
        inputs = inputs.reshape(len(inputs), -1) if integers else inputs.astype(np.float32)
        return inputs, found.get(y)

    parts = {"test": pair("x_test", "y_test")} if "x_test" in found else {}
    return *pair("x", "y"), parts, {"data": Path(file).name}


def _of_dataset(name, folder, integers):
    """Inputs and labels of a data set, its other parts as `convert` takes them, and facts for the card."""
    loaded = datasets.load(name, folder)
    known = loaded.dataset
    if known.task != "class":
        raise InputError(f"{name}: has no labels; only networks that give a class are converted")
    largest = Format.parse(known.input).max

    def own_inputs(x):
        if integers:
            return x
        x = (x / largest).astype(np.float32).reshape(len(x), *known.shape)
        return np.moveaxis(x, -1, 1) if len(known.shape) == 3 else x

    valid = own_inputs(loaded.x_valid), loaded.y_valid
    test = own_inputs(loaded.x_test), loaded.y_test
    card = {"data": known.title, "licence": known.licence}
    return own_inputs(loaded.x_train), loaded.y_train, {"valid": valid, "test": test}, card
