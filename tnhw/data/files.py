"""Readers for the files of data sets, which give the integers as published, without scaling.

Each takes the folder and a part of a sentence that says which files it must have, and returns x [n, features] and y
[n] of the training part and of the test part.
"""

import gzip

import numpy as np

from ..errors import InputError
from ..kernel.parameters import read

__all__ = ["READERS"]

MNIST_FILES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


def _missing(path, files):
    return InputError(
        f"{path}: there is no such file; get {files}, and name their folder with "
        "--data DIR or in TNHW_DATA"
    )


def _rows(path, files, **options):
    """The integers of a text file, with a row in each line: array [rows, columns]."""
    if not path.is_file():
        raise _missing(path, files)
    try:
        return np.loadtxt(path, np.int64, delimiter=",", encoding="utf-8-sig", **options)
    except ValueError:
        raise InputError(f"{path}: not rows of integers with commas between them") from None


def _digits(folder, files):
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError:
        raise InputError("digits: comes with scikit-learn; `pip install scikit-learn`") from None
    x, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=450, random_state=0, stratify=y)
    return x, y, x_test, y_test


def _optdigits(folder, files):
    train, test = (_rows(folder / f"optdigits.{end}", files) for end in ("tra", "tes"))
    return train[:, :-1], train[:, -1], test[:, :-1], test[:, -1]


def _pendigits(folder, files):
    if (folder / "pendigits.csv").is_file() or not (folder / "pendigits.tra").is_file():
        rows = _rows(
            folder / "pendigits.csv", files, skiprows=1, usecols=range(1, 18), quotechar='"'
        )
    else:
        rows = np.concatenate([_rows(folder / f"pendigits.{end}", files) for end in ("tra", "tes")])
    return rows[:7494, :-1], rows[:7494, -1], rows[7494:, :-1], rows[7494:, -1]


def _letter(folder, files):
    """Letters A to Z as labels 0 to 25; the first 16,000 rows are the training part."""
    if (folder / "letter.csv").is_file() or not (folder / "letter-recognition.data").is_file():
        columns = {"skiprows": 1, "usecols": range(1, 18), "converters": {17: _letter_label}}
        rows = _rows(folder / "letter.csv", files, **columns)
        x, y = rows[:, :-1], rows[:, -1]
    else:
        rows = _rows(folder / "letter-recognition.data", files, converters={0: _letter_label})
        x, y = rows[:, 1:], rows[:, 0]
    return x[:16000], y[:16000], x[16000:], y[16000:]


def _letter_label(text):
    letter = text.strip().strip('"')
    if len(letter) != 1 or not "A" <= letter <= "Z":
        raise ValueError(f"{letter!r} is not a letter A to Z")
    return ord(letter) - ord("A")


def _mnist(folder, files):
    if (folder / "mnist.npz").is_file():
        arrays = read(folder / "mnist.npz")
        try:
            parts = [arrays[key] for key in ("Xtrain", "ytrain", "Xtest", "ytest")]
        except KeyError as key:
            raise InputError(f"{folder / 'mnist.npz'}: the array {key} is missing") from None
    else:
        parts = [_idx(folder / file, files) for file in MNIST_FILES]
    x, y, x_test, y_test = parts
    return x.reshape(len(x), -1), y.reshape(-1), x_test.reshape(len(x_test), -1), y_test.reshape(-1)


def _idx(path, files):
    """Array of an IDX file of bytes: two zero bytes, type 8, axes, each size as 4 bytes, then the values."""
    packed = path.with_name(path.name + ".gz")
    if not path.is_file() and not packed.is_file():
        raise _missing(path, files)
    try:
        content = path.read_bytes() if path.is_file() else gzip.decompress(packed.read_bytes())
        axes = content[3]
        sizes = np.frombuffer(content, ">u4", axes, 4).astype(int)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(sizes)
    except (OSError, EOFError, ValueError, IndexError):
        raise InputError(f"{path}: not an IDX file of bytes") from None


def _cifar10(folder, files):
    """Images [n, 32 * 32 * 3] with channels last, from `cifar10.npz` or the binary version."""
    if (folder / "cifar10.npz").is_file():
        arrays = read(folder / "cifar10.npz")
        try:
            x, y, x_test, y_test = (arrays[key] for key in ("x", "y", "x_test", "y_test"))
        except KeyError as key:
            raise InputError(f"{folder / 'cifar10.npz'}: the array {key} is missing") from None
        for name, images in (("x", x), ("x_test", x_test)):
            if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3):
                raise InputError(
                    f"{folder / 'cifar10.npz'}: `{name}` must be uint8 [n, 32, 32, 3], not {images.dtype} {list(images.shape)}"
                )
        for labels, images in ((y, x), (y_test, x_test)):
            _check_ten(folder / "cifar10.npz", labels, len(images))
        return x.reshape(len(x), -1), y.reshape(-1), x_test.reshape(len(x_test), -1), y_test.reshape(-1)  # fmt: skip
    if (folder / "cifar-10-batches-bin").is_dir():
        folder = folder / "cifar-10-batches-bin"
    parts = [_records(folder / f"data_batch_{number}.bin", files) for number in range(1, 6)]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return x, y, *_records(folder / "test_batch.bin", files)


def _check_ten(path, labels, rows):
    if labels.dtype.kind not in "iu" or labels.size != rows or not rows:
        raise InputError(
            f"{path}: labels must be integers [{rows}], not {labels.dtype} {list(labels.shape)}"
        )
    if labels.min() < 0 or labels.max() > 9:
        raise InputError(
            f"{path}: labels must lie in 0 .. 9, but are {labels.min()} .. {labels.max()}"
        )


def _records(path, files):
    """Images [n, 3072], channels last, and labels [n], of a file of records: a label, and 1,024 bytes of each colour."""
    if not path.is_file():
        raise _missing(path, files)
    content = np.fromfile(path, np.uint8)
    if not len(content) or len(content) % 3073:
        raise InputError(
            f"{path}: {len(content):,} bytes are not a whole number of records with 3,073 bytes; get {files} again"
        )
    records = content.reshape(-1, 3073)
    _check_ten(path, records[:, 0], len(records))
    return records[:, 1:].reshape(-1, 3, 1024).swapaxes(1, 2).reshape(-1, 3072), records[:, 0]


READERS = {
    "digits": _digits,
    "optdigits": _optdigits,
    "denoise": _optdigits,
    "pendigits": _pendigits,
    "letter": _letter,
    "mnist": _mnist,
    "cifar10": _cifar10,
}
