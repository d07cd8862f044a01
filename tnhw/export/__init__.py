"""Formats that `tnhw export` writes: a registry, one module a format.

A format is a function ``export(file, out, say, **options) -> dict``: `file` is what the user named,
`out` the path to write, or None for the format's own default; `say` takes a sentence of progress.
The dict is what ``--json`` prints; the key ``written`` names what was made.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..errors import InputError
from ..support.config import nearest

__all__ = ["FORMATS", "ExportFormat", "export"]


@dataclass(frozen=True)
class ExportFormat:
    """One format.

    Parameters
    ----------
    name
        What `--format` takes.
    summary
        What goes in and what comes out, a short phrase.
    function
        ``module:function`` within this package; imported when it is used.
    options
        Names of the options of `tnhw export` that the function takes.
    """

    name: str
    summary: str
    function: str
    options: tuple[str, ...] = ()


FORMATS = {
    entry.name: entry
    for entry in (
        ExportFormat(
            "model", "checkpoint of `tnhw train`, or ONNX, to an npz file", "model:export"
        ),
        ExportFormat("onnx", "network to ONNX made of standard operators", "onnx:export"),
        ExportFormat(
            "tinytapeout",
            "kernel to a project folder for Tiny Tapeout",
            "tinytapeout:export",
            ("liberty", "tiles", "clock", "author"),
        ),
    )
}


def export(
    file: str | os.PathLike[str],
    name: str = "model",
    out: str | os.PathLike[str] | None = None,
    *,
    say: Callable[[str], object] = lambda text: None,
    **options: Any,
) -> dict[str, Any]:
    """Write `file` in the format of that name.

    Parameters
    ----------
    file : path or str
        As the format wants it: a checkpoint, a kernel TOML, a network, or a name from `tnhw list`.
    name : str
        Key of `FORMATS`.
    out : path, optional
        Where to; each format has a default.
    say : callable
        Told in a sentence what is done.
    **options
        Of the format; None is not given.

    Returns
    -------
    dict
        What was written.

    Raises
    ------
    InputError
        If there is no such format, or it does not take one of the options.
    """
    if name not in FORMATS:
        raise InputError(f"there is no format {name!r}; {nearest(name, FORMATS)}")
    entry = FORMATS[name]
    given = {key: value for key, value in options.items() if value is not None}
    if unknown := sorted(set(given) - set(entry.options)):
        option = unknown[0].replace("_", "-")
        raise InputError(f"the format `{name}` does not take --{option}; leave it out")
    module, function = entry.function.split(":")
    return getattr(import_module(f".{module}", __name__), function)(file, out, say, **given)
