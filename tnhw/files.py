"""Output that is there as a whole or not at all."""

import os
import tempfile
from pathlib import Path

from .errors import InputError

__all__ = ["exists", "write_files"]


def exists(path):
    """Whether there is such a file or folder; False for a name that the system does not take."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def write_files(folder, files):
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
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as beside:
            for name, contents in files.items():
                data = contents.encode() if isinstance(contents, str) else contents
                path = Path(beside, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            for name in files:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(beside, name), folder / name)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder with -o"
        ) from None
