"""Reads a quantised network from an ONNX file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from ..kernel.names import check_design_name
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
    graph = Graph(parse(path), str(path))
    named = check_design_name(name) if name is not None else _name_of(path)
    return Walk(graph, named, input, result, say).whole()


def _name_of(path):
    """A name that is allowed, made of that of a file."""
    name = re.sub("[^a-z0-9]+", "_", Path(path).stem.lower()).strip("_")[:48] or "network"
    name = f"net_{name}" if not name[0].isalpha() else name
    try:
        return check_design_name(name)
    except InputError:
        return check_design_name(f"{name}_network")
