"""Small networks with folds, by hand: each has something that faults show in."""

from dataclasses import replace

import numpy as np
from random_networks import Case


def parameters(keys, size, seed=0):
    """Random ones without ends that hide faults."""
    rng = np.random.default_rng(seed)
    arrays = {"bias": rng.integers(-9, 10, size[:1])}
    if keys["rule"] == "mac":
        return arrays | {"weight": rng.integers(-7, 8, size)}
    arrays["sign"] = rng.choice([-1, 1], size)
    if keys["rule"] == "threshold":
        arrays["theta"] = rng.integers(0, 5, size)
    if keys.get("gain"):
        arrays["gain"] = rng.integers(0, 3, size)
    return arrays


def case(shape, layers, sizes, folds, result="vector", **options):
    arrays = [parameters(*both, seed) for seed, both in enumerate(zip(layers, sizes, strict=True))]
    network = {"name": "net", "input": "u3", "shape": shape, "layers": layers, "arrays": arrays}
    return Case(network | {"result": result}, folds, **options)


TN = {"rule": "threshold", "parameter": "u3"}

CONV = {"kind": "conv", "kernel": [2, 2], "padding": 1, "complement": True, "outputs": 3,
        "output": "u3", "shift": 2} | TN  # fmt: skip

DENSE = {"kind": "dense", "rule": "mac", "parameter": "s4"}


def image(**options):
    """A padded convolution of 2 channels in words of 2, then a dense layer in idle lanes."""
    last = DENSE | {"outputs": 2}
    return case([2, 2, 2], [CONV, last], [(3, 2, 2, 4), (2, 27)], ((2, 3), (5, 2)), **options)


def deep():
    """More layers than a network of the field's usual size has."""
    keys = DENSE | {"outputs": 3, "output": "s4", "shift": 1}
    return case([3], [keys | {"name": f"d{k}"} for k in range(40)], [(3, 3)] * 40, ((3, 3),) * 40)


def long():
    """One neuron with more inputs than a kernel in parallel can have."""
    return case([6000], [DENSE | {"outputs": 1}], [(1, 6000)], ((48, 1),))


def wide(**options):
    """One dense layer: idle lanes, idle units, all results of a group at once."""
    keys = DENSE | {"outputs": 4, "output": "s5", "shift": 2}
    return case([7], [keys], [(4, 7)], ((3, 4, 4),), **options)


def plain(**options):
    """One dense layer without requantisation, several groups of several steps."""
    return case([5], [DENSE | {"outputs": 3}], [(3, 5)], ((2, 2),), **options)


def short(**options):
    """Two dense layers whose images are one word each, so that every register of the pipeline may hold another image."""
    layers = [
        TN | {"kind": "dense", "outputs": 2, "output": "u3", "shift": 1},
        DENSE | {"outputs": 1},
    ]
    return case([2], layers, [(2, 2), (1, 2)], ((2, 2), (2, 1)), **options)


def shared(**options):
    """A convolution and two dense layers on one engine."""
    keys = TN | {"output": "u3", "shift": 2}
    layers = [
        keys | {"kind": "conv", "kernel": [2, 2], "outputs": 3},
        keys | {"kind": "dense", "outputs": 5},
        TN | {"kind": "dense", "outputs": 2},
    ]
    sizes = [(3, 2, 2, 2), (5, 12), (2, 5)]
    return case([3, 3, 2], layers, sizes, ((2, 2),) * 3, schedule="shared", **options)


def padded(**options):
    """A padded convolution on the three words that one before it has left of four."""
    keys = TN | {"kind": "conv", "output": "u3", "shift": 1, "outputs": 1}
    layers = [keys | {"kernel": [1, 2]}, keys | {"kernel": [1, 2], "padding": 1}]
    sizes = [(1, 1, 2, 1)] * 2
    return case([1, 4, 1], layers, sizes, ((1, 1),) * 2, schedule="shared", **options)


def ties(**options):
    """A class of outputs that often are equal."""
    keys = {"kind": "dense", "rule": "ternary", "outputs": 5, "output": "u2"}
    return case([4], [keys], [(5, 4)], ((4, 1),), result="class", **options)


