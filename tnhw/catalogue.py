"""Kernels and networks by file or by name."""

from pathlib import Path

from .errors import InputError
from .support.config import nearest
from .support.data_files import folder
from .support.files import exists

__all__ = ["kernel_names", "load", "load_design", "model_names"]


def kernel_names():
    """Names of the kernels that travel with tnhw."""
    return sorted(path.stem for path in folder("kernels").glob("*.toml"))


def model_names():
    """Names of the networks that travel with tnhw."""
    return sorted(path.stem for path in folder("models").glob("*.npz"))


def load(file):
    """Kernel of a TOML file, network of an npz or ONNX file, or one of either that travels with tnhw.

    A bare name is looked up among the kernels, then among the networks.

    Raises
    ------
    InputError
        If there is no such file or name, or what it says is not valid.
    """
    from . import plugins
    from .kernel import Kernel
    from .network import Network

    plugins.load()
    path = Path(file)
    if path.suffix == ".npz":
        return Network.load(path)
    if path.suffix == ".onnx":
        from .onnx import reader

        return reader.load(path)
    if path.suffix == ".toml" or exists(path):
        return Kernel.from_toml(path)
    if path.suffix:
        raise InputError(
            f"{file}: not a kernel TOML, nor the npz file of a network; name one, or one of "
            "`tnhw list`"
        )
    kernels, models = kernel_names(), model_names()
    if str(file) in kernels:
        return Kernel.from_toml(folder("kernels") / f"{file}.toml")
    if str(file) in models:
        return Network.load(folder("models") / f"{file}.npz")
    raise InputError(
        f"{file}: no such file, and no kernel or network of that name; "
        f"{nearest(file, kernels + models)}"
    )


def load_design(file, *, folds=None, lanes=None, schedule=None, rom=None, dsp=None, loadable=None):
    """What `load` gives, a network folded: what can be generated, simulated and built.

    Parameters
    ----------
    folds : str, optional
        For a network: a fold for each layer, as ``16x4,8x1``.
    lanes : int, optional
        At most so many synapses a cycle, 64 by default.
    schedule, rom, dsp, loadable : optional
        See `tnhw.network.Design`.
    """
    from .kernel import Kernel

    loaded = load(file)
    given = {"folds": folds, "lanes": lanes, "schedule": schedule, "rom": rom}
    given["loadable"] = loadable or None
    options = {"rom": rom or "auto", "dsp": bool(dsp), "loadable": bool(loadable)}
    if isinstance(loaded, Kernel):
        if named := [name for name, value in given.items() if value is not None]:
            raise InputError(f"{file}: a kernel has no `{named[0]}`; leave it out")
        return loaded
    from .network import Design, Fold, fold, fold_shared

    if folds is not None:
        if lanes is not None:
            raise InputError("give either `lanes` or `folds`")
        parsed = [Fold.parse(text) for text in folds.split(",")]
        return Design(loaded, parsed, schedule=schedule or "pipeline", **options)
    lanes = 64 if lanes is None else lanes
    if lanes < 1:
        raise InputError(f"`lanes` must be a positive integer, not {lanes}")
    return (fold_shared if schedule == "shared" else fold)(loaded, lanes, **options)
