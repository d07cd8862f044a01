"""ONNX files: the package, and parsing that reads nothing outside the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import InputError, ToolMissing

__all__ = ["check_tensor", "packages", "parse"]

MAX_BYTES = 1 << 28
MAX_ELEMENTS = 1 << 26


def packages():
    """The modules `onnx`, `onnx.helper`, `onnx.numpy_helper` and `onnx.parser`.

    Raises
    ------
    ToolMissing
        If the package `onnx` is not installed.
    """
    try:
        import onnx
        from onnx import helper, numpy_helper, parser
    except ImportError as error:
        raise ToolMissing(
            f'the Python package `onnx` is missing ({error}): `pip install "tnhw[onnx]"`'
        ) from None
    return onnx, helper, numpy_helper, parser


def parse(path: str | os.PathLike[str]) -> Any:
    """Parse a file as ONNX: a ModelProto.

    Raises
    ------
    InputError
        If the file is missing, too large, or is not ONNX.
    ToolMissing
        If the package `onnx` is not installed.
    """
    onnx, *_ = packages()
    from google.protobuf.message import DecodeError

    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB, the most that is read")
        return onnx.load_model_from_string(path.read_bytes())
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (DecodeError, ValueError):
        raise InputError(f"{path}: not an ONNX file") from None


def check_tensor(tensor: Any, path: str | os.PathLike[str], remedy: str) -> None:
    """Raise InputError unless the data of an initializer are in the file, and its dimensions can be real."""
    onnx, *_ = packages()
    if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise InputError(
            f"{path}: `{tensor.name}` lies in another file, which is never read; {remedy}"
        )
    size = 1
    for extent in tensor.dims:
        size *= extent
    if not 0 <= size <= MAX_ELEMENTS or min(tensor.dims, default=0) < 0:
        raise InputError(f"{path}: `{tensor.name}` has impossible dimensions {list(tensor.dims)}")
