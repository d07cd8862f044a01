"""Kernels by file or by name."""

from pathlib import Path

from .config import nearest
from .data_files import folder
from .errors import InputError

__all__ = ["kernel_names", "load"]


def kernel_names():
    """Names of the kernels that travel with tnhw."""
    return sorted(path.stem for path in folder("kernels").glob("*.toml"))


def load(file):
    """Kernel of a TOML file, or of a bare name among the kernels that travel with tnhw.

    Raises
    ------
    InputError
        If there is no such file or name, or what it says is not valid.
    """
    from .kernel import Kernel

    path = Path(file)
    if path.suffix == ".toml" or path.exists():
        return Kernel.from_toml(path)
    if path.suffix:
        raise InputError(f"{file}: not a kernel TOML; name a `.toml` file or one of `tnhw list`")
    known = kernel_names()
    if str(file) not in known:
        raise InputError(
            f"{file}: no such file, and no kernel of that name; {nearest(file, known)}"
        )
    return Kernel.from_toml(folder("kernels") / f"{file}.toml")
