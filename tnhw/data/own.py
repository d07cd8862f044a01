"""Vectors and labels of one's own, in an npz file, checked against what the hardware takes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..kernel import parameters
from ..synapse import Format

__all__ = ["load"]


def load(
    path: str | Path,
    number: Format,
    inputs: int,
    *,
    outputs: int | None = None,
    encoder: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The arrays `x` and `y` of a file.

    Parameters
    ----------
    path : path
    number, inputs
        Format and number of the elements of a vector.
    outputs : int, optional
        Elements of a result; then `y` may also be numbers [n, outputs].
    encoder : dict, optional
        How an imported network makes its integers of real numbers, from its card; `x` may then be real.

    Returns
    -------
    x : int64 array [n, inputs]
    y : int64 array [n] or [n, outputs], or None if the file has none

    Raises
    ------
    InputError
        If the file cannot be read, or an array has a wrong shape, type or value; nothing is rounded or scaled.
    """
    arrays = parameters.read(path)
    if "x" not in arrays:
        found = ", ".join(sorted(arrays)) or "none"
        raise InputError(f"{path}: has no array `x`, the vectors; it has {found}")
    x = arrays["x"]
    if x.ndim < 1 or not len(x) or x.size != len(x) * inputs:
        raise InputError(f"{path}: `x` must hold vectors of {inputs} numbers, not {list(x.shape)}")
    flat = x.reshape(len(x), inputs)
    if x.dtype.kind == "f":
        flat = _encoded(path, flat, number, encoder)
    flat = parameters.vectors(flat, inputs, number, f"{path}: `x`")
    y = arrays.get("y")
    if y is None:
        return flat, None
    shapes = [(len(x),)] + ([(len(x), outputs)] if outputs is not None else [])
    if y.shape not in shapes or y.dtype.kind not in "iu":
        allowed = " or ".join(str(list(shape)) for shape in shapes)
        raise InputError(f"{path}: `y` must be integers {allowed}, not {y.dtype} {list(y.shape)}")
    return flat, y.astype(np.int64)


def _encoded(path, x, number, encoder):
    """Integers for real vectors, by the quantiser at the input of an imported network."""
    if encoder is None:
        raise InputError(
            f"{path}: `x` must be integers in {number.min} .. {number.max} ({number}), not {x.dtype}: quantise where it is made"
        )
    if not np.isfinite(x).all():
        raise InputError(f"{path}: `x` holds values that are not numbers")
    order = encoder.get("order")
    x = np.asarray(x, np.float32)
    x = x if order is None else x[:, order]
    steps = np.array(encoder["steps"], np.float32)
    return encoder["low"] + np.searchsorted(steps, x, side="right").astype(np.int64)
