"""Output that is there as a whole or not at all."""

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
    """Whether there is such a file or folder; False for a name that the system does not take."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Make a folder that files can be written to, if it is not there, and return its path.

    Raises
    ------
    InputError
        If it cannot be.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return Path(folder)


def rename_all(
    beside: str | os.PathLike[str], folder: str | os.PathLike[str], names: Iterable[str]
) -> None:
    """Rename files of the folder `beside` into `folder`; of two who do it at once, one comes after the other."""
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
    """A temporary folder in `folder`; those that an earlier process left there are removed.

    Whoever works in such a folder holds a lock on it, which goes with the process. So a folder of that name
    whose lock is free is nobody's, and what a process that was killed left goes the next time.

    Parameters
    ----------
    folder : path
    prefix : str
        Of the name.
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
    """The lock of a folder; OSError if somebody has it, or there are no locks."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def write_files(folder: str | os.PathLike[str], files: Mapping[str, str | bytes]) -> None:
    """Write files of a folder: all beside first, then each renamed into place.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    files : dict of str to str or bytes
        File name, or path within the folder with ``/``, to contents.

    Raises
    ------
    InputError
        If the folder cannot be written; what was there before stays as it was.
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
