"""Reads a quantised network from an ONNX file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..kernel.names import check_design_name
from .calibrating import quantised
from .graph import Graph, parse
from .records import Imported
from .walk import Walk

__all__ = ["Imported", "load"]


def load(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    input: str | None = None,
    result: str | None = None,
    calibrate: np.ndarray | None = None,
    bits: int = 8,
    say: Callable[[str], None] = lambda text: None,
) -> Imported:
    """Read a quantised network from an ONNX or QONNX file.

    Parameters
    ----------
    path : path
    name : str, optional
        Name of the network, by default made of that of the file.
    input : str, optional
        Format of the inputs, such as ``u8``, if the graph does not begin with a quantiser. The integers are the values
        themselves, or times a scale: ``s8:0.0625``. ``bipolar`` is for bits that stand for -1 and +1.
    result : str, optional
        ``class`` or ``vector``; by default a class if the last outputs are several and not quantised.
    calibrate : float array [n, ...], optional
        For a network that is not quantised: inputs like those that it will get. It is quantised with the steps that they
        suggest.
    bits : int
        With `calibrate`: bits of weights and of activations, 2 to 8.
    say : callable
        Called with a line of text for each layer.

    Raises
    ------
    InputError
        If the file is damaged, or has something that cannot be built: the message names the node and says why.
    ToolMissing
        If a package is missing.
    """
    if result not in (None, "class", "vector"):
        raise InputError(f'`result` must be "class" or "vector", not {result!r}')
    graph = original = Graph(parse(path), str(path))
    if calibrate is not None:
        if not 2 <= bits <= 8:
            raise InputError(f"`bits` must be 2 to 8, not {bits}")
        say(f"Quantising to {bits} bits by {len(calibrate)} inputs ...")
        x = np.asarray(calibrate, np.float32)
        if not len(x) or x.size != len(x) * np.prod(graph.shape[1:]):
            raise InputError(
                f"`calibrate` must be numbers [n, {str(list(graph.shape[1:]))[1:-1]}], not {list(x.shape)}"
            )
        graph = Graph(quantised(graph, x.reshape(len(x), *graph.shape[1:]), bits), str(path))
    named = check_design_name(name) if name is not None else _name_of(path)
    made = Walk(graph, named, input, result, say).whole()
    return replace(made, original=original)


def _name_of(path):
    """A name that is allowed, made of that of a file."""
    name = re.sub("[^a-z0-9]+", "_", Path(path).stem.lower()).strip("_")[:48] or "network"
    name = f"net_{name}" if not name[0].isalpha() else name
    try:
        return check_design_name(name)
    except InputError:
        return check_design_name(f"{name}_network")
