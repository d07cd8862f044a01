"""Kernels and networks by file or by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError
from .support.config import nearest
from .support.data_files import folder
from .support.files import exists

if TYPE_CHECKING:
    from .hardware import Hardware
    from .kernel import Kernel
    from .network import Network

__all__ = ["kernel_names", "load", "load_design", "load_kernel", "model_names"]


def kernel_names() -> list[str]:
    """Names of the kernels that travel with tnhw."""
    return sorted(path.stem for path in folder("kernels").glob("*.toml"))


def model_names() -> list[str]:
    """Names of the networks that travel with tnhw."""
    return sorted(path.stem for path in folder("models").glob("*.npz"))


def load(file: str | Path) -> Kernel | Network:
    """Kernel of a TOML file, network of an npz or ONNX file, or one of either that travels with tnhw.

    A bare name is looked up among the kernels, then among the networks.

    Raises
    ------
    InputError
        If there is no such file or name, or what it says is not valid.
    """
    is_kernel, path = _find(file)
    return _kernel(path) if is_kernel else _network(path)


def load_kernel(file: str | Path, taker: str) -> Kernel:
    """The kernel of a file or of that name; `taker` is the command or format that takes kernels only.

    Raises
    ------
    InputError
        As `load`, and if it is a network.
    """
    is_kernel, path = _find(file)
    if not is_kernel:
        raise InputError(f"{file}: a network; {taker} takes kernels")
    return _kernel(path)


def load_design(
    file: str | Path,
    *,
    interface: str | None = None,
    beat: int | None = None,
    folds: str | None = None,
    lanes: int | None = None,
    schedule: str | None = None,
    rom: str | None = None,
    dsp: bool | None = None,
    loadable: bool | None = None,
) -> Hardware:
    """What `load` gives, a network folded: what can be generated, simulated and built.

    Parameters
    ----------
    interface, beat : optional
        For a kernel: these keys instead of those in its file.
    folds : str, optional
        For a network: a fold for each layer, as ``16x4,8x1``.
    lanes : int, optional
        At most so many synapses a cycle, 64 by default.
    schedule, rom, dsp, loadable : optional
        See `tnhw.network.Design`.

    Raises
    ------
    InputError
        As `load`, and if an option is given that is for the other kind.
    """
    is_kernel, path = _find(file)
    ports = {"interface": interface, "beat": beat}
    folding = {"folds": folds, "lanes": lanes, "schedule": schedule, "rom": rom}
    folding["loadable"] = loadable or None
    given = {key: value for key, value in ports.items() if value is not None}
    if is_kernel:
        kernel = _kernel(path)
        if named := [name for name, value in folding.items() if value is not None]:
            raise InputError(f"{file}: a kernel has no `{named[0]}`; leave it out")
        return kernel.with_keys(**given) if given else kernel
    network = _network(path)
    if given:
        raise InputError(f"{file}: a network has plain streams only: leave `{[*given][0]}` out")
    options = {"rom": rom or "auto", "dsp": bool(dsp), "loadable": bool(loadable)}
    return _folded(network, folds, lanes, schedule or "pipeline", options)


def _folded(network, folds, lanes, schedule, options):
    """The design of a network, by its folds or by the lanes that it may have."""
    from .network import Design, Fold, fold, fold_shared

    if folds is not None:
        if lanes is not None:
            raise InputError("give either `lanes` or `folds`")
        parsed = [Fold.parse(text) for text in folds.split(",")]
        return Design(network, parsed, schedule=schedule, **options)
    lanes = 64 if lanes is None else lanes
    if lanes < 1:
        raise InputError(f"`lanes` must be a positive integer, not {lanes}")
    return (fold_shared if schedule == "shared" else fold)(network, lanes, **options)


def _find(file):
    """Whether a file or a name is a kernel's (else it is a network's), and the path of its file."""
    path = Path(file)
    if path.suffix in (".npz", ".onnx"):
        return False, path
    if path.suffix == ".toml" or exists(path):
        return True, path
    if path.suffix:
        raise InputError(
            f"{file}: not a kernel TOML, nor the npz file of a network; name one, or one of "
            "`tnhw list`"
        )
    kernels, models = kernel_names(), model_names()
    if str(file) in kernels:
        return True, folder("kernels") / f"{file}.toml"
    if str(file) in models:
        return False, folder("models") / f"{file}.npz"
    raise InputError(
        f"{file}: no such file, and no kernel or network of that name; "
        f"{nearest(file, kernels + models)}"
    )


def _kernel(path):
    from . import plugins
    from .kernel import Kernel

    plugins.load()
    return Kernel.from_toml(path)


def _network(path):
    from . import plugins

    plugins.load()
    if path.suffix == ".onnx":
        from .onnx import reader

        return reader.load(path)
    from .network import Network

    return Network.load(path)
