"""Vectors and labels of one's own, in an npz file, checked against what the hardware takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..kernel import parameters
from ..synapse import Format
from .encoding import Encoder

__all__ = ["arrays", "integers", "numbers", "reals"]


def integers(
    path: str | Path,
    number: Format,
    inputs: int,
    *,
    outputs: int | None = None,
    classes: int | None = None,
    encoder: Encoder | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors and targets of a file as hardware takes them; nothing is rounded or scaled.

    They are the arrays `x_test` and `y_test` if the file has them, as a file for training may, and otherwise `x` and `y`.

    Parameters
    ----------
    path : path
    number, inputs
        Format and number of the elements of a vector.
    outputs : int, optional
        Elements of a result; then targets may also be numbers [n, outputs].
    classes : int, optional
        Number of classes; then labels must be less.
    encoder : Encoder, optional
        That of a network whose inputs may also be real.

    Returns
    -------
    x : int64 array [n, inputs]
    y : int64 array [n] or [n, outputs], or None if the file has none

    Raises
    ------
    InputError
        If the file cannot be read, or an array has a wrong shape, type or value.
    """
    x, y, name = _vectors(path, inputs, outputs)
    if x.dtype.kind == "f":
        if encoder is None:
            raise InputError(
                f"{path}: `{name}` must be integers in {number.min} .. {number.max} ({number}), not {x.dtype}: quantise where it "
                "is made"
            )
        x = encoder.encode(x)
    if (
        y is not None
        and y.ndim == 1
        and classes is not None
        and not 0 <= y.min() <= y.max() < classes
    ):
        raise InputError(
            f"{path}: labels must be 0 to {classes - 1}, the classes of the network, but they are {y.min()} .. {y.max()}; number "
            "them from 0"
        )  # fmt: skip
    return parameters.vectors(x, inputs, number, f"{path}: `{name}`"), y


def reals(path: str | Path, elements: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors and labels of a file as a network of real numbers takes them: float32 [n, elements], and int64 [n] or None.

    They are `x_test` and `y_test` if the file has them, otherwise `x` and `y`.

    Raises
    ------
    InputError
        If the file cannot be read, or an array has a wrong shape, type or value.
    """
    x, y, _ = _vectors(path, elements, None)
    return x.astype(np.float32), y


def arrays(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """The arrays `x`, numbers [n, ...], and `y` or None.

    Raises
    ------
    InputError
        If the file cannot be read, or has no such `x`.
    """
    found = parameters.read(path)
    return numbers(found, "x", path), found.get("y")


def numbers(found: Mapping[str, np.ndarray], name: str, path: str | Path) -> np.ndarray:
    """An array of vectors, finite numbers [n, ...] with at least one row, among the arrays of a file.

    Raises
    ------
    InputError
        If there is no such array.
    """
    if name not in found:
        names = ", ".join(sorted(found)) or "none"
        raise InputError(f"{path}: has no array `{name}`, the vectors; it has {names}")
    x = found[name]
    if x.ndim < 1 or not len(x) or x.dtype.kind not in "iuf":
        raise InputError(
            f"{path}: `{name}` must be numbers [n, ...], not {x.dtype} {list(x.shape)}"
        )
    if not np.isfinite(x).all():
        raise InputError(f"{path}: `{name}` holds values that are not numbers")
    return x


def _vectors(path, elements, outputs):
    """Vectors as numbers [n, elements], targets or None, and the name of the array of vectors."""
    found = parameters.read(path)
    name, targets = ("x_test", "y_test") if "x_test" in found else ("x", "y")
    x, y = numbers(found, name, path), found.get(targets)
    if x.size != len(x) * elements:
        raise InputError(
            f"{path}: `{name}` must hold vectors of {elements} numbers, not {list(x.shape)}"
        )
    shapes = [(len(x),)] + ([(len(x), outputs)] if outputs is not None else [])
    if y is not None and (y.shape not in shapes or y.dtype.kind not in "iu"):
        allowed = " or ".join(str(list(shape)) for shape in shapes)
        raise InputError(
            f"{path}: `{targets}` must be integers {allowed}, not {y.dtype} {list(y.shape)}"
        )
    return x.reshape(len(x), elements), None if y is None else y.astype(np.int64), name
