"""Kernels and networks by file or by name, and the default folds of networks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from .errors import InputError
from .support.config import nearest
from .support.data_files import folder
from .support.files import exists

if TYPE_CHECKING:
    from .hardware import Hardware
    from .kernel import Kernel
    from .network import Fold, Network

    #: A name, a file, or what they stand for.
    Source: TypeAlias = str | os.PathLike[str] | Kernel | Network | Hardware

__all__ = ["LANES", "Folding", "kernel_names", "load", "load_design", "load_kernel", "model_names"]

LANES = 64
INPUTS = 20  # on which a network of another tool is compared with its graph


class Folding(TypedDict, total=False):
    """How a network becomes a design. Every key may be left out; for a kernel only `dsp` is allowed.

    Attributes
    ----------
    folds : str, or list of str or Fold
        A fold for each layer, inputs x outputs in one cycle: ``"16x4,8x1"``; or inputs x outputs x images that are computed
        side by side: ``"16x4x2,8x1x2"``; or with the rows of its input images that a layer holds: ``"16x4:5,8x1:2"``.
    lanes : int
        If no folds are given: most synapses that may be computed in one cycle, by default 64.
    images : int
        If no folds are given: most images that may be computed side by side, by default 1.
    schedule : str
        ``pipeline``: an engine for each layer, all at the same time; ``shared``: one engine for all layers in turn;
        ``unrolled``: gates for each synapse, with its constant parameter, and a vector in each cycle. The last one
        takes no other option.
    rom : str
        Where parameters are stored: in ``block`` RAM, in ``logic``, or ``auto`` to choose by size.
    dsp : bool
        Whether products are for the DSP blocks of a device.
    loadable : bool
        Whether other parameters can be loaded later.
    """

    folds: str | Iterable[str | Fold] | None
    lanes: int | None
    images: int | None
    schedule: str | None
    rom: str | None
    dsp: bool | None
    loadable: bool | None


def kernel_names() -> list[str]:
    """Names of the kernels that come with tnhw, sorted."""
    return sorted(path.stem for path in folder("kernels").glob("*.toml"))


def model_names() -> list[str]:
    """Names of the networks that come with tnhw, sorted."""
    return sorted(path.stem for path in folder("models").glob("*.npz"))


def load(source: Source) -> Kernel | Network | Hardware:
    """Load a kernel from a TOML file, a network from an npz or ONNX file, or one that comes with tnhw by its name.

    A name is looked up among the kernels, then among the networks. An object is returned as it is.

    Raises
    ------
    InputError
        If there is no such file or name, or the file is not valid.
    """
    if isinstance(source, (str, os.PathLike)):
        is_kernel, path = _find(source)
        return _kernel(path) if is_kernel else _network(path)
    if type(source).__module__ in ("builtins", "numpy"):
        raise InputError(
            f"give a name of `tnhw list`, a file, a kernel, a network or a design, not {source!r:.60}"
        )
    return source


def load_kernel(source: Source, taker: str) -> Kernel:
    """Load a kernel; `taker` names the command or format that takes only kernels, for the message.

    Raises
    ------
    InputError
        As for `load`, and if the source is not a kernel.
    """
    from .kernel import Kernel
    from .network import Network

    loaded = load(source)
    if not isinstance(loaded, Kernel):
        what = "a network" if isinstance(loaded, Network) else "no kernel"
        raise InputError(f"{_called(source)}: {what}; {taker} takes kernels")
    return loaded


def load_design(
    source: Source,
    *,
    interface: str | None = None,
    beat: int | None = None,
    folds: str | Iterable[str | Fold] | None = None,
    lanes: int | None = None,
    images: int | None = None,
    schedule: str | None = None,
    rom: str | None = None,
    dsp: bool | None = None,
    loadable: bool | None = None,
) -> Hardware:
    """Load something that can be generated, simulated and built: as `load`, with a network made into a design.

    Parameters
    ----------
    source : str, path, Kernel, Network or other hardware
    interface : str, optional
        ``stream`` or ``axi-stream``, for a kernel instead of what its file says.
    beat : int, optional
        For a kernel: elements in a beat, instead of what its file says.
    folds, lanes, images, schedule, rom, dsp, loadable : optional
        For a network: see :class:`Folding`.

    Raises
    ------
    InputError
        As for `load`, and if an option does not apply to the source.
    """
    from .kernel import Kernel
    from .network import Network

    loaded = load(source)
    ports = {"interface": interface, "beat": beat}
    folding = {"folds": folds, "lanes": lanes, "images": images, "schedule": schedule, "rom": rom}
    folding["loadable"] = loadable or None
    given = {key: value for key, value in ports.items() if value is not None}
    unfit = [name for name, value in folding.items() if value is not None]
    if isinstance(loaded, Network):
        if beat is not None:
            what = "a network's beat is a word of its first layer, which its folds decide"
            raise InputError(f"{_called(source)}: {what}: leave `beat` out")
        if schedule == "unrolled":
            return _unrolled(loaded, interface, folding | {"schedule": None, "dsp": dsp or None})
        options = {"rom": rom or "auto", "dsp": bool(dsp), "loadable": bool(loadable),
                   "interface": interface or "stream"}  # fmt: skip
        return _folded(loaded, folds, lanes, images, schedule or "pipeline", options)
    if isinstance(loaded, Kernel):
        if unfit:
            raise InputError(f"{_called(source)}: a kernel has no `{unfit[0]}`; leave it out")
        return loaded.with_keys(**given) if given else loaded
    if unfit := [*given, *unfit]:
        raise InputError(
            f"{loaded.name}: hardware that is made already takes no `{unfit[0]}`; leave it out"
        )
    return loaded


def _called(source):
    """The name of a source in messages: the file or name that was given, or the object's own name."""
    return source if isinstance(source, (str, os.PathLike)) else source.name


def _unrolled(network, interface, others):
    """The unrolled design of a network, which takes none of the other options."""
    from .network import UnrolledDesign

    if unfit := [name for name, value in others.items() if value is not None]:
        raise InputError(
            f"network {network.name}: the schedule `unrolled` has gates for each synapse and takes no "
            f"`{unfit[0]}`; leave it out"
        )
    return UnrolledDesign(network, interface=interface or "stream")


def _folded(network, folds, lanes, images, schedule, options):
    """The design of a network with given folds, or with at most so many lanes, and images side by side."""
    from .network import Design, Fold, fold, fold_shared

    if folds is not None:
        for name, value in (("lanes", lanes), ("images", images)):
            if value is not None:
                raise InputError(f"give either `{name}` or `folds`")
        listed = folds.split(",") if isinstance(folds, str) else folds
        parsed = [one if isinstance(one, Fold) else Fold.parse(one) for one in listed]
        return Design(network, parsed, schedule=schedule, **options)
    lanes = LANES if lanes is None else lanes
    if lanes < 1:
        raise InputError(f"`lanes` must be a positive integer, not {lanes}")
    images = 1 if images is None else images
    choose = fold_shared if schedule == "shared" else fold
    return choose(network, lanes, images=images, **options)


def _find(file):
    """Whether a file or a name stands for a kernel (otherwise for a network), and the path of its file."""
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

        return reader.load(path) if reader.is_own(path) else _imported(path)
    from .network import Network

    return Network.load(path)


def _imported(path):
    """The network of an ONNX file of another tool, compared with its graph on a few inputs."""
    from . import importing
    from .importing.checking import check, random_inputs

    imported = importing.load(path)
    check(imported, random_inputs(imported, INPUTS))
    return imported.network
