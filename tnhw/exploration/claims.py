"""Who works on what: locks on files, which the system frees when a process ends, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError

__all__ = ["FileLock", "alone", "claim"]


def claim(path: Path) -> int | None:
    """Take the lock of a file, which is made if it does not exist: a handle to close, or None if another process has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """In the block no other process is in one for the same file: waits until that is so."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, path, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, how: int) -> None:
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        raise
    except OSError as error:
        raise InputError(
            f"{path.parent}: its file system has no locks ({error.strerror}), which a search needs; choose another folder with -o"
        ) from None


class FileLock:
    """The lock that Optuna's journal takes before it appends: `alone`, with a repair.

    Optuna's own locks are files, which stay when a process is killed. A line that a full disk cut off is removed before the
    next is appended, which would otherwise be read as a part of it.

    Parameters
    ----------
    journal : path
    """

    def __init__(self, journal: Path) -> None:
        self._journal, self._handle = journal, -1

    def acquire(self) -> bool:
        self._handle = os.open(self._journal.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o666)
        _lock(self._handle, self._journal, fcntl.LOCK_EX)
        _repair(self._journal)
        return True

    def release(self) -> None:
        os.close(self._handle)


def _repair(journal: Path) -> None:
    """Remove what comes after the last end of a line."""
    with contextlib.suppress(FileNotFoundError), journal.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return
        file.seek(size - 1)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
