"""Where the logs of tools that failed are kept, so that a person finds them afterwards.

A tool mostly runs in a temporary folder, which goes away with everything in it. So the log of a run that
failed is copied to a folder that stays: `logs` in the folder that a command writes to, or else in tnhw's
cache. Only the latest logs are kept.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..support import caches

__all__ = ["folder", "keep", "keep_in"]

KEPT = 50

_place: dict[str, Path | None] = {"folder": None}
_numbers = itertools.count()


def keep_in(folder: str | os.PathLike[str] | None) -> None:
    """From now on, keep the logs of this process in `folder`; ``None``: in the cache."""
    _place["folder"] = None if folder is None else Path(folder).absolute()


def folder() -> Path | None:
    """What `keep_in` was given last."""
    return _place["folder"]


def _folders() -> Iterator[Path]:
    if _place["folder"] is not None:
        yield _place["folder"]
    yield caches.cache_folder() / "logs"


def keep(tool: str, text: str) -> Path | None:
    """Write a log, and return where it is; ``None`` if no folder takes it."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{next(_numbers)}-{tool}.log"
    for folder in _folders():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
            for old in sorted(folder.glob("*.log"))[:-KEPT]:
                old.unlink(missing_ok=True)
            return folder / name
    return None
