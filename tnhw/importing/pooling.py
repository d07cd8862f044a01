"""The largest of a window, made of threshold neurons and comparators.

The largest of some x is at least k if any of them is above k - 1, which is so if the sum of their `max(x - (k - 1), 0)` is
at least 1. So a convolution with the rule `threshold` and one comparator for each k says which k the largest reaches, and
counting these gives it: the second layer adds up bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..synapse import Format
from .grids import Codes
from .linear import Sums
from .stairs import Stairs
from .tensors import Held

__all__ = ["BITS", "MAX_BITS", "reached", "sums_of_counts"]

MAX_BITS = 4  # a comparator for each code: 15 of 4 bits
BITS = Codes(Format(1), 1.0)  # what the first of the two layers gives


def reached(
    window: dict[str, Any],
    channels: int,
    size: tuple[int, int],
    held: Held,
    number: int,
    where: str,
    text: str,
) -> tuple[Sums, Stairs]:
    """The sums of layer `number`, and where they become the bits 1: 2^bits - 1 outputs for each channel.

    Raises
    ------
    InputError
        If the codes have too many bits, or padding would count.
    """
    form, what = held.codes.number, f"{where}: {text}"
    if form.bits > MAX_BITS:
        raise InputError(
            f"{what}: takes the largest of values of {form.bits} bits; at most {MAX_BITS} can be built: quantise to fewer before it"
        )
    if np.any(window["padding"]) and form.signed:
        raise InputError(
            f"{what}: pads values that may be negative, which cannot be built; put a Relu before the quantiser, or use padding 0"
        )
    levels = (1 << form.bits) - 1
    shape = (channels, levels, *window["kernel"], channels)
    theta = np.zeros(shape, np.int64) + form.min + np.arange(levels)[:, None, None, None]
    own = np.broadcast_to(np.eye(channels, dtype=np.int64)[:, None, None, None, :], shape)
    outputs = channels * levels
    if outputs > 1024:
        raise InputError(
            f"{what}: needs {outputs} comparators for {channels} channels; at most 1024 can be built: quantise to fewer bits before it"
        )
    theta = np.where(own == 1, theta, form.max)
    parameter = Format.of_interval(int(theta.min()), int(theta.max()))
    keys = {
        "name": f"conv{number}", **window, "rule": "threshold", "parameter": str(parameter), "outputs": outputs,
    }  # fmt: skip
    flat = (outputs, *window["kernel"], channels)
    arrays = {"theta": theta.reshape(flat), "sign": own.reshape(flat)}
    most = int(np.prod(window["kernel"])) * (form.max - form.min)
    ones, zeros = np.ones(outputs), np.zeros(outputs)
    sums = Sums(
        keys, arrays, ones, zeros, zeros.astype(int), most * ones.astype(int), zeros, 4, text, held.sources, size
    )  # fmt: skip
    step = (np.ones(1, np.int64), np.ones(1))
    return sums, Stairs(0, most, zeros, [step] * outputs, np.zeros((0, 3), np.int64))


def sums_of_counts(
    channels: int, codes: Codes, bits: Held, number: int, rank: int, text: str
) -> Sums:
    """The sums of layer `number` behind it, which reads its bits: they are the codes of the largest."""
    form = codes.number
    levels = (1 << form.bits) - 1
    keys = {
        "name": f"conv{number}",
        "kind": "conv",
        "kernel": [1, 1],
        "rule": "ternary",
        "outputs": channels,
    }
    sign = np.repeat(np.eye(channels, dtype=np.int64), levels, axis=1)
    full = np.full(channels, 1)
    arrays = {"sign": sign[:, None, None, :], "bias": form.min * full}
    return Sums(
        keys, arrays, codes.scale * full, codes.offset * full, form.min * full, form.max * full, 0.0 * full, rank, text,
        bits.sources, bits.size, True,
    )  # fmt: skip
