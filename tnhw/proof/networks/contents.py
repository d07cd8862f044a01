"""What registers hold, as numbers: equal signals have one number, with images counted from the one that is sent next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .signals import aligned
from .values import UNKNOWN, Floor, Form, NotUnderstood, Space, Symbol, Table, joined

__all__ = ["Contents"]


class Contents:
    """Numbers of tuples of signals.

    Parameters
    ----------
    space : Space
    oldest : int
        How many images ago the oldest image is that is known. What depends on an older one is unknown.
    """

    def __init__(self, space: Space, oldest: int) -> None:
        self.space, self._oldest = space, oldest
        self._numbers: dict[tuple, int] = {}
        self.signals: list[tuple] = []
        self._earlier = _Map(self._one_earlier)
        self._parts: dict[tuple[int, ...], _Map] = {}
        self._joined: dict[tuple[int, int], int] = {}
        self._symbols: dict[Symbol, Symbol | None] = {}

    def number(self, signals: Iterable[tuple]) -> int:
        """The number of a tuple of signals."""
        signals = tuple(signals)
        key = tuple(tuple((width, _key(value)) for width, value in signal) for signal in signals)
        found = self._numbers.setdefault(key, len(self.signals))
        if found == len(self.signals):
            self.signals.append(signals)
        return found

    def parts(self, numbers: np.ndarray, places: tuple[int, ...]) -> np.ndarray:
        """Numbers of the signals at some places of tuples."""
        if places not in self._parts:
            self._parts[places] = _Map(
                lambda number: self.number(self.signals[number][place] for place in places)
            )
        return self._parts[places](numbers, len(self.signals))

    def earlier(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers of the same signals when another image is sent next: all images are one image further back."""
        return self._earlier(numbers, len(self.signals))

    def joined(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Numbers of what two tuples have in common: it is unknown where they differ."""
        found, new = one.ravel().copy(), other.ravel()
        places = np.flatnonzero(found != new)
        if len(places):
            pairs = found[places].astype(np.int64) << 32 | new[places]
            kinds, which = np.unique(pairs, return_inverse=True)
            made = [self._join(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in kinds]
            found[places] = np.array(made, found.dtype)[which]
        return found.reshape(one.shape)

    def _join(self, one, other):
        if (one, other) not in self._joined:
            pairs = zip(self.signals[one], self.signals[other], strict=True)
            self._joined[one, other] = self.number(_common(self.space, *pair) for pair in pairs)
        return self._joined[one, other]

    def _one_earlier(self, number):
        return self.number(self._signal_earlier(signal) for signal in self.signals[number])

    def _signal_earlier(self, signal):
        return tuple((width, self._value(value)) for width, value in signal)

    def _value(self, value):
        try:
            if isinstance(value, Table):
                symbol = self._symbol(value.symbol)
                return UNKNOWN if symbol is None else Table(symbol, value.values)
            if isinstance(value, Form):
                return self._form(value)
        except NotUnderstood:
            return UNKNOWN
        return value

    def _form(self, form):
        terms = {}
        for symbol, values in form.terms.items():
            own = self._symbol(symbol)
            if own is None:
                return UNKNOWN
            terms[own] = values
        parts = {}
        for part, count in form.parts.items():
            own = self._part(part)
            if own is None:
                return UNKNOWN
            parts[own] = count
        return Form(form.constant, terms, parts)

    def _part(self, part):
        if isinstance(part, Floor):
            form = self._form(part.form)
            if form is UNKNOWN:
                return None
            [found] = self.space.floor(form, part.shift).parts
            return found
        forms = tuple(self._form(form) for form in part.forms)
        return None if UNKNOWN in forms else self.space.largest(forms)

    def _symbol(self, symbol):
        """The symbol of the image before; None if that is too old."""
        if symbol not in self._symbols:
            self._symbols[symbol] = self._new(symbol)
        return self._symbols[symbol]

    def _new(self, symbol):
        if symbol.forms:
            forms = tuple(self._form(form) for form in symbol.forms)
            return None if UNKNOWN in forms else self.space.largest(forms).symbol
        if symbol.form is not None:
            form = self._form(symbol.form)
            if form is UNKNOWN:
                return None
            found = self.space.sum(form)
            if symbol in self.space.contests:
                values, largest = self.space.contests[symbol]
                if (part := self._part(largest)) is not None:
                    self.space.contests[found] = values, part
            return found
        kind, image, *more = symbol.name
        return (
            None
            if image <= -self._oldest
            else self.space.symbol((kind, image - 1, *more), symbol.size)
        )


class _Map:
    """A function of numbers, kept as a table."""

    def __init__(self, function: Callable[[int], int]) -> None:
        self._function, self._table = function, np.full(64, -1, np.int32)

    def __call__(self, numbers: np.ndarray, count: int) -> np.ndarray:
        if count > len(self._table):
            more = np.full(2 * count - len(self._table), -1, np.int32)
            self._table = np.concatenate([self._table, more])
        found = self._table[numbers]
        if (found < 0).any():
            for number in np.unique(numbers[found < 0]).tolist():
                self._table[number] = self._function(number)
            found = self._table[numbers]
        return found


def _key(value: Any) -> Any:
    return ("form", value.constant, value.key) if isinstance(value, Form) else value


def _common(space, one, other):
    """What two signals have in common."""
    if one == other:
        return one
    same = []
    for width, (own, new) in aligned(space, (one, other)):
        equal = own is new or _key(own) == _key(new)
        same.append((width, own if equal else UNKNOWN))
    return joined(same, space)
