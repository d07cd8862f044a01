"""Vectors and labels of one's own, in an npz file, checked against what the hardware takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..kernel import parameters
from ..synapse import Format
from .encoding import Encoder

__all__ = ["arrays", "integers", "reals"]


def integers(
    path: str | Path,
    number: Format,
    inputs: int,
    *,
    outputs: int | None = None,
    encoder: Encoder | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The arrays `x` and `y` of a file as hardware takes them; nothing is rounded or scaled.

    Parameters
    ----------
    path : path
    number, inputs
        Format and number of the elements of a vector.
    outputs : int, optional
        Elements of a result; then `y` may also be numbers [n, outputs].
    encoder : Encoder, optional
        That of an imported network, whose `x` may then be real.

    Returns
    -------
    x : int64 array [n, inputs]
    y : int64 array [n] or [n, outputs], or None if the file has none

    Raises
    ------
    InputError
        If the file cannot be read, or an array has a wrong shape, type or value.
    """
    x, y = _vectors(path, inputs, outputs)
    if x.dtype.kind == "f":
        if encoder is None:
            raise InputError(
                f"{path}: `x` must be integers in {number.min} .. {number.max} ({number}), not {x.dtype}: quantise where it is "
                "made"
            )
        x = encoder.encode(x)
    return parameters.vectors(x, inputs, number, f"{path}: `x`"), y


def reals(path: str | Path, elements: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The arrays `x` and `y` of a file as a network of real numbers takes them: float32 [n, elements], and int64 [n] or None.

    Raises
    ------
    InputError
        If the file cannot be read, or an array has a wrong shape, type or value.
    """
    x, y = _vectors(path, elements, None)
    return x.astype(np.float32), y


def arrays(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """The arrays `x`, numbers [n, ...], and `y` or None.

    Raises
    ------
    InputError
        If the file cannot be read, or has no such `x`.
    """
    found = parameters.read(path)
    if "x" not in found:
        names = ", ".join(sorted(found)) or "none"
        raise InputError(f"{path}: has no array `x`, the vectors; it has {names}")
    x = found["x"]
    if x.ndim < 1 or not len(x) or x.dtype.kind not in "iuf":
        raise InputError(f"{path}: `x` must be numbers [n, ...], not {x.dtype} {list(x.shape)}")
    if not np.isfinite(x).all():
        raise InputError(f"{path}: `x` holds values that are not numbers")
    return x, found.get("y")


def _vectors(path, elements, outputs):
    """`x` as numbers [n, elements], and `y` or None."""
    x, y = arrays(path)
    if x.size != len(x) * elements:
        raise InputError(
            f"{path}: `x` must hold vectors of {elements} numbers, not {list(x.shape)}"
        )
    shapes = [(len(x),)] + ([(len(x), outputs)] if outputs is not None else [])
    if y is not None and (y.shape not in shapes or y.dtype.kind not in "iu"):
        allowed = " or ".join(str(list(shape)) for shape in shapes)
        raise InputError(f"{path}: `y` must be integers {allowed}, not {y.dtype} {list(y.shape)}")
    return x.reshape(len(x), elements), None if y is None else y.astype(np.int64)
