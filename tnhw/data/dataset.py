"""What a data set is: a record of its facts with its loader, and its integers in three parts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..synapse import Format

__all__ = ["TASKS", "Data", "Dataset", "Parts", "parted"]

TASKS = ("class", "vector")
MAX_BITS = 8
MAX_OUTPUTS = 9999
SHARE = 5  # one row in so many is kept for validation

#: x [n, ...], y of the training part, and x [n, ...], y of the test part.
Parts = tuple[Any, Any, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What is known about a data set without its files, and how they are loaded.

    Attributes
    ----------
    name : str
        An identifier; for a file of the user's own the file's name.
    title, licence : str
        For the card of every model that is trained on it.
    shape : tuple of int
        Shape of one input: (features,) or (height, width, channels).
    task : str
        ``class``: y [n] are labels, 0 to `outputs` - 1; ``vector``: y [n, outputs] are integers in the format `input`.
    outputs : int
        Number of classes, or of elements of a target vector.
    loader : callable
        Takes the folder of data sets (a path, or None if the user named none) and returns four arrays of integers: x and y
        of the training part, x and y of the test part. An x may have the shape [n, features] or [n, height, width, channels].
    valid : int, optional
        How many rows of the training part become the validation part. Default: a fifth.
    input : str
        Format of x, and of y if that is a vector: ``u1`` to ``u8``.

    Raises
    ------
    InputError
        If an attribute is not valid.
    """

    name: str
    title: str
    licence: str
    shape: tuple[int, ...]
    task: str
    outputs: int
    loader: Callable[[Path | None], Parts]
    valid: int | None = None
    input: str = "u4"

    def __post_init__(self) -> None:
        where = f"data set `{self.name}`"
        for key in ("title", "licence"):
            if not isinstance(getattr(self, key), str):
                raise InputError(f"{where}: `{key}` must be text, not {getattr(self, key)!r}")
        shape = self.shape
        if (
            not isinstance(shape, tuple)
            or len(shape) not in (1, 3)
            or not all(_positive(n) for n in shape)
        ):
            raise InputError(
                f"{where}: `shape` must be (features,) or (height, width, channels), not {shape!r}"
            )
        if self.task not in TASKS:
            raise InputError(f"{where}: `task` must be {' or '.join(TASKS)}, not {self.task!r}")
        least = 2 if self.task == "class" else 1
        if not _positive(self.outputs) or not least <= self.outputs <= MAX_OUTPUTS:
            raise InputError(
                f"{where}: `outputs` must be an integer of {least} to {MAX_OUTPUTS}, not {self.outputs!r}"
            )
        if not callable(self.loader):
            raise InputError(
                f"{where}: `loader` must be a function of a folder, not {self.loader!r}"
            )
        if self.valid is not None and not _positive(self.valid):
            raise InputError(f"{where}: `valid` must be a positive integer, not {self.valid!r}")
        if self.input not in [f"u{bits}" for bits in range(1, MAX_BITS + 1)]:
            raise InputError(f"{where}: `input` must be u1 to u{MAX_BITS}, not {self.input!r}")

    @property
    def bits(self) -> int:
        """Bits of an element of x."""
        return int(self.input[1:])

    @property
    def number(self) -> Format:
        """Format of an element of x."""
        return Format(self.bits)

    @property
    def word(self) -> str:
        """The name, or for a file its name without the ending, as a part of the names of models."""
        plain = re.sub(r"[^A-Za-z0-9]+", "_", Path(self.name).stem).strip("_")
        return plain if plain[:1].isalpha() else f"data_{plain}".rstrip("_")

    @property
    def summary(self) -> str:
        """Title, shape of an input, and number of classes or of elements of a target vector."""
        kind = "classes" if self.task == "class" else "outputs"
        return f"{self.title}; {' x '.join(map(str, self.shape))} inputs, {self.outputs} {kind}"

    def facts(self) -> dict[str, Any]:
        """What the layers of a network need: shape, task, outputs and input, JSON-able."""
        return {
            "shape": list(self.shape),
            "task": self.task,
            "outputs": self.outputs,
            "input": self.input,
        }


