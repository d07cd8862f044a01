"""Reading and checking of parameter arrays and vectors.

Parameter arrays are integers: those of the rule (``theta``, ``sign``, ``gain``, ``weight``, ``exponent``) are
[outputs, inputs], and ``bias`` is [outputs].
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..support.config import nearest
from ..synapse import Format

__all__ = ["check", "fixed", "one_vector", "read", "vectors"]

MAX_BYTES = 1 << 28

# What zipfile and numpy raise for files that are damaged, encrypted or of another kind.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, RuntimeError, MemoryError,
)  # fmt: skip


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of an npz file by name; nothing is unpickled, and a file that is too large is not unpacked.

    Raises
    ------
    InputError
        If the file is missing, is not an npz file, or holds anything but plain arrays.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file")
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            names = [member.filename.removesuffix(".npy") for member in archive.infolist()]
        if size > MAX_BYTES:
            raise InputError(f"{path}: {size >> 20} MiB of arrays; at most {MAX_BYTES >> 20}")
        if len(set(names)) < len(names):
            raise InputError(
                f"{path}: the array {max(names, key=names.count)!r} is there twice; save each once"
            )
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except _BROKEN as error:
        if "pickle" in str(error):
            raise InputError(
                f"{path}: holds pickled objects, which are never loaded; save plain integer arrays"
            ) from None
        raise InputError(f"{path}: not an npz file of integer arrays") from None


def check(
    arrays: Mapping[str, Any],
    ranges: Mapping[str, tuple[int, int]],
    shape: tuple[int, int],
    where: str,
    *,
    vectors: bool = False,
) -> dict[str, np.ndarray]:
    """Check names, shapes, types and ranges of arrays, and return them as int64.

    Parameters
    ----------
    arrays : dict of str to array_like
    ranges : dict of str to (int, int)
        The arrays that are needed, with lowest and highest allowed value; if ``bias`` is missing it is 0.
    shape : (int, int)
        Outputs, inputs.
    where : str
        Beginning of error messages.
    vectors : bool
        Whether arrays may have a leading axis, for a set of parameters for each vector.

    Raises
    ------
    InputError
        If an array is missing, unknown, or has a wrong shape, type or value.
    """
    if unknown := sorted(set(arrays) - set(ranges)):
        raise InputError(f"{where}: unexpected array `{unknown[0]}`; {nearest(unknown[0], ranges)}")
    checked = {}
    for name, (low, high) in ranges.items():
        expected = shape[:1] if name == "bias" else shape
        if name not in arrays:
            if name != "bias":
                raise InputError(f"{where}: the array `{name}` is missing")
            checked[name] = np.zeros(expected, np.int64)
            continue
        array = np.asarray(arrays[name])
        if array.dtype.kind not in "iu":
            raise InputError(
                f"{where}: `{name}` must be integers, not {array.dtype}; round where it is made"
            )
        tail = array.shape[1:] if vectors and array.ndim == len(expected) + 1 else array.shape
        if tail != tuple(expected):
            axes = "[outputs]" if name == "bias" else "[outputs, inputs]"
            raise InputError(
                f"{where}: `{name}` must have the shape {tuple(expected)} = {axes}, "
                f"not {array.shape}"
            )
        if array.size and not low <= int(array.min()) <= int(array.max()) <= high:
            worst = int(array.min()) if int(array.min()) < low else int(array.max())
            raise InputError(f"{where}: `{name}` must lie in {low} .. {high}, but holds {worst}")
        checked[name] = array.astype(np.int64)
    return checked


def fixed(array: np.ndarray) -> np.ndarray:
    """A copy of an array that cannot be written to."""
    array = np.asarray(array)
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


def one_vector(x):
    """Whether x is one vector [inputs] instead of an array of vectors [n, inputs]."""
    try:
        return np.ndim(x) == 1
    except ValueError:  # rows of different lengths; `vectors` says what is wrong
        return False


def vectors(x: Any, inputs: int, number: Format, where: str) -> np.ndarray:
    """Check shape, type and range of input vectors, and return them as int64 [n, inputs].

    Raises
    ------
    InputError
        If they are not integers [n, `inputs`] in the format `number`; the message begins with `where`.
    """
    try:
        x = np.asarray(x)
    except ValueError:
        raise InputError(
            f"{where}: input must be integers [n, {inputs}], but its vectors differ in length"
        ) from None
    if x.ndim != 2 or x.shape[1] != inputs or x.dtype.kind not in "iu":
        hint = "; write one vector as [[...]]" if x.ndim == 1 else ""
        raise InputError(
            f"{where}: input must be integers [n, {inputs}], not {x.dtype} {list(x.shape)}{hint}"
        )
    if not number.holds(x):
        raise InputError(
            f"{where}: input must lie in {number.min} .. {number.max} ({number}), "
            f"but holds {x.min()} .. {x.max()}"
        )
    return x.astype(np.int64)
