"""Operands for a kernel from a trained network: activations and parameters of a layer, and the network's score."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..catalogue import load
from ..data import datasets
from ..data.scores import percent_correct
from ..errors import InputError
from ..network import Network
from .vectors import of_network

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
        Score of the network on its test data, from its card; or on vectors of the user's own.
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


def of_model(kernel, model, count, *, layer=None, folder=None, data_file=None):
    """Operands for a kernel from a trained network.

    They come from a dense layer that has the kernel's rule, exactly its formats, and at least as many inputs and outputs.
    The first inputs and outputs of that layer are used, with its activations for the first test vectors, or for those of a
    file.

    Parameters
    ----------
    kernel : Kernel
    model : Network, str or path
        A network whose card names its data set.
    count : int
        Number of vectors.
    layer : int, optional
        Number of the layer, from 0. Default: the last one that fits.
    folder : path, optional
        Folder with the files of the data set.
    data_file : path, optional
        npz file with vectors of the user's own instead; see `tnhw.comparison.vectors`. The score is then the percentage of them
        that the network classifies as the file's labels say, or None without labels.

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
    layers, layer = _layers_until(kernel, network, layer)
    x, score, unit, source = _vectors(network, folder, data_file)
    if len(x) < count:
        raise InputError(
            f"{source} has {len(x)} vectors, fewer than the {count} asked for; give a smaller number of vectors"
        )
    x = x[:count]
    for before in layers:
        x = before.golden(x)
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
    text = f"{network.name}, layer {layer.name}, its own activations on {source if data_file else 'test data'}"
    return Operands(x, p, text, score, unit, network.name)


def _layers_until(kernel, network, wanted):
    """The layer of a network that fits a kernel, and the layers before it: (list, layer). It is the last one that fits, or
    that of the number that is wanted."""
    fits = [
        number
        for number, layer in enumerate(network.layers)
        if wanted in (None, number)
        and layer.keys.kind == "dense"
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
    return network.layers[: fits[-1]], network.layers[fits[-1]]


def _vectors(network, folder, data_file):
    """Vectors for a network, its score with its unit, and what the vectors are called."""
    card = network.card
    if data_file is not None:
        x, labels = of_network(network, data_file)
        score = None
        if labels is not None:
            score = round(percent_correct(network.results(x), labels), 3)
        return x, score, "% correct", Path(data_file).name
    name = card.get("recipe", {}).get("dataset")
    if name is None:
        raise InputError(
            f"network {network.name}: its card names no data set; give vectors with --data-file"
        )
    if name not in datasets.names():
        raise InputError(
            f"network {network.name}: it was trained on {name}, which is no data set of `tnhw list`; give its vectors with "
            "--data-file"
        )
    images = datasets.load(name, folder).x_test
    x = network.check_x(images.reshape(len(images), -1))
    return x, card.get("score"), card.get("unit"), name
