"""Checks of the data of a fit against the formats of a model's first and last layer."""

import math

import numpy as np

from ..errors import InputError

__all__ = ["check_data"]


def check_data(x, y, first, last, shape, loss, part=""):
    """Check the inputs and targets of a fit.

    Parameters
    ----------
    x : int array [n, prod(shape)]
        In 0 .. 2^b - 1, with b the `input_bits` of the first layer.
    y : int array or None
        None if a teacher alone gives the targets. For ``loss="class"`` labels [n], 0 to `outputs` - 1 of the last layer; for ``vector`` [n, outputs], in 0 .. 2^b - 1
        with its `output_bits`.
    first, last : Layer
    shape : tuple of int or None
        Shape of one input.
    loss : str
        ``class`` or ``vector``.
    part : str
        Which data these are, for messages.

    Raises
    ------
    InputError
        If an array has a wrong shape, type or value.
    """
    x = np.asarray(x)
    bits, top = first.input_bits, 2**first.input_bits - 1
    if x.dtype.kind not in "iu":
        raise InputError(
            f"fit: `x`{part} must be integers in 0 .. {top} (u{bits}), not {x.dtype}; quantise it, for example "
            f"`numpy.clip(numpy.floor(x * {top + 1}), 0, {top}).astype(int)` for x in 0 .. 1"
        )
    elements = "features" if shape is None else math.prod(shape)
    if x.ndim != 2 or not len(x) or (shape is not None and x.shape[1] != elements):
        raise InputError(
            f"fit: `x`{part} must have the shape [n, {elements}], not {list(x.shape)}; reshape it row by row, channels last"
        )
    _range(
        x,
        top,
        f"fit: `x`{part}",
        f"u{bits}",
        "scale it, or make the first layer with more `input_bits`",
    )
    if y is None:
        return
    y = np.asarray(y)
    if loss == "class":
        if y.dtype.kind not in "iu" or y.shape != (len(x),):
            raise InputError(
                f"fit: `y`{part} must be labels, integers [{len(x)}], not {y.dtype} {list(y.shape)}; number the classes from 0"
            )
        _range(
            y,
            last.outputs - 1,
            f"fit: `y`{part}",
            "the outputs of the last layer",
            "number the classes from 0",
        )
        return
    if last.output_bits is None:
        raise InputError("a fit to vectors needs `output_bits` of the last layer")
    top = 2**last.output_bits - 1
    if y.dtype.kind not in "iu" or y.shape != (len(x), last.outputs):
        raise InputError(
            f"fit: `y`{part} must be integers [{len(x)}, {last.outputs}] in 0 .. {top}, not {y.dtype} {list(y.shape)}"
        )
    _range(
        y,
        top,
        f"fit: `y`{part}",
        f"u{last.output_bits}",
        "scale it, or give the last layer more `output_bits`",
    )


def _range(array, top, what, why, mend):
    if array.min() < 0 or array.max() > top:
        raise InputError(
            f"{what} must lie in 0 .. {top} ({why}), but holds {array.min()} .. {array.max()}; {mend}"
        )
