"""`compare`: kernels on FPGA families and libraries of standard cells, or networks on a board's device."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from ..catalogue import load
from ..errors import InputError
from ..kernel import Kernel
from ..network import Network
from ..support.config import plain_number

if TYPE_CHECKING:
    from ..catalogue import Source
    from ..comparison.results import KernelComparison, NetworkComparison

__all__ = ["compare"]

KERNEL_VECTORS, NETWORK_VECTORS = 64, 8


def compare(
    sources: "Source | Iterable[Source]",
    target: str | Iterable[str],
    *,
    vectors: int | None = None,
    seeds: int = 5,
    models: str | Sequence[str] = (),
    data: str | Path | None = None,
    workers: int | None = 1,
    cached: bool = True,
    folds: str | None = None,
    lanes: int | None = None,
    images: int | None = None,
    x: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    data_file: str | Path | None = None,
    peer: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> "KernelComparison | NetworkComparison":
    """Measure kernels, or networks, and compare them with the first.

    Parameters
    ----------
    sources : list of (str, path, Kernel or Network), or one
        All kernels or all networks.
    target : str or list of str
        For kernels: ``ice40``, ``ecp5``, ``gowin``, ``xc7``, ``liberty:PATH``. For networks: one board.
    vectors : int, optional
        Number of vectors for the activity, by default 64 for kernels and 8 for networks; 0 for no activity.
    seeds : int
        Number of runs of place and route, of which speeds are medians; with 0 kernels are only synthesised.
    models : str or list of str
        For kernels: trained networks from which operands and accuracy come; one for all kernels, or one for each.
    data : path, optional
        For kernels, with `models`: folder of data sets.
    workers : int, optional
        For kernels: number of processes that measure at the same time; None for one for each core. A script that asks
        for more than one must do its work below ``if __name__ == "__main__":``.
    cached : bool
        For kernels: whether measurements of earlier runs may be used.
    folds, lanes, images : str or int, optional
        For networks: folds or lanes of designs that are measured beside the fastest; most images side by side, by default 1.
    x, labels : array_like of int [n, inputs] and [n], optional
        For networks: test vectors and their classes, for accuracy and activity.
    data_file : path, optional
        npz file with vectors and perhaps labels (see `tnhw.data.own`). For networks: instead of `x` and `labels`, encoded
        as each card says. For kernels, with `models`: vectors for operands and accuracy.
    peer : str, optional
        For networks: ``da4ml`` also measures the designs of that generator.
    say : callable
        Called with a sentence for each step.

    Returns
    -------
    KernelComparison or NetworkComparison
        With the rows in `rows`; its method `write` writes files.

    Raises
    ------
    InputError, ToolMissing, ToolFailed
        If an argument is wrong or for the other kind, or a tool is missing or fails.
    CheckFailed
        If a netlist gives other results than the golden model.
    """
    loaded = _loaded(sources)
    targets = [target] if isinstance(target, str) else [str(one) for one in target]
    numbers = range(1, plain_number(seeds) + 1)
    common = {"vectors": plain_number(vectors), "seeds": numbers, "say": say}
    _check_vectors(data_file, x, labels, data)
    own = {"folds": folds, "x": x, "labels": labels, "peer": peer}
    own |= {"lanes": plain_number(lanes), "images": plain_number(images)}
    given = {key: value for key, value in own.items() if value is not None}
    kernels = [one for _, one in loaded if isinstance(one, Kernel)]
    if len(kernels) == len(loaded):
        options: dict[str, Any] = {"workers": plain_number(workers), "cached": cached}
        options |= {"vectors_of": {"folder": data, "data_file": data_file}}
        return _kernels(kernels, targets, common, models, given, **options)
    if kernels or not all(isinstance(one, Network) for _, one in loaded):
        raise InputError("compare takes networks or kernels, not both, and no folded designs")
    return _networks(dict(loaded), targets, common, models, given, data_file)


def _check_vectors(
    data_file: str | Path | None,
    x: ArrayLike | None,
    labels: ArrayLike | None,
    data: str | Path | None,
) -> None:
    if data_file is not None and (x is not None or labels is not None or data is not None):
        raise InputError("give either `data_file`, or `x` and `labels`, or a folder `data`")


def _loaded(sources: "Source | Iterable[Source]") -> list[tuple[str, Any]]:
    """The sources as pairs of a name, as it was given or the object's own, and the kernel or network."""
    listed: list[Any] = [sources]
    if not isinstance(sources, (str, Path, Kernel, Network)):
        listed = list(cast(Iterable[Any], sources))
    if not listed:
        raise InputError("there is nothing to compare: give a kernel or a network")
    pairs = [(one, load(one)) for one in listed]
    return [(str(one) if isinstance(one, (str, Path)) else made.name, made) for one, made in pairs]


