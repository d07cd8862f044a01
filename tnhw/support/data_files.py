"""Find the data folders that come with tnhw: kernels, boards, test benches and models."""

from pathlib import Path

from ..errors import InputError

__all__ = ["FOLDERS", "folder"]

#: Data folders. In a checkout each is next to the package, in a wheel in ``tnhw/share/``.
FOLDERS = ("kernels", "boards", "sim", "models")

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """Path of one of `FOLDERS`, in an installed wheel or in the checkout of an editable install.

    Raises
    ------
    KeyError
        If ``name`` is not in `FOLDERS`.
    InputError
        If the installation lacks the folder.
    """
    if name not in FOLDERS:
        raise KeyError(name)
    for path in (_PACKAGE / "share" / name, _PACKAGE.parent / name):
        if path.is_dir():
            return path
    raise InputError(
        f"This installation of tnhw lacks its folder `{name}`; install it again with "
        "`pip install --force-reinstall tnhw`, or with `pip install -e .` in a checkout."
    )
