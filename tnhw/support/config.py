"""Checked configuration files: from TOML to a frozen record, or to an error message of one sentence."""

import copy
import difflib
import json
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ..errors import InputError

__all__ = [
    "ByContent",
    "Record",
    "content",
    "explain",
    "nearest",
    "parse_json",
    "plain_copy",
    "plain_number",
    "read_toml",
    "validate",
]

M = TypeVar("M", bound=BaseModel)

MAX_FILE_BYTES = 1 << 20
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # how such a file begins
MAX_DOTS = 256  # in a line: tomllib's time grows with the square of the parts of a key


def content(value: Any) -> Any:
    """A value in a form that can be compared and hashed; arrays are compared by type, shape and elements."""
    if isinstance(value, dict):
        return tuple((key, content(value[key])) for key in sorted(value))
    if isinstance(value, (list, tuple)):
        return tuple(content(one) for one in value)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value


class ByContent:
    """Base of objects that are equal if they have the same class and the same `_content`, which can be hashed."""

    @property
    def _content(self) -> Any:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)


class Record(ByContent, BaseModel):
    """Base of configuration records: frozen, and without unknown keys.

    A record is checked however it is made, also by a copy with changes, by unpickling and by `model_construct`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _plain_numbers(cls, values: Any) -> Any:
        """Convert NumPy's integers and booleans to Python's, also in a list."""
        if not isinstance(values, dict):
            return values
        return {
            key: [plain_number(one) for one in value]
            if isinstance(value, list)
            else plain_number(value)
            for key, value in values.items()
        }

    @property
    def _content(self) -> tuple[Any, ...]:
        return tuple(content(getattr(self, key)) for key in type(self).model_fields)

    @property
    def _given(self) -> dict[str, Any]:
        """The keys that were given, with their values."""
        return {key: getattr(self, key) for key in self.model_fields_set}

    def with_keys(self, **changes: Any) -> Self:
        """The same record with other values of some keys, which are checked."""
        return validate(type(self), self._given | changes, type(self).__name__)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with the values of keys in `update`; it is checked like any other record."""
        return self.with_keys(**copy.deepcopy(dict(update or {})))

    def copy(  # type: ignore[override]  # of pydantic 1, with arguments that have no meaning here
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Self:
        """As `model_copy`."""
        return self.model_copy(update=update, deep=deep)

    @classmethod
    def model_construct(  # type: ignore[override]
        cls, _fields_set: set[str] | None = None, **values: Any
    ) -> Self:
        """The same as calling the class: a record is always checked."""
        return cls(**values)

    def __copy__(self) -> Self:
        return self.with_keys()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return type(self)(**copy.deepcopy(self._given, memo))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _again, (type(self), self._given)


def _again(cls: type[M], keys: dict[str, Any]) -> M:
    return cls(**keys)


def plain_number(value: Any) -> Any:
    """A number of NumPy as one of Python; anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def plain_copy(value: Any) -> Any:
    """A copy of nested dicts and lists, with numbers of Python instead of NumPy's, and lists instead of arrays."""
    if isinstance(value, dict):
        return {plain_number(key): plain_copy(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_copy(one) for one in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return copy.deepcopy(plain_number(value))


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known words most similar to `word`, or all of them if none is."""
    known = sorted(known)
    close = difflib.get_close_matches(str(word), known, n=2, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(f"`{name}`" for name in close) + "?"
    return "known are " + ", ".join(f"`{name}`" for name in known)


def validate(model: type[M], values: Any, where: str) -> M:
    """Make a `model` from the dict `values`.

    Raises
    ------
    InputError
        With a part for each thing that is wrong; the message begins with `where`.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(explain(model, error, where)) from None


def explain(model: type[BaseModel], error: ValidationError, where: str) -> str:
    """A ValidationError of `model` as one line of text."""
    return f"{where}: " + "; ".join(_sentence(model, problem) for problem in error.errors())


def _sentence(model: type[BaseModel], problem: Any) -> str:
    kind, given = problem["type"], problem.get("input")
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if kind == "extra_forbidden":
        return f"unknown key `{key}`: {nearest(key, model.model_fields)}"
    if kind == "missing":
        return f"the key `{key}` is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"`{key}`: {message}" if key and not message.startswith("`") else message
    message = message.replace("Input should", "must", 1)
    shown = repr(given)
    return f"`{key}` {message}, not {shown if len(shown) < 60 else shown[:57] + '...'}"


def parse_json(text: str, where: str) -> dict[str, Any]:
    """Read a JSON object from a text that a person may have written or changed: a dict.

    Raises
    ------
    InputError
        If it is not JSON, not an object, or has a key twice, which `json` would ignore. Begins with `where`.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            raise InputError(
                f"{where}: the key {max(keys, key=keys.count)!r} occurs twice in one object; remove one"
            )
        return found

    try:
        parsed = json.loads(text, object_pairs_hook=once)
    except InputError:
        raise
    except (ValueError, RecursionError):
        raise InputError(f"{where} is not JSON") from None
    if not isinstance(parsed, dict):
        raise InputError(f"{where} must be a JSON object")
    return parsed


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file: a dict. Raises InputError if the file is missing, too large or not valid."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(
                f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB, not a kernel or board"
            )
        data = path.read_bytes()
        if data.startswith(_UTF_16):
            raise InputError(f"{path}: a text file in UTF-16; save it as UTF-8")
        text = data.decode("utf-8-sig").replace(
            "\r\n", "\n"
        )  # without the mark that some editors put first
        for number, line in enumerate(text.split("\n"), 1):
            if line.count(".") > MAX_DOTS:
                raise InputError(f"{path}: line {number} has more than {MAX_DOTS} dots")
        return tomllib.loads(text)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    except ValueError:  # of Python, which limits the digits that it converts
        raise InputError(f"{path}: not valid TOML: a number has too many digits") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None
