"""Checked configuration files: TOML in, a frozen record or one clear sentence out."""

import difflib
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import InputError

__all__ = ["Record", "explain", "nearest", "read_toml", "validate"]

MAX_FILE_BYTES = 1 << 20
MAX_DOTS = 256  # in a line: tomllib takes the square of a key's parts, and keys do not span lines


class Record(BaseModel):
    """Base of configuration records: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def nearest(word, known):
    """A hint that names the known words nearest to `word`."""
    known = sorted(known)
    close = difflib.get_close_matches(str(word), known, n=2, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(f"`{name}`" for name in close) + "?"
    return "known are " + ", ".join(f"`{name}`" for name in known)


def validate(model, values, where):
    """`model` made of the dict `values`.

    Raises
    ------
    InputError
        With one sentence for each thing that is wrong, and `where` it is.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(explain(model, error, where)) from None


def explain(model, error, where):
    """One line of sentences for a ValidationError of `model`."""
    return f"{where}: " + "; ".join(_sentence(model, problem) for problem in error.errors())


def _sentence(model, problem):
    kind, given = problem["type"], problem.get("input")
    key = ".".join(str(part) for part in problem["loc"])
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


def read_toml(path):
    """Dict of a TOML file; a file that is missing, huge or broken is an InputError."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(
                f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB, not a kernel or board"
            )
        text = path.read_text(encoding="utf-8")
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
