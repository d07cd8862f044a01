"""An imported network beside the graph that it was made of: every result of every layer, on real inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CheckFailed
from .records import Imported

__all__ = ["Comparison", "check", "compare", "random_inputs", "real_classes"]

ROUNDED = 1e-5  # of the largest output: more than float32 loses in adding up
PART = 500  # inputs that are computed at once


@dataclass(frozen=True)
class Comparison:
    """Where the two differ.

    Attributes
    ----------
    inputs : int
    layers : dict of str to (int, int)
        For each layer whose results are integers that stand for values of the graph, how many differ, of how many.
    results : int
        Inputs whose result differs: the class, or any element of the vector.
    ties : int
        Inputs for which the graph chose another one of several classes whose exact outputs are equal: it chose by the
        rounding of float32. They are not counted in `results`.
    unexplained : int
        Integers and results that differ although no threshold at which float32 decides is near: none, if tnhw is right.
    """

    inputs: int
    layers: dict[str, tuple[int, int]]
    results: int
    ties: int = 0
    unexplained: int = 0

    @property
    def equal(self) -> bool:
        """Whether all integers and all results are the same."""
        return not self.results and not any(different for different, _ in self.layers.values())

    def to_dict(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs,
            "results_different": self.results,
            "ties": self.ties,
            "unexplained": self.unexplained,
            "layers": {
                name: {"different": different, "of": of}
                for name, (different, of) in self.layers.items()
            },
        }


def random_inputs(imported: Imported, count: int, seed: int = 0) -> np.ndarray:
    """Real inputs [count, ...] for the graph, at random over the steps of its first quantiser and beyond its ends."""
    rng, shape = np.random.default_rng(seed), (count, *imported.graph.shape[1:])
    if imported.values is not None:
        return rng.choice(imported.values, shape).astype(np.float32)
    steps = imported.encoder.steps.astype(np.float64)
    low, high = (steps.min(), steps.max()) if len(steps) else (0.0, 1.0)
    margin = 0.1 * (high - low) or 1.0
    return rng.uniform(low - margin, high + margin, shape).astype(np.float32)


def compare(imported: Imported, x: np.ndarray) -> Comparison:
    """Compare results and all integers between layers for real inputs x [n, ...] of the graph."""
    network, graph = imported.network, imported.graph
    x = np.asarray(x, np.float32).reshape(len(x), *graph.shape[1:])
    places = [
        [place for place in layer if place.tensor and place.codes is not None]
        for layer in imported.places
    ]
    names = list(dict.fromkeys(place.tensor for layer in places for place in layer))
    layers = {layer.name: [0, 0] for layer, own in zip(network.layers, places, strict=True) if own}
    different = ties = unexplained = 0
    for first in range(0, len(x), PART):
        part = x[first : first + PART]
        *found, end = graph.reference(part, [*names, graph.output])
        tensors = dict(zip(names, found, strict=True))
        results = sent = imported.encode(part)
        for layer, own in zip(network.layers, places, strict=True):
            results, z = layer.golden(results), layer.sums(sent)
            sent = layer.requantiser.golden(z)
            if not own:
                continue
            # Each layer gets what the graph has before it, so that one threshold is not counted in all layers behind it.
            wanted, seen = _wanted(sent, own, tensors)
            unsure = np.concatenate([place.unsure for place in own])
            unexplained += int(((sent != wanted) & ~_unsure(z, unsure)).sum())
            wrong = (results.reshape(sent.shape) != wanted) & seen
            layers[layer.name][0] += int(wrong.sum())
            layers[layer.name][1] += int(seen.sum()) * len(part)
            sent = wanted
        flat, last = results.reshape(len(part), -1), sent.reshape(len(part), -1)
        if network.result == "class":
            real = end.reshape(len(part), -1)
            apart, equal = _classes(flat, real, imported.ends_in_class)
            different, ties = different + apart, ties + equal
            unexplained += _classes(last, real, imported.ends_in_class)[0]
        elif (line := imported.places[-1][0].line) is not None:
            apart = _apart(sent, imported.places[-1][0].order, line, end)
            different, unexplained = different + apart, unexplained + apart
        elif places[-1]:
            different += int(wrong.reshape(len(part), -1).any(axis=1).sum())
    counts = {name: (pair[0], pair[1]) for name, pair in layers.items()}
    return Comparison(len(x), counts, different, ties, unexplained)


def check(imported: Imported, x: np.ndarray) -> Comparison:
    """Compare, and raise CheckFailed if anything differs for which float32 is no reason."""
    found = compare(imported, x)
    if found.unexplained:
        raise CheckFailed(
            f"{imported.graph.where}: the network does not compute what the graph does ({found.unexplained:,} numbers differ for "
            f"{len(x):,} inputs), so nothing is made of it. This is a fault of tnhw: please report it with the file"
        )
    return found


def _wanted(sent, places, tensors):
    """The results of a layer with those instead that stand for tensors of the graph, and which ones do."""
    wanted = sent.reshape(len(sent), -1).copy()
    seen = np.zeros(wanted.shape[1], bool)
    for place in places:
        values = tensors[place.tensor].reshape(len(sent), -1)
        wanted[:, place.order.ravel()] = place.codes.encode(values)
        seen[place.order.ravel()] = True
    return wanted.reshape(sent.shape), seen.reshape(sent.shape[1:])


def _apart(sums, order, line, real):
    """For how many inputs the exact sums are not the real outputs of the graph, within what float32 rounds."""
    slope, offset = line
    values = (sums * slope + offset).reshape(len(sums), -1)[:, order.ravel()]
    real = real.reshape(len(real), -1)
    close = np.abs(values - real) <= 0.5 * np.abs(slope).min() + ROUNDED * np.abs(real).max()
    return int((~close).any(axis=1).sum())


def _unsure(z, unsure):
    """Whether each sum [..., channels] is beside a threshold at which float32 may decide either way."""
    found = np.zeros(z.shape, bool)
    for channel, place, reach in unsure.tolist():
        own = z[..., channel]
        found[..., channel] |= (own >= place - reach) & (own < place + reach)
    return found


def _classes(y, real, ends_in_class):
    """How many classes differ, and how many only because the graph took another one of equal outputs."""
    own, rows = y.argmax(axis=1), np.arange(len(y))
    classes = real[:, 0].astype(np.int64) if ends_in_class else real.argmax(axis=1)
    other = own != classes
    tied = y[rows, classes] == y.max(axis=1)
    if not ends_in_class:
        tied |= real[rows, own] == real.max(axis=1)
    return int((other & ~tied).sum()), int((other & tied).sum())


def real_classes(imported: Imported, x: np.ndarray) -> np.ndarray:
    """Classes that the graph of the file, before any quantisation by tnhw, gives for real inputs: int64 [n]."""
    graph = imported.original or imported.graph
    x, classes = np.asarray(x, np.float32).reshape(len(x), *graph.shape[1:]), []
    for first in range(0, len(x), PART):
        (end,) = graph.reference(x[first : first + PART], [graph.output])
        end = end.reshape(len(end), -1)
        classes.append(end[:, 0].astype(np.int64) if imported.ends_in_class else end.argmax(axis=1))
    return np.concatenate(classes)
