"""What a network computes by its definition, as sums of tables; deliberately simple.

It shares no code with `tnhw.synapse.rules`, `tnhw.gates` or the golden model: a term is that of `tnhw.proof.reference`. All
that it knows of a network is what its npz file holds: keys and integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..reference import RULES, Number, integer_term
from .values import Form, NotUnderstood, Space, Symbol

__all__ = ["Meaning"]


# Arrays of a layer that belong to its outputs, and not to a synapse.
OF_OUTPUTS = ("bias", "steps", "falling", "multiplier", "offset")


def _values(number: Number) -> np.ndarray:
    """What the patterns 0, 1, 2, ... of a format stand for."""
    patterns = np.arange(1 << number.bits, dtype=np.int64)
    return np.where(patterns > number.high, patterns - (1 << number.bits), patterns)


def _as_form(number: Number, value: Symbol | int) -> Form:
    """A pattern of a format, or a symbol of patterns, as the integer that it stands for."""
    values = _values(number)
    if isinstance(value, int):
        return Form(int(values[value]), {}, {})
    return Form(int(values[0]), {value: values - values[0]}, {})


class Meaning:
    """The results of a network, image by image.

    Parameters
    ----------
    network : Network
        The keys and the integer arrays of its layers are read, as its file has them, and nothing that it computes.
    space : Space
    """

    def __init__(self, network: Any, space: Space) -> None:
        self.space, self.result = space, network.result
        self.input, self.shape = Number(str(network.input)), tuple(network.shape)
        self.layers = [(layer.keys, {n: np.asarray(a) for n, a in layer.arrays.items()}) for layer in network.layers]  # fmt: skip
        # Key of a sum, or its only symbol, to (image, layer, output, form).
        self.sums: dict[Any, list] = {}
        self.last: dict[int, list[Form]] = {}
        self._tables: dict[Any, np.ndarray] = {}
        self._known: dict[Any, Any] = {}

    def inputs(self, image: int) -> list[Symbol]:
        """The symbols of an image's inputs."""
        count = int(np.prod(self.shape))
        return [self.space.symbol(("x", image, k), 1 << self.input.bits) for k in range(count)]

    def add(self, image: int) -> None:
        """Write down all sums of an image."""
        x: list[Symbol | int] = list(self.inputs(image))
        number, shape = self.input, (1, 1, len(x)) if len(self.shape) < 3 else self.shape
        for place, (keys, arrays) in enumerate(self.layers):
            forms, shape = self._layer(keys, arrays, x, number, shape)
            for output, form in enumerate(forms):
                self.sums.setdefault(_name(form), []).append((image, place, output, form))
            if keys.output is not None:
                number = Number(str(keys.output))
                x = [
                    self._result(image, place, output, form, number)
                    for output, form in enumerate(forms)
                ]
        if self.layers[-1][0].output is not None:
            forms = [_as_form(number, value) for value in x]
        elif self.layers[-1][0].requantise == "scale":
            forms = [self._scaled_form(output, form) for output, form in enumerate(forms)]
        self.last[image] = forms

    def _scaled(self, layer, output, z):
        arrays = self.layers[layer][1]
        channel = output % self.layers[layer][0].outputs
        return z * int(arrays["multiplier"][channel]) + int(arrays["offset"][channel])

    def _scaled_form(self, output, form):
        offset, more = (int(self._scaled(len(self.layers) - 1, output, z)) for z in (0, 1))
        return Form(offset, {}, {}).plus(form, more - offset)

    def _result(self, image, layer, output, form, number):
        """The symbol of a result, or its pattern if it is the same for all inputs."""
        ends = self._function(layer, output, form)
        if (ends == ends[0]).all():
            return int(ends[0])
        if len(form.terms) == 1 and _is_identity(ends, number.bits):
            [symbol] = form.terms
            return symbol
        for other_image, other_layer, other, own in self.sums[_name(form)]:
            if (other_image, other_layer) == (image, layer) and (
                other == output or (self._function(layer, other, own) == ends).all()
            ):  # the first one that is the same function of the inputs
                output = other
                break
        return self.space.symbol(("y", image, layer, output), 1 << number.bits)

    def _function(self, layer, output, form):
        """Patterns of a result for all values of the only symbol of its sum, or of the sum itself."""
        if len(form.terms) == 1:
            [values] = form.terms.values()
            return self.requantised(layer, output, values + form.constant)
        low, high = form.range
        return self.requantised(layer, output, np.arange(low, high + 1))

    def _layer(self, keys, arrays, x, number, shape):
        """All sums of a layer, position by position and channel by channel, and the shape of its results."""
        if keys.kind == "dense":
            windows, out = [list(range(len(x)))], (1, 1, keys.outputs)
        else:
            windows, out = _windows(keys, shape)
        flat = {n: a.reshape(keys.outputs, -1) for n, a in arrays.items() if n not in OF_OUTPUTS}  # fmt: skip
        channels = 1 if keys.kind == "dense" else shape[2]
        forms = []
        for window in windows:
            for output in range(keys.outputs):
                own = {name: array[output] for name, array in flat.items()}
                form = self._sum(
                    keys, own, int(arrays["bias"][output]), window, x, number, channels
                )
                forms.append(form)
        return forms, out

    def _sum(self, keys, own, bias, window, x, number, channels):
        total, terms = bias, {}
        taps = (
            [window]
            if keys.kind == "dense"
            else [window[k : k + channels] for k in range(0, len(window), channels)]
        )
        place = 0
        for tap in taps:
            for flip in range(1 + bool(keys.complement)):
                for source in tap:
                    p = {name: int(values[place]) for name, values in own.items()}
                    place += 1
                    if source is None:
                        continue
                    table = self._table(keys.rule, number, p, flip)
                    if isinstance(x[source], int):
                        total += int(table[x[source]])
                        continue
                    total += int(table[0])
                    rest = table - table[0]
                    before = terms.get(x[source])
                    terms[x[source]] = rest if before is None else before + rest
        return Form(total, {s: t for s, t in terms.items() if t.any()}, {})

    def _table(self, rule, number, p, flip):
        if rule not in RULES:
            raise NotUnderstood(f"the rule `{rule}` has no definition in tnhw/proof/reference.py")
        key = (rule, number.text, flip, *sorted(p.items()))
        if key not in self._tables:
            x = _values(number)
            x = number.low + number.high - x if flip else x
            self._tables[key] = np.asarray(integer_term(rule, x, p), np.int64)
        return self._tables[key]

    def requantised(self, layer: int, output: int, z: np.ndarray) -> np.ndarray:
        """Patterns of a layer's results for sums z."""
        keys, arrays = self.layers[layer]
        channel = output % keys.outputs
        number = Number(str(keys.output))
        if keys.requantise == "staircase":
            count = (z[:, None] >= arrays["steps"][channel][None, :]).sum(1)
            falls = "falling" in arrays and arrays["falling"][channel]
            y = number.high - count if falls else number.low + count
        elif keys.requantise == "scale":
            y = self._scaled(layer, output, z) >> keys.shift
        elif keys.shift > 0:
            y = (z + (1 << (keys.shift - 1))) >> keys.shift
        else:
            y = z << -keys.shift
        return np.clip(y, number.low, number.high) & ((1 << number.bits) - 1)

    def result_of(self, symbol: Symbol, values: np.ndarray) -> Symbol | None:
        """The symbol of a layer's result, if `values` for all values of a symbol are this result."""
        name = symbol if symbol.form is None else symbol.form.key
        for image, layer, output, form in self.sums.get(name, ()):
            keys = self.layers[layer][0]
            if keys.output is None:
                continue
            known = (symbol, layer, output)
            if known not in self._known:
                z = (
                    form.terms[symbol]
                    if symbol.form is None
                    else np.arange(symbol.size) + symbol.low
                )
                self._known[known] = self.requantised(layer, output, z + form.constant)
            if (self._known[known] == values).all():
                bits = Number(str(keys.output)).bits
                if symbol.form is None and _is_identity(values, bits):
                    return None
                return self.space.symbol(("y", image, layer, output), 1 << bits)
        return None


