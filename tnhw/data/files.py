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


READERS = {
    "digits": _digits,
    "optdigits": _optdigits,
    "denoise": _optdigits,
    "pendigits": _pendigits,
    "letter": _letter,
    "mnist": _mnist,
}
