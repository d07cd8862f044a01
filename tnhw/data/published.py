"""Published data sets: what they are, whether the files hold what was published, and their scaling to u4.

Nothing is downloaded: the user names a folder with the files. The decoded integers are compared with a digest, so any
packaging of the same data will do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from .dataset import Dataset, Parts
from .files import READERS

__all__ = ["PUBLISHED", "Published", "noisy"]


@dataclass(frozen=True)
class Published:
    """A loader that accepts only the published integers, and scales x.

    Attributes
    ----------
    name : str
        Name of the data set, also in `READERS`.
    files : str
        Which files the folder must have, as a part of a sentence; empty for data that need no folder.
    digest : str or None
        SHA-256 of the decoded integers before scaling; see `_digest`. None if we have not seen the published integers: then any are
        accepted, and cards of models have their digest.
    scale : callable
        From the published x to integers of u4.
    """

    name: str
    files: str
    digest: str | None
    scale: Callable[[np.ndarray], np.ndarray]

    def __call__(self, folder: Path | None) -> Parts:
        return self.digested(folder)[0]

    def digested(self, folder: Path | None) -> tuple[Parts, str]:
        """The scaled integers, and the digest of those before scaling."""
        where = _folder(self.name, self.files, folder) if self.files else None
        parts = READERS[self.name](where, self.files)
        digest = _digest(parts)
        if self.digest not in (None, digest):
            raise InputError(
                f"{self.name}: the files hold other values than the published data set (SHA-256 {digest[:12]}, "
                f"not {str(self.digest)[:12]}); get {self.files or 'another version of scikit-learn'} again"
            )
        x, y, x_test, y_test = parts
        scaled = self.scale(x), y, self.scale(x_test), y_test
        x, y, x_test, y_test = (part.astype(np.int64) for part in scaled)
        return (x, y, x_test, y_test), digest


@dataclass(frozen=True)
class Denoising:
    """A loader that adds noise to the images of another one, and takes the clean images as targets."""

    images: Published

    def __call__(self, folder: Path | None) -> Parts:
        x, _, x_test, _ = self.images(folder)
        return noisy(x, 0), x, noisy(x_test, 1), x_test


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


def _digest(parts):
    """SHA-256 of the arrays x, y, x_test, y_test as bytes, in this order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part, np.uint8).tobytes())
    return digest.hexdigest()


def _folder(name, files, folder):
    if folder is None:
        raise InputError(
            f"{name}: name the folder that holds {files} with --data DIR or in TNHW_DATA"
        )
    if not folder.is_dir():
        raise InputError(
            f"{folder}: there is no such folder; name one with --data DIR or TNHW_DATA"
        )
    return folder


def _at_most_15(x):
    return np.minimum(x, 15)


_IMAGES = Published(
    "optdigits",
    "`optdigits.tra` and `optdigits.tes` (data set `optdigits` of the UCI repository)",
    "3ec8e42fc84dcd1331e3178ceac8ab51dfa0e753d4680138b6698884029e2592",
    _at_most_15,
)
_OPTDIGITS = Dataset(
    name="optdigits",
    title="UCI Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998",
    licence="CC BY 4.0",
    shape=(64,),
    task="class",
    outputs=10,
    valid=765,
    loader=_IMAGES,
)

_COLOURS = Published(
    "cifar10",
    "the six files `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` (data set CIFAR-10, binary version), or "
    "`cifar10.npz` (arrays x, y, x_test, y_test)",
    None,
    lambda x: x >> 4,
)

#: Data sets by their names.
PUBLISHED = {
    one.name: one
    for one in (
        Dataset(
            name="digits",
            title="handwritten digits 8x8 of scikit-learn, which are the test set of UCI optdigits",
            licence="CC BY 4.0",
            shape=(64,),
            task="class",
            outputs=10,
            valid=270,
            loader=Published(
                "digits",
                "",  # scikit-learn brings them
                "0884ff598854b0e8d0cee5cbea9a1a42bd1dd63af2fd60ecc80c02fefeef82c7",
                _at_most_15,
            ),
        ),
        _OPTDIGITS,
        replace(
            _OPTDIGITS,
            name="denoise",
            title="UCI optdigits 8x8 with noise added (see `tnhw.data.datasets.noisy`), clean images as target",
            task="vector",
            outputs=64,
            loader=Denoising(replace(_IMAGES, name="denoise")),
        ),
        Dataset(
            name="pendigits",
            title="UCI Pen-Based Recognition of Handwritten Digits, Alpaydin and Alimoglu 1996",
            licence="CC BY 4.0",
            shape=(16,),
            task="class",
            outputs=10,
            valid=1499,
            loader=Published(
                "pendigits",
                "`pendigits.csv`, or `pendigits.tra` and `pendigits.tes` (data set `pendigits` of the UCI "
                "repository)",
                "2bb0ffbdd2686d52470f92e7708b962881f1cef4037d5b384804aa022a3c1d07",
                lambda x: x * 16 // 101,
            ),
        ),
        Dataset(
            name="letter",
            title="UCI Letter Recognition, Frey and Slate 1991",
            licence="CC BY 4.0",
            shape=(16,),
            task="class",
            outputs=26,
            valid=3200,
            loader=Published(
                "letter",
                "`letter.csv` or `letter-recognition.data` (data set `letter` of the UCI repository)",
                "25ce6b06abc4cd817f05ececa4ec458b1f9b19c98c0ab1c30c78442fc1f55ece",
                _at_most_15,
            ),
        ),
        Dataset(
            name="mnist",
            title="MNIST, LeCun, Cortes, Burges 1998",
            licence="CC BY-SA 3.0",
            shape=(28, 28, 1),
            task="class",
            outputs=10,
            valid=10000,
            loader=Published(
                "mnist",
                "`mnist.npz` (arrays Xtrain, ytrain, Xtest, ytest), or the four files "
                "`train-images-idx3-ubyte` and so on, with or without `.gz` (data set MNIST)",
                "d1476d457f40709d6ab7a633f0ba181f978074ee4ab65a6a80ae743e350fd388",
                lambda x: x >> 4,
            ),
        ),
        Dataset(
            name="cifar10",
            title="CIFAR-10, Krizhevsky 2009",
            licence="not stated; for research",
            shape=(32, 32, 3),
            task="class",
            outputs=10,
            loader=_COLOURS,
        ),
    )
}
