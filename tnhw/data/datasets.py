"""Data sets as integers, for the training and the test of networks.

Nothing is downloaded: the user names a folder with the files. The decoded integers are compared with a digest, so any
packaging of the same data will do. Choices during training are made with the validation part, which is taken from the
training part; the test part is used once, at the end.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..support import environment
from ..support.config import nearest
from .files import READERS

__all__ = ["DATASETS", "Data", "Dataset", "load"]


@dataclass(frozen=True)
class Dataset:
    """What is known about a data set without its files.

    Attributes
    ----------
    name : str
    title, licence : str
        For the card of every model that is trained on it.
    shape : tuple of int
        Shape of one input: (features,) or (height, width, channels).
    task : str
        ``class``: y is a label, 0 to 9; ``vector``: y is an array like x.
    digest : str
        SHA-256 of the decoded integers; see `_digest`.
    files : str
        Which files the folder must have, as a part of a sentence.
    valid : int
        How many rows of the training part become the validation part.
    input : str
        Format of x, and of y if that is a vector.
    """

    name: str
    title: str
    licence: str
    shape: tuple[int, ...]
    task: str
    digest: str
    files: str
    valid: int
    input: str = "u4"


@dataclass(frozen=True)
class Data:
    """A data set: x int64 [n, prod(shape)] in raster order, channels last; y int64 [n] or [n, outputs]."""

    dataset: Dataset
    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def fitting(self) -> tuple[np.ndarray, np.ndarray]:
        """Training and validation part together, (x, y): the data for the training of a final model."""
        return (
            np.concatenate([self.x_train, self.x_valid]),
            np.concatenate([self.y_train, self.y_valid]),
        )


_OPTDIGITS: dict[str, Any] = dict(
    licence="CC BY 4.0",
    shape=(64,),
    files="`optdigits.tra` and `optdigits.tes` (data set `optdigits` of the UCI repository)",
    valid=765,
    digest="3ec8e42fc84dcd1331e3178ceac8ab51dfa0e753d4680138b6698884029e2592",
)
DATASETS = {
    d.name: d
    for d in (
        Dataset(
            "digits",
            "handwritten digits 8x8 of scikit-learn, which are the test set of UCI optdigits",
            "CC BY 4.0",
            (64,),
            "class",
            "0884ff598854b0e8d0cee5cbea9a1a42bd1dd63af2fd60ecc80c02fefeef82c7",
            "nothing: scikit-learn brings it",
            270,
        ),
        Dataset(
            "optdigits",
            "UCI Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998",
            task="class",
            **_OPTDIGITS,
        ),
        Dataset(
            "denoise",
            "UCI optdigits 8x8 with noise added (see `tnhw.data.datasets.noisy`), clean images as target",
            task="vector",
            **_OPTDIGITS,
        ),
        Dataset(
            "pendigits",
            "UCI Pen-Based Recognition of Handwritten Digits, Alpaydin and Alimoglu 1996",
            "CC BY 4.0",
            (16,),
            "class",
            "2bb0ffbdd2686d52470f92e7708b962881f1cef4037d5b384804aa022a3c1d07",
            "`pendigits.csv`, or `pendigits.tra` and `pendigits.tes` (data set `pendigits` of the UCI "
            "repository)",
            1499,
        ),
        Dataset(
            "mnist",
            "MNIST, LeCun, Cortes, Burges 1998",
            "CC BY-SA 3.0",
            (28, 28, 1),
            "class",
            "d1476d457f40709d6ab7a633f0ba181f978074ee4ab65a6a80ae743e350fd388",
            "`mnist.npz` (arrays Xtrain, ytrain, Xtest, ytest), or the four files "
            "`train-images-idx3-ubyte` and so on, with or without `.gz` (data set MNIST)",
            10000,
        ),
    )
}


def load(name: str, folder: str | os.PathLike[str] | None = None) -> Data:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of `DATASETS`.
    folder : path, optional
        Folder with the files, by default that of TNHW_DATA; ``digits`` needs none.

    Returns
    -------
    Data

    Raises
    ------
    InputError
        If the name is not known, a file is missing, or its content is not what was published.
    """
    if name not in DATASETS:
        raise InputError(f"there is no data set {name!r}; {nearest(name, DATASETS)}")
    dataset = DATASETS[name]
    where = None if name == "digits" else _folder(dataset, folder)
    parts = READERS[name](where, dataset.files)
    digest = _digest(parts)
    if digest != dataset.digest:
        raise InputError(
            f"{name}: the files hold other values than the published data set (SHA-256 {digest[:12]}, "
            f"not {dataset.digest[:12]}); get {dataset.files} again"
        )
    x, y, x_test, y_test = (part.astype(np.int64) for part in parts)
    x, x_test = _scale(name, x), _scale(name, x_test)
    if dataset.task == "vector":
        y, y_test = x, x_test
        x, x_test = noisy(x, 0), noisy(x_test, 1)
    order = np.argsort(np.random.PCG64(0).random_raw(len(x)), kind="stable")
    fit, valid = np.sort(order[dataset.valid :]), np.sort(order[: dataset.valid])
    return Data(dataset, x[fit], y[fit], x[valid], y[valid], x_test, y_test)


def noisy(images, seed):
    """Images plus noise, clamped to u4: the noise is nearly normal, with a standard deviation of 4.1.

    Each pixel takes one raw 64-bit word of PCG64(seed), in raster order. The sum of its 16 hexadecimal
    digits has mean 120 and variance 340; the noise is floor((sum - 120) * 2/9 + 1/2).

    Parameters
    ----------
    images : int64 array [n, 64] of 0..15
    seed : int
        0 for the training file, 1 for the test file.
    """
    raw = np.random.PCG64(seed).random_raw(images.size).reshape(images.shape)
    total = sum(
        ((raw >> np.uint64(4 * digit)) & np.uint64(15)).astype(np.int64) for digit in range(16)
    )
    return np.clip(images + ((total - 120) * 4 + 9) // 18, 0, 15)


def _scale(name, x):
    """The published values, scaled to u4."""
    if name == "mnist":
        return x >> 4
    if name == "pendigits":
        return x * 16 // 101
    return np.minimum(x, 15)


def _digest(parts):
    """SHA-256 of the arrays x, y, x_test, y_test as bytes, in this order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part, np.uint8).tobytes())
    return digest.hexdigest()


def _folder(dataset, folder):
    folder = folder or environment.text("TNHW_DATA")
    if not folder:
        raise InputError(
            f"{dataset.name}: name the folder that holds {dataset.files} with --data DIR or in TNHW_DATA"
        )
    if not Path(folder).is_dir():
        raise InputError(
            f"{folder}: there is no such folder; name one with --data DIR or TNHW_DATA"
        )
    return Path(folder)
