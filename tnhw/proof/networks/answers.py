"""What a network is sent and what it must answer, beat by beat, as signals."""

from __future__ import annotations

from typing import Any

import numpy as np

from .choices import of_largest
from .meaning import Meaning
from .signals import bits, single, sliced
from .values import WIDEST, Form, Largest, Space, Table, joined, linear, of_one, of_signal

__all__ = ["Answers"]


class Answers:
    """The beats of a network's streams.

    Parameters
    ----------
    network : Network
    manifest : dict

    Attributes
    ----------
    space : Space
    input, output : dict
        The two streams in the manifest.
    """

    def __init__(self, network: Any, manifest: dict[str, Any]) -> None:
        self.space = Space()
        self.meaning = Meaning(network, self.space)
        streams = {stream["carries"]: stream for stream in manifest["streams"]}
        self.input, self.output = streams["input"], streams["output"]

    def know(self, image: int) -> None:
        """Work out what the definition says of an image."""
        if image not in self.meaning.last:
            self.meaning.add(image)

    def beat(self, image: int, beat: int) -> tuple:
        """A beat of an image: some inputs of one pixel, or of all inputs for a dense layer."""
        symbols, stride = self.meaning.inputs(image), self.input["element_bits"]
        per_beat = self.input["width"] // stride
        pixel = self.meaning.shape[-1] if self.meaning.layers[0][0].kind == "conv" else len(symbols)
        place, group = divmod(beat, -(-pixel // per_beat))
        parts: list[tuple[int, Any]] = []
        for k in range(group * per_beat, (group + 1) * per_beat):
            if k < pixel:
                symbol = symbols[place * pixel + k]
                parts.append((stride, Table(symbol, np.arange(symbol.size, dtype=np.int64))))
            else:
                parts.append((stride, 0))
        return tuple(parts)

    def keep(self, signal: tuple) -> tuple:
        """A signal with each result of a layer, as a function of its sum, replaced by the symbol of the result."""
        if not any(isinstance(value, (Table, Form)) for _, value in signal):
            return signal
        known = joined(((width, self._known(width, value)) for width, value in signal), self.space)
        symbols = {value.symbol for _, value in known if isinstance(value, Table)}
        plain = all(isinstance(value, (int, Table)) for _, value in known)
        if len(known) > 1 and plain and len(symbols) == 1 and bits(known) <= WIDEST:
            whole = single(self.space, known)  # a result some of whose bits are constant
            result = self._known(bits(known), whole)
            return ((bits(known), result),) if result is not whole else known
        return known

    def _known(self, width, value):
        upper = isinstance(value, Form) and not value.terms and value.parts  # bits of a sum
        if upper and not any(isinstance(part, Largest) for part in value.parts):
            value = of_signal(self.space, (width, value))
        if isinstance(value, Table) and (
            found := self.meaning.result_of(value.symbol, value.values)
        ):
            return Table(found, np.arange(found.size, dtype=np.int64))
        return value

    def wrong(self, payload: tuple, image: int, beat: int) -> int | None:
        """The first element of an answer's beat that is not the definition's for all inputs; None if all are right."""
        stride = self.output["element_bits"]
        per_beat = self.output["width"] // stride
        for k in range(per_beat):
            element = beat * per_beat + k
            if element < self.output["elements"]:
                own = sliced(self.space, payload, k * stride, stride)
                if not self._right(own, image, element, stride):
                    return element
        return None

    def _right(self, signal, image, element, width):
        last = self.meaning.last[image]
        if self.meaning.result == "class":
            return self._is_class(signal, last)
        kept = self.keep(signal)
        if (
            len(kept) == 1
            and isinstance(kept[0][1], Form)
            and not self._is_sum(kept, last[element], width)
        ):
            # A result that is its sum, because no sum is too large or too small for it.
            kept = self.keep(((width, of_signal(self.space, kept[0])),))
        return self._is_sum(kept, last[element], width)

    def _is_sum(self, signal, form, width):
        """Whether a signal is a sum modulo 2^width."""
        if len(signal) == 1 and isinstance(signal[0][1], Table):
            table = signal[0][1]
            if table.symbol.form is not None and of_one(form, table.symbol):
                return of_signal(self.space, (width, form)) is table
        own = linear(self.space, signal, width, False)
        if own is None:
            return False
        rest, size = own.plus(form, -1), 1 << width
        return not rest.parts and rest.constant % size == 0 and all(not (values % size).any() for values in rest.terms.values())  # fmt: skip

    def _is_class(self, signal, last):
        """Whether a signal is the number of the largest sum, the first of several."""
        (_, value), *more = signal
        if any(own != 0 for _, own in more):
            return False
        if (right := _class_of_one(last)) is not None:
            return value is right or (isinstance(right, int) and value == right)
        if isinstance(value, int):
            shown, forms = [value], [last[value]] if value < len(last) else []
        elif isinstance(value, Table) and (value := of_largest(self.space, value)).symbol.forms:
            shown, forms = value.values.tolist(), list(value.symbol.forms)
        else:
            return False
        if not forms or shown != sorted(set(shown)) or shown[-1] >= len(last):
            return False
        pairs = [(form, last[number]) for form, number in zip(forms, shown, strict=True)]
        moved = {form.constant - right.constant for form, right in pairs}
        return (
            len(moved) == 1
            and all(form.key == right.key for form, right in pairs)
            and all(_never(number, shown, last) for number in set(range(len(last))) - set(shown))
        )


def _class_of_one(last):
    """The number of the largest sum, the first of several, if all sums depend on one symbol or none; else None."""
    symbols = {symbol for form in last for symbol in form.terms}
    if len(symbols) > 1 or any(form.parts for form in last):
        return None
    sums = [form.constant + sum(form.terms.values(), np.zeros(1, np.int64)) for form in last]
    found = np.argmax(np.stack(np.broadcast_arrays(*sums)), axis=0)
    first = int(found[0])
    return first if (found == first).all() else Table(*symbols, found)


def _never(number, shown, last):
    """Whether a sum is never the first largest, as another one always beats it."""
    return any(last[k].plus(last[number], -1).range[0] >= (k > number) for k in shown)
