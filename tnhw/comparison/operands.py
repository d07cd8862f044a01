"""Operands for a kernel from a trained network: activations and parameters of a layer, and the network's score."""

from dataclasses import dataclass

import numpy as np

from ..catalogue import load
from ..data import datasets
from ..errors import InputError
from ..network import Network

__all__ = ["Operands", "of_model"]


@dataclass(frozen=True)
class Operands:
    """Operands with which a kernel is measured.

    Parameters
    ----------
    x : int64 array [count, inputs]
        Vectors.
    p : dict of int64 arrays
        Parameters, each [outputs, inputs], and a bias of zeros [outputs].
    text : str
        Where the operands come from.
    score : float or None
        Score of the network on its test data, from its card.
    unit : str or None
        Unit of the score.
    model : str
        Name of the network.
    """

    x: np.ndarray
    p: dict
    text: str
    score: float | None
    unit: str | None
    model: str = ""

    @property
    def facts(self):
        """Fields of a row about the network: its name, and its score if that is an accuracy in percent."""
        percent = self.score if self.unit == "% correct" else None
        return {"model": self.model, "accuracy": percent}


def of_model(kernel, model, count, *, folder=None):
    """Operands for a kernel from a trained network.

    They come from the last dense layer that has the kernel's rule, exactly its formats, and at least as many inputs
    and outputs. The first inputs and outputs of that layer are used, with its activations for the first test vectors.

    Parameters
    ----------
    kernel : Kernel
    model : Network, str or path
        A network whose card names its data set.
    count : int
        Number of vectors.
    folder : path, optional
        Folder with the files of the data set.

    Returns
    -------
    Operands

    Raises
    ------
    InputError
        If no layer fits, there are fewer test vectors, or the kernel has other constants than the layer.
    """
    network = model if isinstance(model, Network) else load(model)
    if not isinstance(network, Network):
        raise InputError(f"{model}: a kernel, not a network: operands need a trained network")
    if kernel.excitatory is not None:
        raise InputError(
            f"kernel {kernel.name}: in a trained layer one input has synapses of both signs; leave `excitatory` out"
        )
    fits = [
        number
        for number, layer in enumerate(network.layers)
        if layer.keys.kind == "dense"
        and layer.kernel.rule == kernel.rule
        and layer.kernel.input == kernel.input
        and layer.kernel.parameter == kernel.parameter
        and layer.kernel.gain == kernel.gain
        and layer.kernel.inputs >= kernel.inputs
        and layer.kernel.outputs >= kernel.outputs
    ]
    if not fits:
        has = "; ".join(
            f"{layer.kernel.rule} {layer.kernel.input} {layer.kernel.parameter} "
            f"{layer.kernel.inputs} x {layer.kernel.outputs}"
            for layer in network.layers
        )
        raise InputError(
            f"kernel {kernel.name}: {network.name} has no dense layer with rule {kernel.rule}, input "
            f"{kernel.input}, parameter {kernel.parameter} and at least {kernel.inputs} x "
            f"{kernel.outputs}; it has {has}"
        )
    name = network.card.get("recipe", {}).get("dataset")
    if name is None:
        raise InputError(f"network {network.name}: its card names no data set")
    images = datasets.load(name, folder).x_test
    if len(images) < count:
        raise InputError(f"{name} has {len(images)} test vectors, fewer than the {count} asked for")
    x = network.check_x(images[:count].reshape(count, -1))
    for layer in network.layers[: fits[-1]]:
        x = layer.golden(x)
    layer = network.layers[fits[-1]]
    x = np.asarray(x, np.int64).reshape(count, -1)[:, : kernel.inputs]
    p = {
        key: array[: kernel.outputs, : kernel.inputs]
        for key, array in layer.arrays.items()
        if key != "bias"
    }
    p["bias"] = np.zeros(kernel.outputs, np.int64)
    if kernel.storage == "constant":
        same = all(np.array_equal(kernel.arrays.get(key), p[key]) for key in p if key != "bias")
        if not same:
            raise InputError(
                f"kernel {kernel.name}: its constants are not those of {network.name}, layer {layer.name}"
            )
    text = f"{network.name}, layer {layer.name}, its own activations on test data"
    return Operands(x, p, text, network.card.get("score"), network.card.get("unit"), network.name)
