"""The last layer of a classifier: integers whose largest is that of the graph's real outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .graph import node_text
from .grids import codes_of
from .tensors import SHAPES, Held, Input, Tensor, function_of

if TYPE_CHECKING:
    from .walk import Walk

__all__ = ["end", "integers", "line"]

EQUAL = 1e-6  # relative difference that float32 may lose in a few operations
SAMPLES = 257
MOST = 4096  # sums of a channel that are compared with those of another
WIDEST = 26


def line(function, low, high, what, result):
    """Slope and offset of each output as a function of its sum: float arrays [outputs].

    Raises
    ------
    InputError
        If the function is no straight line.
    """
    z = np.linspace(low.min(), high.max(), SAMPLES).round()
    values = function(np.repeat(z[:, None], len(low), axis=1))
    span = max(z[-1] - z[0], 1)
    slope = (values[-1] - values[0]) / span
    offset = values[0] - slope * z[0]
    if low.min() <= 0 <= high.max():  # then it is known without the rounding of large values
        offset = function(np.zeros((1, len(low))))[0]
    error = np.abs(values - (slope * z[:, None] + offset)).max()
    if error > EQUAL * 100 * max(np.abs(values).max(), 1e-30):
        order = (np.diff(values, axis=0) > 0).all() and np.array_equal(
            values, np.repeat(values[:, :1], len(low), axis=1)
        )
        if order and result == "class":  # the same rising function of all outputs
            return np.ones(len(low)), np.zeros(len(low))
        raise InputError(
            f"{what}: what follows it is no straight line for each output, so its integers cannot stand for the result; put a "
            "quantiser behind it"
        )
    return slope, offset


def integers(slope, offset, low, high, result):
    """Keys and arrays that the last layer needs so that its results are in the order of the real ones, and a text."""
    if result == "vector":
        return {}, {}, "exact sums; a scale and an offset turn them into the real outputs"
    if not slope.any():  # all weights are 0, perhaps
        rank = np.unique(offset, return_inverse=True)[1].astype(np.int64)
        constants = {"multiplier": np.zeros(len(rank), np.int64), "offset": rank}
        return {"requantise": "scale"}, constants, "a constant for each output, in their order"
    first = slope[0]
    if first > 0 and np.allclose(slope, first, rtol=EQUAL, atol=0):
        largest = max(np.abs(low).max(), np.abs(high).max(), np.abs(offset / first).max())
        return _equal(offset / first, EQUAL / 4 * largest)
    for bits in range(8, WIDEST + 1, 2):
        unit = (1 << bits) / np.abs(slope).max()
        multiplier = np.rint(slope * unit).astype(np.int64)
        added = np.rint(offset * unit).astype(np.int64)
        if _same_order(slope, offset, multiplier, added, low, high):
            break
    text = f"a multiplier of {bits + 1} bits and an offset for each output, so that the largest is the same"
    return {"requantise": "scale"}, {"multiplier": multiplier, "offset": added}, text


def _equal(offset, error):
    """Outputs of one slope: the order of z + offset, where z are integers and offsets have an error."""
    offset = offset - offset.min()
    whole = np.floor(offset + error)
    rest = np.maximum(offset - whole, 0)
    # Of two outputs with equal integers, the one with the larger fraction is larger: only the order of these counts.
    order = np.argsort(rest, kind="stable")
    rank = np.zeros(len(rest), np.int64)
    rank[order] = np.concatenate([[0], np.cumsum(np.diff(rest[order]) > error)])
    levels = np.unique(rank)
    if len(levels) == 1:
        if not whole.any():
            return {}, {}, "no effect on which output is largest"
        return {}, {"bias": whole.astype(np.int64)}, "a bias for each output"
    times = 1 << (len(levels) - 1).bit_length()
    added = whole.astype(np.int64) * times + rank
    count = np.full(len(offset), times, np.int64)
    text = f"sums times {times}, and an offset for each output, so that the largest is the same"
    return {"requantise": "scale"}, {"multiplier": count, "offset": added}, text


def _same_order(slope, offset, multiplier, added, low, high):
    """Whether integers are in the order of the real outputs, for all pairs of outputs and all sums (or many, if more)."""
    for i in range(len(slope)):
        count = min(MOST, int(high[i] - low[i]) + 1)
        z = np.unique(np.linspace(low[i], high[i], count).round())
        real, whole = slope[i] * z + offset[i], multiplier[i] * z + added[i]
        for j in range(len(slope)):
            if i == j or slope[j] == 0 or multiplier[j] == 0:
                continue
            # The sum of the other output at which the two are equal, and the integers beside it.
            at = (real - offset[j]) / slope[j]
            for beside in (np.floor(at), np.floor(at) + 1):
                beside = np.clip(beside, low[j], high[j])
                difference = slope[j] * beside + offset[j] - real
                wanted = np.sign(difference)
                clear = np.abs(difference) > EQUAL * 0.1 * (
                    np.abs(real) + np.abs(offset[j]) + 1e-30
                )
                if (np.sign(multiplier[j] * beside + added[j] - whole) != wanted)[clear].any():
                    return False
    return True


def end(walk: Walk, tensor: Tensor) -> str:
    """Make the last layer of a walk, whose results are those of a tensor; returns what the network gives.

    Raises
    ------
    InputError
        If the tensor cannot be the result of a network.
    """
    coding, graph = walk.coding, walk.graph
    if isinstance(tensor.source, Held):
        tensor = coding.summed(tensor)
    if isinstance(tensor.source, Input):
        raise InputError(
            f"{graph.where}: has no matrix product and no convolution, so nothing to build"
        )
    sums = tensor.source
    position = tensor.order.size
    if (
        not np.array_equal(tensor.order.ravel(), np.arange(position))
        and sums.keys["kind"] != "conv"
    ):
        raise InputError(f"{graph.where}: the outputs are not in the order of the last layer")
    several = sums.keys["kind"] == "dense" and position > 1
    found = coding.stairs(tensor) if tensor.is_quantised else None
    if found is not None and len(np.unique(found.values)) <= 1 << 8:
        codes = codes_of(found.values, False, f"{graph.where}: {node_text(tensor.steps[-1].node)}")
        coding.finish(tensor, codes, found)
        return walk.result or ("class" if several and codes.number.bits > 1 else "vector")
    result = walk.result or ("class" if several else "vector")
    a, b = line(
        function_of(graph, tensor), sums.low, sums.high, f"{graph.where}: {sums.text}", result
    )
    keys, arrays, text = integers(a, b, sums.low, sums.high, result)
    for step in tensor.steps:
        if step.node.op_type not in SHAPES:
            coding.rows.append((node_text(step.node), text))
    coding.add(tensor, keys, arrays, None, None, None if keys or arrays else (a, b))
    return result
