"""Branches that meet: an addition or a concatenation, as a layer whose weights pair equal channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..errors import InputError
from ..synapse import Format
from .grids import Codes
from .linear import Sums, float_error
from .tensors import Held, in_raster

__all__ = ["JOINING", "added", "beside", "repeated"]

JOINING = ("Add", "Sub", "Sum", "Concat")
MOST = 1 << 20  # the largest weight of an addition
# What float32 may round off a ratio, as a part of it: of two scales, each from two values that are rounded by up to 2^-24.
ROUNDED = 2.0**-22
SAME = 1e-6  # relative difference of scales that are meant to be equal

Operand = tuple[Held, np.ndarray]  # what is held, and for each element of a tensor its number there


def added(operands: Sequence[Operand], minus: bool, number: int, where: str, text: str) -> Sums:
    """The sums of layer `number`: the first operand plus the second one, or minus it. Both tensors have one shape.

    Codes are multiplied by integers in the ratio of the scales, which is as exact as float32 holds these.

    Raises
    ------
    InputError
        If the scales are too different.
    """
    scales = [held.codes.scale for held, _ in operands]
    times = _ratio(scales, f"{where}: {text}")
    unit = scales[0] / times[0]
    signs = (1, -1 if minus else 1)
    offset = sum(s * held.codes.offset for s, (held, _) in zip(signs, operands, strict=True))
    parts, low, high, inexact = [], 0, 0, 0.0
    for sign, scale, count, (held, order) in zip(signs, scales, times, operands, strict=True):
        parts.append(sign * count * _picked(held, order))
        form = held.codes.number
        ends = sign * count * form.min, sign * count * form.max
        low, high = low + min(ends), high + max(ends)
        inexact += abs(scale / unit - count) * max(abs(form.min), abs(form.max))
    first, order = operands[0]
    return _sums(
        np.concatenate(parts, axis=1), np.full(len(parts[0]), unit), np.full(len(parts[0]), offset), low, high, inexact,
        number, text, tuple(source for held, _ in operands for source in held.sources),
        first.size if order.ndim > 2 else None, order.ndim,
    )  # fmt: skip


def _ratio(scales, what):
    """Two integers in the ratio of two scales."""
    small, large = sorted(scales)
    ratio = large / small
    for bits in range(MOST.bit_length()):
        found = Fraction(ratio).limit_denominator(1 << bits)
        if found.numerator <= MOST and abs(float(found) / ratio - 1) <= ROUNDED:
            pair = (found.denominator, found.numerator)
            return pair if scales[0] <= scales[1] else pair[::-1]
    raise InputError(
        f"{what}: joins values with steps of {scales[0]:.6g} and {scales[1]:.6g}, whose ratio integers of 20 bits do not have; "
        "give both branches the same quantiser"
    )


def _picked(held, order):
    """A matrix that picks each channel of an image, or each element of a vector, of what is held."""
    if order.ndim > 2:
        return np.eye(order.shape[1], dtype=np.int64)
    return np.eye(len(held.raster), dtype=np.int64)[order.ravel()]


def _sums(weights, scale, offset, low, high, inexact, number, what, sources, size, rank):
    kind = "dense" if size is None else "conv"
    keys = {"name": f"{kind}{number}", "kind": kind, "outputs": len(weights)}
    if size is not None:
        keys |= {"kernel": [1, 1]}
        weights = weights[:, None, None, :]
    if (np.abs(weights) <= 1).all():
        keys, arrays = keys | {"rule": "ternary"}, {"sign": weights}
    else:
        parameter = Format.of_interval(int(weights.min()), int(weights.max()))
        keys, arrays = keys | {"rule": "mac", "parameter": str(parameter)}, {"weight": weights}
    low, high = np.full(len(weights), low), np.full(len(weights), high)
    error = float_error(scale, offset, low, high) + inexact
    return Sums(
        keys, arrays, scale, offset, low, high, error, rank, what, sources, size, is_integer=True
    )


def repeated(
    held: Held, number: int, what: str, scale: np.ndarray | None = None, offset: np.ndarray | None = None
) -> Sums:  # fmt: skip
    """The sums of layer `number`: the codes that are held, each channel perhaps with a scale and an offset of its own."""
    count = sum(held.channels)
    form = held.codes.number
    scale = np.full(count, held.codes.scale) if scale is None else scale
    offset = np.full(count, held.codes.offset) if offset is None else offset
    return _sums(
        np.eye(count, dtype=np.int64), scale, offset, form.min, form.max, 0.0, number, what, held.sources, held.size, held.rank
    )  # fmt: skip


def beside(operands: Sequence[Operand], number: int, what: str) -> tuple[Held | Sums, np.ndarray]:
    """A concatenation along the channels, and its order: no layer if all operands have the same scale and offset, else the
    sums of layer `number`, which repeats them."""
    orders, first = [], 0
    is_image = operands[0][1].ndim > 2
    channels: list[int] = []
    for held, order in operands:
        pixels = held.size[0] * held.size[1] if held.size else 1
        channels += held.channels if is_image else [n * pixels for n in held.channels]
        orders.append(order + first)
        first += pixels * sum(held.channels)
    number_of = [held.codes.number for held, _ in operands]
    form = Format.of_interval(min(n.min for n in number_of), max(n.max for n in number_of))
    codes = [held.codes for held, _ in operands]
    sources = tuple(source for held, _ in operands for source in held.sources)
    size = operands[0][0].size if is_image else None
    held = Held(sources, tuple(channels), size, replace(codes[0], number=form), orders[0].ndim)
    order = np.concatenate(orders, axis=1)
    if _equal(codes):
        return held, order
    counts = [o.shape[1] if is_image else len(h.raster) for h, o in operands]
    scale = np.repeat([c.scale for c in codes], counts)
    offset = np.repeat([c.offset for c in codes], counts)
    return repeated(held, number, what, scale, offset), in_raster(held, order)


def _equal(codes: Sequence[Codes]) -> bool:
    first = codes[0]
    return all(
        abs(c.scale - first.scale) <= SAME * first.scale and abs(c.offset - first.offset) <= SAME * first.scale for c in codes
    )  # fmt: skip
