"""Where a build works, and where it is kept: lock, temporary folder, cache."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from . import environment
from .errors import InputError

__all__ = ["REPORT", "cache_folder", "store", "workplace"]

REPORT = "report.json"
CACHE_ENTRIES = 64


@contextlib.contextmanager
def workplace(out_dir):
    """Temporary folder beside the target, which is locked against other builds.

    Raises
    ------
    InputError
        If the folder cannot be written, or another build is at work there.
    """
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        lock = (out_dir / ".build.lock").open("w")
    except OSError as error:
        raise InputError(
            f"{out_dir}: cannot be written ({error.strerror}); choose another output folder"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"{out_dir}: another build is at work there; wait for it or choose another folder"
            ) from None
        try:
            with tempfile.TemporaryDirectory(prefix=".build-", dir=out_dir) as folder:
                yield Path(folder)
        except OSError as error:
            raise InputError(
                f"{out_dir}: cannot be written ({error.strerror}); make room or choose another "
                "output folder"
            ) from None


def cache_folder():
    """Where finished builds are kept, one folder each, named by their identity."""
    return environment.cache_folder() / "builds"


def store(files, entry, report):
    """Keep the files of a build and the text of its report, and only the latest builds.

    A cache that cannot be written is no error.
    """
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=entry.parent) as folder:
            copied = shutil.copytree(files, Path(folder) / "entry")
            (copied / REPORT).write_text(report)
            os.replace(copied, entry)
        entries = sorted(entry.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in entries[:-CACHE_ENTRIES]:
            shutil.rmtree(old, ignore_errors=True)