def _is_identity(values, bits):
    """Whether a result of so many bits is the symbol that it depends on."""
    return np.array_equal(values, np.arange(1 << bits))


def _name(form):
    """What a sum is found by: its only symbol, or its key."""
    return next(iter(form.terms)) if len(form.terms) == 1 else form.key


def _windows(keys, shape):
    """Of each position of a window the numbers of its inputs, tap by tap, with None in the padding; and the shape of the results."""

    def each(value, count):
        return list(value) if isinstance(value, (list, tuple)) else [value] * count

    strides, far, pads = (
        each(keys.stride or 1, 2),
        each(keys.dilation or 1, 2),
        each(keys.padding or 0, 4),
    )
    height, width, channels = shape
    high, wide = keys.kernel
    rows = range(-pads[0], height + pads[2] - (high - 1) * far[0], strides[0])
    columns = range(-pads[1], width + pads[3] - (wide - 1) * far[1], strides[1])
    found = []
    for row in rows:
        for column in columns:
            window = []
            for i in range(row, row + high * far[0], far[0]):
                for j in range(column, column + wide * far[1], far[1]):
                    inside = 0 <= i < height and 0 <= j < width
                    start = (i * width + j) * channels
                    window += list(range(start, start + channels)) if inside else [None] * channels
            found.append(window)
    return found, (len(rows), len(columns), keys.outputs)