def _kernels(
    kernels: list[Kernel],
    targets: list[str],
    common: dict[str, Any],
    models: str | Sequence[str],
    given: dict[str, Any],
    *,
    vectors_of: dict[str, Any],
    **options: Any,
) -> "KernelComparison":
    from ..comparison import kernels as comparison
    from ..comparison.results import KernelComparison

    if given:
        raise InputError(
            "folds, lanes, images, test data and a peer are for networks: leave them out"
        )
    names = [kernel.name for kernel in kernels]
    if len(set(names)) < len(names):
        raise InputError("two kernels have the same name: give them different ones")
    if common["vectors"] is None:
        common = common | {"vectors": KERNEL_VECTORS}
    models = [models] if isinstance(models, str) else list(models)
    operands = _operands(kernels, models, common["vectors"], vectors_of)
    rows = comparison.compare(kernels, targets, operands=operands, **common, **options)
    settings = {"vectors": common["vectors"], "seeds of place and route": list(common["seeds"])}
    return KernelComparison(rows, settings)


def _operands(
    kernels: list[Kernel], models: list[str], vectors: int, vectors_of: dict[str, Any]
) -> dict[str, Any]:
    """Operands for kernels by name, from trained networks: one for all kernels, or one for each."""
    from ..comparison import fpga
    from ..comparison.kernels import WARM_UP
    from ..comparison.operands import of_model

    if vectors_of["data_file"] is not None and not models:
        raise InputError(
            "vectors of a file are for networks, or for kernels with a model whose layers make operands of them: name one with "
            "--model, or leave the file out"
        )
    if len(models) not in (0, 1, len(kernels)):
        raise InputError(
            f"a model is given {len(models)} times, but the number of kernels is {len(kernels)}: give one for "
            "all, or one for each in their order"
        )
    pairs = zip(kernels, models * len(kernels) if len(models) == 1 else models, strict=False)
    count = vectors + max(WARM_UP, fpga.WARM_UP)
    return {kernel.name: of_model(kernel, name, count, **vectors_of) for kernel, name in pairs}


def _networks(
    networks: dict[str, Network],
    targets: list[str],
    common: dict[str, Any],
    models: str | Sequence[str],
    options: dict[str, Any],
    data_file: str | Path | None,
) -> "NetworkComparison":
    from ..comparison import networks as comparison
    from ..comparison.results import NetworkComparison
    from ..comparison.vectors import of_network

    if models:
        raise InputError("a model of operands is for kernels: a network has its own parameters")
    if not common["seeds"]:
        raise InputError("networks need at least 1 seed of place and route")
    if len(targets) > 1:
        raise InputError("networks are compared on one board: give one target")
    if common["vectors"] is None:
        common = common | {"vectors": NETWORK_VECTORS}
    data: dict[str, Any] = {
        key: np.asarray(options[key]) for key in ("x", "labels") if key in options
    }
    if data_file is not None:
        pairs = {name: of_network(network, data_file) for name, network in networks.items()}
        data = {"x": {name: x for name, (x, _) in pairs.items()}}
        data["labels"] = next(labels for _, labels in pairs.values())
    rows = comparison.compare(networks, targets[0], **common | options | data)
    return NetworkComparison(rows, targets[0])
