"""Files that are written completely or not at all."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..errors import InputError

__all__ = ["exists", "make_folder", "rename_all", "work_folder", "write_files"]


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file or folder; False for a name that the system does not allow."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Make a folder, if it does not exist, and return its path.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return Path(folder)


def rename_all(
    beside: str | os.PathLike[str], folder: str | os.PathLike[str], names: Iterable[str]
) -> None:
    """Move files from the folder `beside` to `folder` by renaming; two processes do so one after the other."""
    with _alone(folder):
        for name in names:
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(beside, name), Path(folder) / name)


@contextlib.contextmanager
def _alone(folder: str | os.PathLike[str]) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def work_folder(folder: str | os.PathLike[str], prefix: str) -> Iterator[Path]:
    """A temporary folder in `folder`; those that earlier processes left there are removed.

    A process that works in such a folder holds a lock on it, which ends with the process. A folder with such a name
    and no lock is therefore not in use: a process that was killed left it.

    Parameters
    ----------
    folder : path
    prefix : str
        Beginning of the name.
    """
    with _alone(folder):
        for old in Path(folder).glob(f"{prefix}*"):
            with contextlib.suppress(OSError), _held(old):
                shutil.rmtree(old)
        made = tempfile.mkdtemp(prefix=prefix, dir=folder)
        lock = os.open(made, os.O_RDONLY)
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_SH)
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def _held(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock of a folder; OSError if another process holds it, or there are no locks."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def write_files(folder: str | os.PathLike[str], files: Mapping[str, str | bytes]) -> None:
    """Write files to a folder: first all of them to a temporary folder, then each is renamed into place.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    files : dict of str to str or bytes
        Contents of each file by its name, or by its path in the folder with ``/``.

    Raises
    ------
    InputError
        If the folder cannot be written; earlier files stay as they were.
    """
    folder = make_folder(folder)
    try:
        with work_folder(folder, ".new-") as new:
            for name, contents in files.items():
                data = contents.encode() if isinstance(contents, str) else contents
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            rename_all(new, folder, files)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: str | os.PathLike[str], error: OSError) -> InputError:
    return InputError(
        f"{folder}: cannot be written ({error.strerror}); choose another folder with -o"
    )
