"""The formats that `tnhw export` writes: a registry, and a module for each format.

A format is a function ``export(file, out, say, **options) -> dict``. `file` is what the user named, `out` the path to
write, or None for the default of the format, and `say` is called with sentences that report progress. ``--json``
prints the dict; its key ``written`` names what was made.
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
        Its name for `--format`.
    summary
        A short phrase that says what is converted to what.
    function
        ``module:function`` in this package, which is imported when it is used.
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
        What the format takes: a checkpoint, a kernel TOML, a network, or a name from `tnhw list`.
    name : str
        A key of `FORMATS`.
    out : path, optional
        The path to write; most formats have a default.
    say : callable
        Called with a sentence for each step.
    **options
        Options of the format; None counts as not given.

    Returns
    -------
    dict
        What was written, under ``written``, and facts about it.

    Raises
    ------
    InputError
        If there is no such format, it does not take an option, or it cannot convert this file.
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
