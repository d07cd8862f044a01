"""Every environment variable that tnhw reads, and the only module that reads one.

There are no variables except those listed here: `text` and the other functions raise an error for other names, and a
test finds any other use of the environment in the checkout.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "VARIABLES", "Variable", "flag", "for_all_children", "for_child", "path", "search_path", "table",
    "temporarily", "text",
]  # fmt: skip


@dataclass(frozen=True)
class Variable:
    """One environment variable.

    Parameters
    ----------
    name
        Its name.
    kind
        What its value is: ``folder``, ``file``, ``folder or file``, ``flag``, ``names``, ``word``, ``path`` or ``JSON``.
    meaning
        What it is for, as a phrase.
    default
        What applies if it is not set, or is empty.
    reader
        What reads it: ``tnhw``, ``tests`` (and benchmarks), ``bench`` (set by tnhw for the processes that it starts),
        ``amaranth`` (set by tnhw while Amaranth runs) or ``library`` (a package that tnhw uses).
    """

    name: str
    kind: str
    meaning: str
    default: str
    reader: str = "tnhw"


_ALL = (
    Variable("TNHW_CACHE_DIR", "folder", "where finished builds and measurements are kept",
             "the user's cache folder"),
    Variable("TNHW_DATA", "folder", "data sets that tnhw may not distribute; the option `--data` has priority",
             "none: tests that need them are skipped"),
    Variable("TNHW_PLUGINS", "names",
             "Python modules with rules, architectures and data sets of your own, separated by commas", "none"),
    Variable("YOWASP_CACHE_DIR", "folder", "where the WebAssembly tools are kept after they were compiled for this machine",
             "the user's cache folder"),
    Variable("TNHW_TOOLS", "word",
             "`native`: synthesis, place and route and bitstreams by programs in `PATH`, as `--tools native` says", "`pip`"),
    Variable("PATH", "path", "folders in which tools are found", "the system's"),
    Variable("TNHW_LIBERTY", "folder or file", "Liberty libraries that tnhw may not distribute",
             "none: tests that need them are skipped", "tests"),
    Variable("TNHW_MODELS", "folder", "networks of others in ONNX",
             "none: tests that need them are skipped", "tests"),
    Variable("TNHW_OSU018", "file", "the library `osu018_stdcells.lib`",
             "where Debian's `qflow-tech-osu018` puts it", "tests"),
    Variable("TNHW_REQUIRE_TOOLS", "flag", "a test whose tool is missing fails instead of being skipped",
             "off", "tests"),
    Variable("TNHW_NIGHTLY", "flag", "tests take larger sizes", "off", "tests"),
    Variable("TNHW_BENCH", "folder", "the manifest and the traffic that a bench reads", "set by tnhw", "bench"),
    Variable("TNHW_JOB", "JSON", "what a bench is told", "set by tnhw", "bench"),
    Variable("YOSYS", "file", "the Yosys that Amaranth runs", "set by tnhw", "amaranth"),
    Variable("AMARANTH_USE_YOSYS", "names", "where Amaranth looks for Yosys", "set by tnhw", "amaranth"),
    Variable("NO_COLOR", "flag", "messages and tables have no colours", "off", "library"),
    Variable("XDG_CACHE_HOME", "folder", "the user's cache folder", "`~/.cache`", "library"),
    Variable("TMPDIR", "folder", "where temporary files are written", "`/tmp`", "library"),
)  # fmt: skip

#: Name to variable.
VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in _ALL}


def text(name: str) -> str | None:
    """Value of a variable, or None if it is not set or empty.

    Raises
    ------
    KeyError
        If `VARIABLES` does not list it.
    """
    return os.environ.get(VARIABLES[name].name) or None


def path(name: str) -> Path | None:
    """The folder or file that a variable names, or None; the caller has to check whether it exists."""
    value = text(name)
    return Path(value) if value else None


def flag(name: str) -> bool:
    """Whether a variable is set to anything except an empty text or ``0``."""
    return text(name) not in (None, "0")


def search_path(*, first: tuple[Path, ...] = (), last: tuple[Path, ...] = ()) -> str:
    """Value of ``PATH`` with more folders at its beginning or end."""
    own = text("PATH") or os.defpath
    return os.pathsep.join([*map(str, first), own, *map(str, last)])


def for_child(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """All variables of this process with `changes`, for a process that it starts.

    ``TMPDIR`` is the folder that Python uses, so that tools work even if the variable names a folder that cannot be
    written.
    """
    return {**os.environ, "TMPDIR": tempfile.gettempdir(), **(changes or {})}


def for_all_children(name: str, value: str) -> None:
    """Set a variable of this process and of all that it starts."""
    os.environ[VARIABLES[name].name] = value


@contextmanager
def temporarily(name: str, value: str) -> Iterator[None]:
    """Set a variable of this process while the body runs."""
    before = os.environ.get(VARIABLES[name].name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def table() -> str:
    """All variables that users may set, as a table in Markdown."""
    who = {"tnhw": "tnhw", "tests": "tests and benchmarks", "library": "libraries that tnhw uses"}
    lines = ["| variable | is a | meaning | default | read by |", "|---|---|---|---|---|"]
    for variable in _ALL:
        if variable.reader in who:
            cells = [f"`{variable.name}`", variable.kind, variable.meaning, variable.default]
            lines.append(f"| {' | '.join([*cells, who[variable.reader]])} |")
    return "\n".join(lines) + "\n"
