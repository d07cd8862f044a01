"""Codes of one sign: formats of both signs side by side would need a bit more than either.

The results of a layer have one format. With codes u8 and s8 in it, that is s9. So where a layer has several tensors, codes are
moved to begin at 0, or at the least number of a signed format, and what reads them makes up for it: by a bias, or by other
thresholds. Padding reads the integer 0, so a tensor stays as it is if a layer pads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..synapse import Format
from . import stairs
from .merging import products, with_products
from .specs import INPUT, Spec

__all__ = ["of_one_sign"]


def of_one_sign(specs: Sequence[Spec], together: Sequence[set[int]]) -> list[Spec]:
    """The same layers with codes of one sign for those whose results are together in a layer of the network.

    Parameters
    ----------
    specs : sequence of Spec
    together : sequence of set of int
        Numbers of such layers. A layer that others pad keeps its codes, and so does the last one.
    """
    padded = {k for spec in specs if np.any(spec.keys.get("padding", 0)) for k in spec.sources}
    moved = [0] * len(specs)
    for own in _joined(together):
        codes = {k: specs[k].codes for k in own}
        number = {k: c.number for k, c in codes.items() if c is not None and k < len(specs) - 1}
        signed = any(number[k].signed for k in padded & number.keys())
        for k in number.keys() - padded:
            moved[k] = number[k].min - Format(number[k].bits, signed).min
    return [
        _moved(_reading(spec, specs, moved), low) for spec, low in zip(specs, moved, strict=True)
    ]


def _joined(sets):
    """Sets with those joined that have a member in common."""
    found: list[set[int]] = []
    for own in sets:
        apart = [other for other in found if not other & own]
        found = [*apart, own.union(*(other for other in found if other & own))]
    return found


def _moved(spec, low):
    """A layer whose codes are `low` less than before."""
    if not low:
        return spec
    before = spec.codes
    number = Format(before.number.bits, signed=before.number.min - low < 0)
    codes = replace(before, number=number, offset=before.offset + low * before.scale)
    if spec.stairs is None:  # sums that are codes
        keys, arrays = with_products(
            spec.keys, spec.arrays, *products(spec.keys, spec.arrays, -low)
        )
        keys["output"] = str(codes.number)
        return replace(
            spec, keys=keys, arrays=arrays, codes=codes, low=spec.low - low, high=spec.high - low
        )
    own = stairs.steps_of(spec.stairs, codes)
    keys, arrays, _ = stairs.stage(*own, spec.low, spec.high, codes.number)
    rest = {name: array for name, array in spec.arrays.items() if name not in stairs.ARRAYS}
    kept = {key: value for key, value in spec.keys.items() if key != "shift"}
    return replace(spec, keys=kept | keys, arrays=rest | arrays, codes=codes)


def _reading(spec, specs, moved):
    """A layer whose sources have moved codes; its sums stay the same."""
    lows = _lows(spec, specs, moved)
    if not lows.any():
        return spec
    if spec.is_threshold:
        theta = spec.arrays["theta"] - lows
        parameter = str(Format.of_interval(int(theta.min()), int(theta.max())))
        keys, arrays = spec.keys | {"parameter": parameter}, spec.arrays | {"theta": theta}
        return replace(spec, keys=keys, arrays=arrays)
    weights, bias = products(spec.keys, spec.arrays)
    bias = bias + (weights * lows).reshape(len(weights), -1).sum(axis=1)
    keys, arrays = with_products(spec.keys, spec.arrays, weights, bias)
    return replace(spec, keys=keys, arrays=arrays)


def _lows(spec, specs, moved):
    """By how much each input of a layer was moved."""
    array = next(spec.arrays[name] for name in ("weight", "sign", "theta") if name in spec.arrays)
    counts = {}
    for source in {*spec.sources} - {INPUT}:
        pixels = int(np.prod(specs[source].size or 1)) if spec.size is None else 1
        counts[source] = pixels * specs[source].outputs
    rest = array.shape[-1] - sum(counts[source] for source in spec.sources if source != INPUT)
    parts = [
        np.full(rest // spec.sources.count(INPUT), 0) if source == INPUT else np.full(counts[source], moved[source])
        for source in spec.sources
    ]  # fmt: skip
    return np.concatenate(parts)
