"""Layers in a row, of a graph with branches: each layer passes on what later ones need.

Hardware has one stream. A tensor that is read again behind other layers is carried along: those layers get outputs that
repeat it, channel by channel. Layers that read the same tensors become one layer with the outputs of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..synapse import Format
from . import stairs
from .grids import Codes
from .merging import Columns, merged, scattered
from .records import Place
from .signs import of_one_sign
from .specs import INPUT, Spec

__all__ = ["Row", "in_a_row"]

MAX_STEP_BITS = 8


@dataclass(frozen=True)
class Row:
    """A layer of the network.

    Attributes
    ----------
    keys, arrays : dict
    places : list of Place
        The tensors for which its results stand.
    specs : list of int
        The layers of the graph that it computes.
    carried : list of int
        Those whose results it passes on.
    """

    keys: dict[str, Any]
    arrays: dict[str, np.ndarray]
    places: list[Place]
    specs: list[int]
    carried: list[int]


@dataclass(frozen=True)
class _State:
    """What a layer gives: tensors side by side.

    `held` says for each, in an image which channels it has, in a vector which elements.
    """

    size: tuple[int, int] | None
    width: int
    number: Format
    held: dict[int, np.ndarray]

    def elements(self, source: int) -> np.ndarray:
        """The place of each element of a tensor, in its own raster order, among all elements."""
        own = self.held[source]
        if self.size is None:
            return own
        pixels = np.arange(self.size[0] * self.size[1])
        return (pixels[:, None] * self.width + own).ravel()


def in_a_row(specs: Sequence[Spec], codes: Codes, shape: Sequence[int], where: str) -> list[Row]:
    """The layers of a network that computes a graph of layers.

    Parameters
    ----------
    specs : sequence of Spec
        In an order in which each is behind its sources.
    codes : Codes
        Those of the input.
    shape : sequence of int
        Shape of the input: (elements,) or (height, width, channels).
    where : str
        Beginning of messages.

    Raises
    ------
    InputError
        If a tensor would have to be carried through a layer that changes the size of the image, or two layers that read
        the same cannot be one.
    """
    size = (int(shape[0]), int(shape[1])) if len(shape) == 3 else None
    plan = _plan(specs, size)
    state = _State(size, int(shape[-1]), codes.number, {INPUT: np.arange(shape[-1])})
    together = [{*group, *carried} - {INPUT} for group, carried in plan]
    if any(len(own) > 1 for own in together):
        specs = of_one_sign(specs, [own for own in together if len(own) > 1])
    formats, rows = {INPUT: codes.number}, []
    for group, carried in plan:
        row, state = _row(specs, state, group, carried, formats, where)
        rows.append(row)
    return rows


def _plan(specs, size):
    """For each layer of the network, which layers of the graph it computes, and whose results it passes on."""
    rest, held, plan = list(range(len(specs))), [INPUT], []
    while rest:
        group = _group(specs, held, size, rest)
        rest = [k for k in rest if k not in group]
        needed = {source for k in rest for source in specs[k].sources}
        carried = [source for source in held if source in needed]
        plan.append((group, carried))
        held, size = [*group, *carried], specs[group[0]].size
    return plan


def _group(specs, held, size, rest):
    """The layers that come next: those that keep the size of the image first, those that give vectors last."""
    ready = [k for k in rest if all(source in held for source in specs[k].sources)]
    images = [k for k in ready if specs[k].size is not None]
    group = [k for k in images if specs[k].size == size] or images or ready
    return next(([k] for k in group if specs[k].is_threshold), group)


def _row(specs, state, group, carried, formats, where):
    """One layer, and what it gives."""
    own = [specs[k] for k in group]
    size = own[0].size
    if len({spec.size for spec in own}) > 1:
        raise InputError(
            f"{where}: {own[0].text} and {own[1].text} read the same tensor and give images of different sizes, which cannot be built"
        )
    if carried and size is not None and size != state.size:
        names = [specs[k].tensor for k in carried if k != INPUT] or ["the input"]
        raise InputError(
            f"{where}: {own[0].text} changes the size of the image, but `{names[0]}` is read behind it; only what is read "
            "by layers of the same stride can be built: give the branch a layer of that stride"
        )
    columns = [
        np.concatenate([_columns(state, spec, source) for source in spec.sources]) for spec in own
    ]
    first, held = 0, {}
    for k, spec in zip(group, own, strict=True):
        held[k] = np.arange(first, first + spec.outputs)
        first += spec.outputs
    kept = [state.elements(k) if size is None else state.held[k] for k in carried]
    for k, places in zip(carried, kept, strict=True):
        held[k] = np.arange(first, first + len(places))
        first += len(places)
    if len(own) == 1 and not carried:
        keys, arrays = own[0].keys, own[0].arrays
        if not np.array_equal(columns[0], np.arange(_width(state, size))):
            keys, arrays = scattered(keys, arrays, Columns(columns[0], _width(state, size)))
        number = own[0].codes.number if own[0].codes else state.number
    else:
        number = _hull([*(spec.codes.number for spec in own), *(formats[k] for k in carried)])
        linear, offset = merged(
            own, [Columns(c, _width(state, size)) for c in columns], np.concatenate([*kept, []]).astype(int), state.number, state.size
        )  # fmt: skip
        keys, arrays = _requantised(linear, own, number, first, offset, where)
    formats |= {k: spec.codes.number for k, spec in zip(group, own, strict=True) if spec.codes}
    after = _State(size, first, number, held)
    return Row(keys, arrays, _places(specs, after, group, carried), group, carried), after


def _columns(state, spec, source):
    """Which inputs of the layer a tensor is: channels of an image, or elements."""
    return state.held[source] if spec.size is not None else state.elements(source)


def _width(state, size):
    """Inputs of a layer: channels, or elements if it gives a vector."""
    if size is not None or state.size is None:
        return state.width
    return state.size[0] * state.size[1] * state.width


def _hull(numbers):
    return Format.of_interval(min(n.min for n in numbers), max(n.max for n in numbers))


def _requantised(linear, own, number, outputs, offset, where):
    """Keys and arrays of merged layers, with the steps of all outputs; `offset` is that of the sums of carried ones."""
    if number.bits > MAX_STEP_BITS:
        raise InputError(
            f"{where}: {own[0].text} and what is passed on beside it need {number.bits} bits together; at most {MAX_STEP_BITS} can be "
            "built: put a quantiser of fewer bits into each branch"
        )
    steps, falling, low, high = [], [], [], []
    for spec in own:
        rows, falls = _steps(spec, number)
        steps.append(rows)
        falling.append(falls)
        low.append(spec.low)
        high.append(spec.high)
    count = outputs - sum(len(rows) for rows in steps)
    row = np.arange(number.min + 1, number.max + 1) + offset
    steps.append(np.broadcast_to(row, (count, len(row))))
    falling.append(np.zeros(count, np.int64))
    low.append(np.full(count, number.min + offset))
    high.append(np.full(count, number.max + offset))
    stage = stairs.stage(*(np.concatenate(parts) for parts in (steps, falling, low, high)), number)
    return linear[0] | stage[0], linear[1] | stage[1]


def _steps(spec, number):
    if spec.stairs is None:
        row = np.arange(number.min + 1, number.max + 1)
        return np.broadcast_to(row, (spec.outputs, len(row))), np.zeros(spec.outputs, np.int64)
    return stairs.steps_of(spec.stairs, replace(spec.codes, number=number))


def _places(specs, after, group, carried):
    """The tensors in the results of a layer."""
    places = []
    for k in [*group, *carried]:
        if k == INPUT:
            continue
        spec, elements = specs[k], after.elements(k)
        unsure = np.zeros((0, 3), np.int64)
        if k in group and spec.stairs is not None:
            unsure = spec.stairs.unsure + [after.held[k][0], 0, 0]
        places.append(Place(spec.tensor, spec.codes, elements[spec.order], unsure, spec.line))
    return places