@dataclass(frozen=True)
class Data:
    """A data set: x int64 [n, prod(shape)] in raster order, channels last; y int64 [n] or [n, outputs].

    A data set may have no test part: then `x_test` and `y_test` have no rows.

    `card` is what the card of a network says of the data besides their title and licence, JSON-able.
    """

    dataset: Dataset
    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fitting(self) -> tuple[np.ndarray, np.ndarray]:
        """Training and validation part together, (x, y): the data for the training of a final model."""
        return (
            np.concatenate([self.x_train, self.x_valid]),
            np.concatenate([self.y_train, self.y_valid]),
        )

    @classmethod
    def of(cls, dataset: Dataset, parts: Parts, card: Mapping[str, Any] | None = None) -> Data:
        """The data set of arrays as a loader returns them, with its validation part taken from the training part.

        Without `card` it is the SHA-256 of the arrays.

        Raises
        ------
        InputError
            If an array has a wrong shape, type or value.
        """
        x, y = _checked(dataset, parts[0], parts[1], "training part")
        x_test, y_test = _checked(dataset, parts[2], parts[3], "test part")
        fit, valid = parted(len(x), dataset.valid, f"data set `{dataset.name}`")
        card = {"sha256": _digest(x, y, x_test, y_test)} if card is None else card
        return cls(dataset, x[fit], y[fit], x[valid], y[valid], x_test, y_test, card)


def parted(rows: int, valid: int | None, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are for training and which for validation, always the same for the same number of rows: two index arrays.

    `valid` is the number of rows for validation; by default it is a fifth.

    Raises
    ------
    InputError
        If one of the parts would have no rows; begins with `where`.
    """
    valid = rows // SHARE if valid is None else valid
    if not 0 < valid < rows:
        raise InputError(
            f"{where}: {rows} rows are too few to keep {max(valid, 1)} of them for validation; give at least {max(valid + 1, SHARE)}"
        )
    order = np.argsort(np.random.PCG64(0).random_raw(rows), kind="stable")
    return np.sort(order[valid:]), np.sort(order[:valid])


def _positive(number):
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def _checked(dataset, x, y, part):
    """x int64 [n, prod(shape)] and y int64 [n] or [n, outputs] of one part."""
    where = f"data set `{dataset.name}`, {part}"
    try:
        x, y = np.asarray(x), np.asarray(y)
    except ValueError:
        raise InputError(
            f"{where}: x or y has rows of different lengths; make them equal"
        ) from None
    elements = int(np.prod(dataset.shape))
    if x.dtype.kind not in "iu" or x.ndim < 2 or x.size != len(x) * elements:
        raise InputError(
            f"{where}: x must be integers [n, {elements}], not {x.dtype} {list(x.shape)}; correct its loader"
        )
    vector = dataset.task == "vector"
    shape = (len(x), dataset.outputs) if vector else (len(x),)
    if y.dtype.kind not in "iu" or y.shape != shape:
        raise InputError(
            f"{where}: y must be integers {list(shape)}, not {y.dtype} {list(y.shape)}; correct its loader"
        )
    if not len(x):
        raise InputError(f"{where}: has no rows; correct its loader")
    number = dataset.number
    highest = number.max if vector else dataset.outputs - 1
    for name, array, top in (("x", x, number.max), ("y", y, highest)):
        if array.min() < 0 or array.max() > top:
            raise InputError(
                f"{where}: {name} must lie in 0 .. {top}, but holds {array.min()} .. {array.max()}; correct its loader"
            )
    return x.reshape(len(x), elements).astype(np.int64, copy=False), y.astype(np.int64)


def _digest(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array, "<i8").tobytes())
    return digest.hexdigest()
