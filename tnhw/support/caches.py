"""Cache folders, also for a user without a home folder that can be written.

In a container a user may have no home folder, or one that is read-only. Results are then kept in a folder of the
user's own in the temporary folder, and a message says how to name a better place.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import environment
from .terminal import say

__all__ = ["cache_folder", "folder"]


def cache_folder() -> Path:
    """The cache folder of tnhw."""
    return folder("TNHW_CACHE_DIR", "tnhw")


def folder(variable: str, application: str, *, wanted: str = "", **options: Any) -> Path:
    """The cache folder of an application: what `variable` names, else the user's cache folder, else a substitute.

    The substitute becomes the value of `variable` for this process and those that it starts.

    Parameters
    ----------
    variable
        One of `tnhw.support.environment.VARIABLES`.
    application
        Name for `platformdirs.user_cache_dir`, with `options`.
    wanted
        Path of a file in the folder: if it exists there already, the folder need not be writable.

    Raises
    ------
    InputError
        If no folder can be used.
    """
    if named := environment.path(variable):
        return named
    import platformdirs

    usual = Path(platformdirs.user_cache_dir(application, **options))
    if _writable(usual) or (wanted and os.access(usual / wanted, os.R_OK)):
        return usual
    substitute = _own_temporary(variable, usual) / application
    environment.for_all_children(variable, str(substitute))
    return substitute


def _writable(path: Path) -> bool:
    """Whether files can be written in a folder, which is made if it does not exist."""
    if not path.is_absolute():  # the home could not be found
        return False
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK | os.X_OK)


def _own_temporary(variable: str, usual: Path) -> Path:
    """A folder that only this user can write, as machine code is read from it."""
    path = Path(tempfile.gettempdir()) / f"tnhw-{os.getuid()}"
    try:
        path.mkdir(mode=0o700)
        say(
            f"the cache folder {usual} cannot be written, so {path} is used instead; name a permanent one in "
            f"{variable}"
        )
    except FileExistsError:
        pass
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise InputError(
            f"{path}: not a folder that is yours alone, and the cache folder {usual} cannot be written; name "
            f"another one in {variable}"
        )
    return path
