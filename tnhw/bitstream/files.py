"""The folders of a build: the output folder with its lock, a temporary one, and the cache."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..support import caches
from ..support.files import work_folder

__all__ = ["REPORT", "cache_folder", "fetch", "hashes", "install", "store", "workplace"]

REPORT = "report.json"
HASHES = "sha256.json"
CACHE_ENTRIES = 64


@contextlib.contextmanager
def workplace(out_dir):
    """Lock an output folder against other builds, and give a temporary folder inside it.

    Raises
    ------
    InputError
        If the folder cannot be written, or another build is using it.
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
                f"{out_dir}: another build is writing there; wait for it or choose another folder"
            ) from None
        try:
            with work_folder(out_dir, ".build-") as folder:
                yield folder
        except OSError as error:
            raise InputError(
                f"{out_dir}: cannot be written ({error.strerror}); free some space or choose another "
                "output folder"
            ) from None


def cache_folder():
    """The folder of the cache: it has a folder for each finished build, named by the build's digest."""
    return caches.cache_folder() / "builds"


def store(files, entry, report):
    """Put the files of a build, the text of its report and their hashes into the cache; drop the oldest builds.

    It is no error if the cache cannot be written.
    """
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        with work_folder(entry.parent, ".new-") as folder:
            copied = shutil.copytree(files, folder / "entry")
            (copied / REPORT).write_text(report)
            (copied / HASHES).write_text(json.dumps(hashes(copied), indent=2))
            if entry.exists():  # `fetch` found it damaged
                os.replace(entry, folder / "old")
            os.replace(copied, entry)
        kept = [path for path in entry.parent.iterdir() if not path.name.startswith(".")]
        for old in sorted(kept, key=lambda path: path.stat().st_mtime)[:-CACHE_ENTRIES]:
            shutil.rmtree(old, ignore_errors=True)


def fetch(entry, files):
    """Copy a build from the cache to the new folder `files`.

    Returns
    -------
    dict or None
        Its report. None if there is no such build, or if one of its files is missing or has changed; the
        folder `files` then does not exist.
    """
    try:
        shutil.copytree(entry, files)
        kept = json.loads((files / HASHES).read_text())
        (files / HASHES).unlink()
        if kept == hashes(files):
            return json.loads((files / REPORT).read_text())
    except (OSError, ValueError):  # shutil.Error is an OSError
        pass
    shutil.rmtree(files, ignore_errors=True)
    return None


def hashes(folder):
    """SHA-256 in hexadecimal of every file in a folder, by the file's name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).iterdir())
        if path.is_file()
    }


def install(files, out_dir, record):
    """Move the files of a build to its output folder, the report last; the record with their hashes."""
    (files / REPORT).unlink(missing_ok=True)
    made = {
        f"{record.name}.{name}": value
        for name, value in hashes(files).items()
        if not name.endswith(".log")  # a log contains the time
    }
    record = replace(record, files=made)
    (files / REPORT).write_text(record.to_json())
    for path in sorted(files.iterdir(), key=lambda path: path.name == REPORT):
        name = REPORT if path.name == REPORT else f"{record.name}.{path.name}"
        os.replace(path, out_dir / name)
    return record