def few(**options):
    """Few thresholds, with a gain and absent synapses: short words and codes."""
    made = case(
        [6], [TN | {"kind": "dense", "outputs": 3, "gain": True}], [(3, 6)], ((3, 1),), **options
    )
    arrays = made.network["arrays"][0]
    arrays["theta"] = arrays["theta"] >> 1 << 1
    arrays["sign"][:, ::2] *= np.arange(3) > 0
    return made


def slow(**options):
    """A group leaves in more beats than it has steps."""
    return case([2], [DENSE | {"outputs": 4}], [(4, 2)], ((2, 4),), **options)


def quick(**options):
    """All at once: a vector is a beat, a step and a result."""
    keys = DENSE | {"outputs": 2, "output": "s4", "shift": 2}
    return case([2], [keys], [(2, 2)], ((2, 2, 2),), **options)


def stairs(**options):
    """A layer with thresholds of which some channels fall, and one with a multiplier for each channel."""
    keys = DENSE | {"outputs": 3, "output": "s3", "requantise": "staircase"}
    last = DENSE | {"outputs": 4, "output": "u4", "requantise": "scale", "shift": 3}
    made = case([4], [keys, last], [(3, 4), (4, 3)], ((2, 3), (3, 4)), **options)
    first, second = made.network["arrays"]
    rng = np.random.default_rng(4)
    first["steps"] = np.sort(rng.integers(-60, 60, (3, 7)), axis=1)
    first["falling"] = np.array([0, 1, 0])
    second["multiplier"], second["offset"] = np.array([5, -3, 7, 2]), np.array([20, 60, -9, 31])
    return made


def tight(**options):
    """Two layers that need both of their banks all the time: the first images are not evenly spaced."""
    keys = DENSE | {"requantise": "staircase"}
    layers = [
        keys | {"outputs": 7, "output": "u2"},
        keys | {"outputs": 10, "output": "u3"},
        DENSE | {"outputs": 2},
    ]
    made = case(
        [3], layers, [(7, 3), (10, 7), (2, 10)], ((1, 7, 7), (7, 5, 5), (5, 1, 1)), **options
    )
    rng = np.random.default_rng(4)
    for own, count in zip(made.network["arrays"], (3, 7), strict=False):
        own["steps"] = np.sort(rng.integers(-20, 20, (len(own["weight"]), count)), axis=1)
    return made


def narrow(**options):
    """An image of one row, padded at its sides only."""
    keys = TN | {
        "kind": "conv",
        "kernel": [1, 3],
        "padding": [0, 1, 0, 1],
        "output": "u3",
        "outputs": 2,
        "shift": 1,
    }
    return case(
        [1, 5, 2],
        [keys, DENSE | {"outputs": 2}],
        [(2, 1, 3, 2), (2, 10)],
        ((2, 2), (2, 2)),
        **options,
    )


def pairs(**options):
    """Two images side by side, through two engines, to a class."""
    layers = [
        TN | {"kind": "dense", "outputs": 3, "output": "u3", "shift": 1},
        DENSE | {"outputs": 3},
    ]
    made = case([5], layers, [(3, 5), (3, 3)], ((2, 3), (1, 3)), result="class", **options)
    return replace(made, images=2)


def triples(**options):
    """Three images side by side, several results a cycle, and groups that take longer to leave than to compute."""
    keys = DENSE | {"outputs": 6, "output": "s5", "shift": 2}
    return replace(case([4], [keys], [(6, 4)], ((2, 6, 2),), **options), images=3)


def turns(**options):
    """Two images side by side in one engine, which computes two layers in turn."""
    return replace(shared(**options), images=2)


def ladders(**options):
    """Two images side by side, whose results have thresholds and multipliers of their own."""
    return replace(stairs(**options), images=2)


GOOD = (
    image, wide, plain, shared, ties, few, slow, quick, padded, stairs, narrow, tight, pairs, triples, turns, ladders,
)  # fmt: skip
