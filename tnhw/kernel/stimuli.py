"""Vectors and parameters that show faults of a kernel: corners, and results at a step or at an end."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ..support.sampling import spread

if TYPE_CHECKING:
    from ..hardware.interface import Arrays
    from .kernel import Kernel

__all__ = [
    "corner_parameters",
    "edges",
    "extreme_parameters",
    "random_input",
    "random_parameters",
]


def random_input(kernel: Kernel, rng: np.random.Generator, vectors: int) -> np.ndarray:
    """Random vectors over all values of the input's format: int64 [vectors, inputs]."""
    number = kernel.input
    return rng.integers(number.min, number.max, (vectors, kernel.inputs), np.int64, endpoint=True)


def random_parameters(
    kernel: Kernel, rng: np.random.Generator, vectors: int | None = None
) -> dict[str, np.ndarray]:
    """Random parameters over all allowed values; with `vectors` a set for each of so many vectors."""
    lead = () if vectors is None else (vectors,)
    p = kernel.synapse.random(rng, (*lead, kernel.outputs, kernel.inputs))
    bias = kernel.bias_format
    if bias is not None:
        p["bias"] = rng.integers(
            bias.min, bias.max, (*lead, kernel.outputs), np.int64, endpoint=True
        )
    return p


def corner_parameters(kernel: Kernel) -> list[dict[str, np.ndarray]]:
    """Parameter sets with every array at an end of its range."""
    ranges = dict(kernel.synapse.ranges)
    sizes: dict[str, tuple[int, ...]] = dict.fromkeys(ranges, (kernel.outputs, kernel.inputs))
    if kernel.bias_format is not None:
        ranges["bias"] = (kernel.bias_format.min, kernel.bias_format.max)
        sizes["bias"] = (kernel.outputs,)
    return [
        {n: np.full(sizes[n], end, np.int64) for n, end in zip(ranges, ends, strict=True)}
        for ends in product(*ranges.values())
    ]


def extreme_parameters(kernel: Kernel, x: np.ndarray) -> list[dict[str, np.ndarray]]:
    """The first and the last of the corner parameters, and those with the smallest and largest sum for `x`."""
    sets = corner_parameters(kernel)
    results = [kernel.sums(x, p) for p in sets]
    kept = {0, len(sets) - 1}
    kept |= {int(np.argmin([z.min() for z in results]))}
    kept |= {int(np.argmax([z.max() for z in results]))}
    return [sets[k] for k in sorted(kept)]


def edges(kernel: Kernel, pool: np.ndarray, p: Arrays | None, count: int) -> list[int]:
    """Indices of vectors in a pool whose results are at a step of the output, between its ends, or at an end.

    A result at a step shows an adder that is wrong in its lowest bit, and one at an end an adder that is wrong in its
    highest; clamped results hide such faults. Without `output` every wrong sum shows, so any vectors will do.
    """
    if kernel.output is None or not len(pool):
        return list(range(min(count, len(pool))))
    z, chosen = kernel.sums(pool, p), []
    y = kernel.requantise(z)
    step = 1 << max(0, kernel.shift)
    steps = [kernel.requantise(z + side) != y for side in (-1, 1)]
    large = np.argsort(-np.abs(pool).sum(axis=1), kind="stable")  # if inside, large terms cancel
    inside = kernel.requantise(z - step) != kernel.requantise(z + step)
    ends = [kernel.output.min * step - kernel.half, (kernel.output.max + 1) * step - kernel.half]
    for j in range(kernel.outputs):
        order = np.argsort(z[:, j], kind="stable")
        for at in steps:
            chosen += spread(order[at[order, j]].tolist(), count // 4)
        chosen += np.flatnonzero(inside[:, j])[: 2 * count].tolist()
        chosen += large[inside[large, j]][:count].tolist()
        for end in ends:
            for near in z[:, j] - end, end - 1 - z[:, j]:
                far = np.where(near < 0, np.iinfo(np.int64).max, near)
                chosen += np.argsort(far, kind="stable")[: max(1, count // 8)].tolist()
    return spread(list(dict.fromkeys(chosen)), count * min(4, 2 + kernel.outputs))
