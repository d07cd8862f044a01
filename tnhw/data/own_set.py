"""A data set of the user's own, for training: the arrays of one npz file."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from ..kernel import parameters
from ..synapse import Format
from .dataset import MAX_OUTPUTS, Data, Dataset, Parts, parted
from .encoding import Encoder
from .own import numbers

__all__ = ["load"]


def load(path: str | Path, bits: int = 4, quantise: Literal["all", "each"] | None = None) -> Data:
    """The data set of an npz file with `x` and `y` and perhaps `x_test` and `y_test`.

    `x` is [n, features], [n, height, width] or [n, height, width, channels]. `y` [n] are labels, 0 to the number of classes
    minus 1, or `y` [n, outputs] are vectors of integers in the format of x. A fifth of the rows is kept for validation.

    Parameters
    ----------
    path : path
    bits : int
        Bits of an input: its format is ``u<bits>``.
    quantise : str, optional
        For real inputs: steps of equal size over one range for ``all`` inputs, or over a range for ``each``. The ends of a range
        are the smallest and the largest number of the training part, without the rows for validation and for test.

    Returns
    -------
    Data
        Its card has the file's SHA-256, and with `quantise` the encoder. Without `x_test` it has no test part.

    Raises
    ------
    InputError
        If the file cannot be read, or an array is missing or has a wrong shape, type or value.
    """
    file = _File(Path(path), Format(bits))
    found = parameters.read(path)
    x, y = file.pair(found, "x", "y")
    shape = file.shape(x)
    task, outputs = file.targets(y)
    x_test, y_test = x[:0], y[:0]
    if "x_test" in found or "y_test" in found:
        x_test, y_test = file.pair(found, "x_test", "y_test")
        if x_test.shape[1:] != x.shape[1:]:
            raise InputError(
                f"{path}: `x_test` must be [n, ...] as `x` is, {list(x.shape)}, not {list(x_test.shape)}"
            )
        file.alike(y_test, task, outputs)
    card: dict[str, Any] = {"sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    fit, valid = parted(len(x), None, str(path))
    if quantise is not None:
        encoder = file.encoder(x, x_test, fit, quantise)
        x, x_test = encoder.encode(x), encoder.encode(x_test)
        card["encoder"] = encoder.to_dict()
    dataset = Dataset(
        name=Path(path).name,
        title=Path(path).name,
        licence="not stated",
        shape=shape,
        task=task,
        outputs=outputs,
        input=str(file.number),
        loader=lambda folder: _parts(load(path, bits, quantise)),
    )
    x, x_test = (file.integers(name, part) for name, part in (("x", x), ("x_test", x_test)))
    return Data(dataset, x[fit], y[fit], x[valid], y[valid], x_test, y_test, card)


def _parts(data: Data) -> Parts:
    return *data.fitting, data.x_test, data.y_test


@dataclass(frozen=True)
class _File:
    """The checks of a file's arrays against the format of an input."""

    path: Path
    number: Format

    def pair(self, found, x, y):
        """Vectors, numbers [n, ...], and targets, int64 [n] or [n, outputs]."""
        inputs, targets = numbers(found, x, self.path), found.get(y)
        if targets is None:
            raise InputError(
                f"{self.path}: has no array `{y}`, the labels or target vectors of `{x}`; add it"
            )
        if targets.dtype.kind not in "iu":
            raise InputError(
                f"{self.path}: `{y}` must be integers, not {targets.dtype}; number the classes from 0, for example with "
                "`numpy.unique(labels, return_inverse=True)[1]`"
            )
        if targets.ndim not in (1, 2) or len(targets) != len(inputs):
            raise InputError(
                f"{self.path}: `{y}` must be labels [{len(inputs)}] or vectors [{len(inputs)}, outputs], as many as `{x}` has, "
                f"not {list(targets.shape)}"
            )
        if targets.size and int(targets.max()) > np.iinfo(np.int64).max:
            raise InputError(
                f"{self.path}: `{y}` holds {targets.max()}, which is too large; give smaller numbers"
            )
        return inputs, targets.astype(np.int64)

    def targets(self, y):
        """Task and number of outputs of the targets of the training part."""
        if y.ndim == 2:
            outputs = y.shape[1]
            if not 1 <= outputs <= MAX_OUTPUTS:
                raise InputError(
                    f"{self.path}: vectors in `y` must have 1 to {MAX_OUTPUTS} elements, not {outputs}"
                )
            self.alike(y, "vector", outputs, "y")
            return "vector", outputs
        classes = np.unique(y)
        if classes[0] < 0 or classes[-1] >= len(classes):
            raise InputError(
                f"{self.path}: labels in `y` must be 0 to the number of classes minus 1, each with a row, but they are "
                f"{len(classes)} different ones in {classes[0]} .. {classes[-1]}; number the classes from 0 without gaps"
            )
        if not 2 <= len(classes) <= MAX_OUTPUTS:
            raise InputError(
                f"{self.path}: the labels in `y` must name 2 to {MAX_OUTPUTS} classes, not {len(classes)}"
            )
        return "class", len(classes)

    def alike(self, y, task, outputs, name="y_test"):
        """Check targets against what the training part has."""
        shape = (len(y),) if task == "class" else (len(y), outputs)
        if y.shape != shape:
            raise InputError(
                f"{self.path}: `{name}` must be {list(shape)}, as `y` is, not {list(y.shape)}"
            )
        top = outputs - 1 if task == "class" else self.number.max
        if y.min() < 0 or y.max() > top:
            what = "a class of `y`" if task == "class" else f"in {self.number}"
            raise InputError(
                f"{self.path}: `{name}` must lie in 0 .. {top} ({what}), but holds {y.min()} .. {y.max()}"
            )

    def shape(self, x):
        """Shape of an input: (features,) or (height, width, channels)."""
        inner = x.shape[1:]
        if len(inner) not in (1, 2, 3) or 0 in inner:
            raise InputError(
                f"{self.path}: `x` must be [n, features], [n, height, width] or [n, height, width, channels], not "
                f"{list(x.shape)}"
            )
        return (*inner, 1) if len(inner) == 2 else inner

    def encoder(self, x, x_test, rows, quantise):
        """The encoder of real inputs, with the ends of the training rows."""
        for name, part in (("x", x), ("x_test", x_test)):
            if part.dtype.kind != "f":
                raise InputError(
                    f"{self.path}: `{name}` holds integers already, and --quantise is for real numbers; leave it out, or save "
                    f"`{name}.astype(float)`"
                )
        try:
            return Encoder.between(x[rows], self.number, each=quantise == "each")
        except ValueError as error:
            raise InputError(
                f"{self.path}: `x` cannot be quantised: {error}; leave such inputs out"
            ) from None

    def integers(self, name, x):
        """Vectors int64 [n, inputs] in the format, or an error that says what can be done."""
        low, high = self.number.min, self.number.max
        if x.dtype.kind == "f":
            raise InputError(
                f"{self.path}: `{name}` must be integers in {low} .. {high} ({self.number}), not {x.dtype}; quantise where it is "
                "made, or give --quantise all (one range for all inputs) or --quantise each (a range for each input)"
            )
        if x.size and not self.number.holds(x):
            raise InputError(
                f"{self.path}: `{name}` must lie in {low} .. {high} ({self.number}), but holds {x.min()} .. {x.max()}; choose "
                "another format with --input-bits, or scale where it is made"
            )
        return x.reshape(len(x), math.prod(x.shape[1:])).astype(np.int64)
