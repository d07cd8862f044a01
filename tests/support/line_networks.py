"""Random networks whose layers hold a few rows of their images: windows up to 5 x 5, odd sizes, uneven steps and padding."""

from dataclasses import replace
from itertools import count
from math import prod

import network_oracle
import numpy as np
import oracle
import random_networks
from folded_networks import DENSE, TN
from folded_networks import case as by_hand
from random_networks import Case

WINDOW = {"kind": "conv", "output": "u3", "shift": 2} | TN
MAX_CYCLES = 250  # a vector


def window(rng, shape):
    """Keys of a convolution that fits an image."""
    kernel, far, pads = [], [], [0] * 4
    for axis in range(2):
        taps, apart = int(rng.integers(1, 6)), int(rng.choice([1, 1, 1, 2]))
        extent = (taps - 1) * apart + 1
        for side in (axis, axis + 2):
            pads[side] = int(rng.integers(0, max(2, extent))) if rng.random() < 0.5 else 0
        if extent > shape[axis] + pads[axis] + pads[axis + 2]:
            taps, apart, pads[axis], pads[axis + 2] = 1, 1, 0, 0
        kernel.append(taps)
        far.append(apart)
    keys = {"kind": "conv", "kernel": kernel, "stride": rng.integers(1, 4, 2).tolist(), "dilation": far}  # fmt: skip
    return keys | ({"padding": pads} if any(pads) else {})


def network(rng):
    """Keys and parameters: one to three convolutions, and often a dense layer behind them."""
    shape = [*rng.integers(1, 12, 2).tolist(), int(rng.integers(1, 5))]
    made = {"name": "net", "input": random_networks.number(rng), "shape": shape}
    made |= {"layers": [], "arrays": []}
    now, convs, ends = made["input"], int(rng.integers(1, 4)), int(rng.integers(0, 3))
    for k in range(convs + ends):
        keys = window(rng, shape) if k < convs else {"kind": "dense"}
        keys |= random_networks.synapse(rng, bool(keys.get("padding")), now)
        keys["outputs"] = int(rng.integers(1, 5))
        if rng.random() < 0.25:
            keys["complement"] = True
        taps = keys.get("kernel", [])
        channels = shape[-1] if taps else prod(shape)
        full = (keys["outputs"], *taps, channels * (1 + keys.get("complement", 0)))
        made["layers"].append(keys)
        made["arrays"].append(random_networks.parameters(rng, keys, full))
        if k < convs + ends - 1 or rng.random() < 0.5:
            x = rng.integers(*oracle.bounds(made["input"]), prod(made["shape"]), endpoint=True)
            sums = network_oracle.trace(made, x)[0][-1]
            now = keys["output"] = random_networks.number(rng)
            keys["shift"] = max(
                -3, max(map(abs, sums)).bit_length() - int(now[1:]) + int(rng.integers(-1, 2))
            )
        shape = random_networks.out_shape(keys, shape) if taps else [keys["outputs"]]
    made["result"] = "class" if (ends or shape[:2] == [1, 1]) and rng.random() < 0.5 else "vector"
    return made


def draw(rng):
    """A case, or None where it is invalid or takes too long."""
    made = network(rng)
    folds = random_networks.random_folds(rng, made, False)
    if folds is None:
        return None
    rom, reset = str(rng.choice(["auto", "block", "logic"])), bool(rng.random() < 0.3)
    loadable = bool(rng.random() < 0.2)
    case = Case(made, folds, rom=rom, seed=int(rng.integers(2**31)), reset=reset, loadable=loadable)
    if random_networks.load(case) > MAX_CYCLES:
        return None
    stages = case.design().stages
    if any(stage.drains_slowly for stage in stages):
        return None
    lines = []
    for stage in stages:
        least, most = stage.layer.least_lines, 2 * stage.layer.in_shape[0]
        lines.append(int(least if rng.random() < 0.4 else rng.integers(least, most, endpoint=True)))
    return Case(made, folds, rom=rom, seed=case.seed, reset=reset, loadable=loadable, lines=tuple(lines))  # fmt: skip


def case(seed, number):
    """Case `number` of a seed."""
    for attempt in count():
        found = draw(np.random.default_rng((seed, number, attempt)))
        if found is not None:
            return found


# ---- Networks by hand ----


def held(shape, layers, sizes, folds, kept, **options):
    """A network of which each layer holds so many lines."""
    return replace(by_hand(shape, layers, sizes, folds, **options), lines=kept)


def strided(**options):
    """Padding above only, a step over two lines and one line that no window needs, then a window of two lines."""
    first = WINDOW | {"kernel": [3, 2], "stride": 2, "padding": [1, 0, 0, 0], "outputs": 3}
    layers = [first, WINDOW | {"kernel": [2, 2], "outputs": 2}, DENSE | {"outputs": 3}]
    sizes = [(3, 3, 2, 2), (2, 2, 2, 3), (3, 8)]
    folds = ((2, 3), (3, 2), (2, 2))
    return held([7, 6, 2], layers, sizes, folds, (4, 3, 1), **options)


def sparse(**options):
    """Windows between which there are lines that none needs, in a memory that has no power of two words."""
    layers = [WINDOW | {"kernel": [1, 2], "stride": [3, 1], "outputs": 2}, DENSE | {"outputs": 3}]
    return held(
        [8, 3, 1],
        layers,
        [(2, 1, 2, 1), (3, 12)],
        ((1, 2), (4, 1)),
        (5, 2),
        result="class",
        **options,
    )


def level(**options):
    """The second layer is slower than the first, which waits for room, and pads its image at the bottom."""
    layers = [
        WINDOW | {"kernel": [1, 1], "outputs": 2},
        WINDOW | {"kernel": [3, 3], "padding": [0, 1, 1, 1], "outputs": 2},
    ]
    sizes = [(2, 1, 1, 2), (2, 3, 3, 2)]
    return held([5, 4, 2], layers, sizes, ((1, 2), (2, 2)), (2, 3), **options)


def late(**options):
    """A dense layer that is slower than the convolution before it, and holds one image."""
    layers = [WINDOW | {"kernel": [2, 2], "outputs": 2}, DENSE | {"outputs": 3}]
    sizes = [(2, 2, 2, 1), (3, 12)]
    return held([4, 3, 1], layers, sizes, ((1, 2), (1, 1)), (3, 1), **options)


def even(**options):
    """Two layers that are equally slow: with two places for images, results would alternately come too early and too late."""
    layers = [WINDOW | {"kernel": [1, 1], "outputs": 2}, DENSE | {"outputs": 1}]
    return held([3, 3, 1], layers, [(2, 1, 1, 1), (1, 18)], ((1, 1), (1, 1)), (6, 2), **options)


HELD = (strided, sparse, level, late, even)
