"""Layers that read the same become one: their weights side by side in one window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..synapse import Format
from .specs import Spec

__all__ = ["Columns", "merged", "products", "scattered", "with_products"]

Made = tuple[dict[str, Any], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Columns:
    """Which inputs of a layer are those of one of its parts.

    Attributes
    ----------
    own : int array
        For each input of the part, or each channel of its window, that of the layer.
    width : int
        How many the layer has.
    """

    own: np.ndarray
    width: int

    def spread(self, array: np.ndarray) -> np.ndarray:
        """Put the last axis of an array at its places, with 0 elsewhere. Inputs that occur twice are added up."""
        full = np.zeros((*array.shape[:-1], self.width), np.int64)
        np.add.at(np.moveaxis(full, -1, 0), self.own, np.moveaxis(array, -1, 0))
        return full


def scattered(keys: dict[str, Any], arrays: dict[str, np.ndarray], columns: Columns) -> Made:
    """A layer that reads some inputs among others, in any order; its sums stay the same."""
    if "theta" in arrays:
        return _thresholds(keys, arrays, columns)
    weights, bias = products(keys, arrays)
    return with_products(keys, arrays, columns.spread(weights), bias)


def with_products(
    keys: dict[str, Any], arrays: dict[str, np.ndarray], weights: np.ndarray, bias: np.ndarray
) -> Made:
    """A layer with other weights and biases, but the same stage behind its sums."""
    own = {name: array for name, array in arrays.items() if name not in ("weight", "sign", "bias")}
    rest = {key: value for key, value in keys.items() if key not in ("rule", "parameter")}
    rule, made = _rule(weights, bias)
    return rest | rule, own | made


def _thresholds(keys, arrays, columns):
    """The same for threshold neurons: `sign` is 1 for an input that takes part, and 0 for others."""
    if len(np.unique(columns.own)) < len(columns.own):
        raise InputError(
            f"layer `{keys['name']}` takes the largest of a window of a channel that a `Concat` repeats, which cannot be built; leave "
            "the second one out"
        )
    rest = int(arrays["theta"].max())
    sign = columns.spread(arrays["sign"])
    theta = np.where(sign == 1, columns.spread(arrays["theta"]), rest)
    return dict(keys), dict(arrays) | {"sign": sign, "theta": theta}


def merged(
    own: list[Spec],
    columns: list[Columns],
    kept: np.ndarray,
    number: Format,
    image: tuple[int, int] | None,
) -> tuple[Made, int]:
    """One layer with the outputs of several, and then those that repeat the inputs `kept`.

    Parameters
    ----------
    own : list of Spec
        Of one size; a layer of threshold neurons is alone.
    columns : list of Columns
        For each, what it reads.
    kept : int array
    number : Format
        Of all inputs.
    image : (int, int) or None
        Height and width of the input.

    Returns
    -------
    keys, arrays : dict
        Without those of the stage behind the sums.
    offset : int
        What is added to a repeated input in its sum.

    Raises
    ------
    InputError
        If their steps differ.
    """
    keys = {key: own[0].keys[key] for key in ("name", "kind")}
    width, count = columns[0].width, sum(spec.outputs for spec in own) + len(kept)
    shape: tuple[int, ...] = (count, width)
    places: list[Any] = [()] * len(own)
    middle: tuple[Any, ...] = ()
    if own[0].size is not None:
        window, places, middle = _window(own, image, bool(len(kept)))
        keys |= window
        shape = (count, *window["kernel"], width)
    keys["outputs"] = count
    rows = np.arange(count - len(kept), count)
    if own[0].is_threshold:
        made = _thresholds(own[0].keys, own[0].arrays, columns[0])[1]
        least = number.min
        if least < 0 and np.any(keys["padding"]):
            raise InputError(
                f"{own[0].text} pads, and values that may be negative pass by it, which cannot be built; use padding 0, or put a "
                "Relu before the quantiser"
            )
        rest = max(int(made["theta"].max()), least)
        sign, theta = np.zeros(shape, np.int64), np.full(shape, rest, np.int64)
        at = (slice(0, own[0].outputs), *places[0])
        sign[at], theta[at] = made["sign"], made["theta"]
        sign[(rows, *middle, kept)], theta[(rows, *middle, kept)] = 1, least
        keys |= {"rule": "threshold", "parameter": str(Format.of_interval(int(theta.min()), rest))}
        return (keys, {"sign": sign, "theta": theta}), -least
    full, bias, first = np.zeros(shape, np.int64), np.zeros(count, np.int64), 0
    for spec, own_columns, place in zip(own, columns, places, strict=True):
        weights, added = products(spec.keys, spec.arrays)
        outputs = slice(first, first + spec.outputs)
        full[(outputs, *place)] = own_columns.spread(weights)
        bias[outputs] = added
        first += spec.outputs
    full[(rows, *middle, kept)] = 1
    rule, arrays = _rule(full, bias)
    return (keys | rule, arrays), 0


def products(
    keys: dict[str, Any], arrays: dict[str, np.ndarray], more: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases whose sums are those of a layer, plus a number."""
    weights = arrays["sign"] if "sign" in arrays else arrays["weight"]
    bias = arrays.get("bias", np.zeros(len(weights), np.int64)) + more
    if keys["rule"] != "binary":
        return weights, bias
    signs = 2 * weights - 1  # the bit x stands for 2x - 1
    return 2 * signs, bias - signs.reshape(len(signs), -1).sum(axis=1)


def _rule(weights, bias):
    """Keys and arrays of a layer with such weights and biases."""
    arrays = {"bias": bias} if bias.any() else {}
    if (np.abs(weights) <= 1).all():
        return {"rule": "ternary"}, arrays | {"sign": weights}
    parameter = Format.of_interval(int(weights.min()), int(weights.max()))
    return {"rule": "mac", "parameter": str(parameter)}, arrays | {"weight": weights}


def _window(own, image, carries):
    """Keys of the window that has the taps of all; where in it those of each are; and where the one is that moves nothing."""
    size, axes = own[0].size, []
    for axis in (0, 1):
        taps = [_taps(spec.keys, axis) for spec in own]
        steps = {_both(spec.keys.get("stride", 1))[axis] for spec in own}
        if len(steps) > 1 and size[axis] > 1:
            raise InputError(
                f"{own[0].text} and {own[1].text} read the same tensor with different steps, which cannot be built"
            )
        every = sorted({tap for part in taps for tap in part} | ({0} if carries else set()))
        distance = math.gcd(*(tap - every[0] for tap in every)) or 1
        stride = max(steps)
        after = max(0, (size[axis] - 1) * stride + every[-1] + 1 - image[axis])
        count = (every[-1] - every[0]) // distance + 1
        index = [np.array([(tap - every[0]) // distance for tap in part]) for part in taps]
        axes.append((count, stride, distance, -every[0], after, index, -every[0] // distance))
    count, stride, distance, before, after, index, middle = zip(*axes, strict=True)
    keys = {"kernel": list(count), "stride": list(stride), "padding": [*before, *after]}
    if set(distance) != {1}:
        keys["dilation"] = list(distance)
    places = [(rows[:, None], columns[None, :]) for rows, columns in zip(*index, strict=True)]
    return keys, places, middle


def _taps(keys, axis):
    """Where the taps of a window are along an axis, from the place of a result times the step."""
    distance = _both(keys.get("dilation", 1))[axis]
    padding = keys.get("padding", 0)
    before = padding if isinstance(padding, int) else padding[axis]
    return [k * distance - before for k in range(keys["kernel"][axis])]


def _both(numbers):
    return [numbers] * 2 if isinstance(numbers, int) else numbers
