"""Signals as wholes: their parts, one table of all of them, and functions of such tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from .values import UNKNOWN, NotUnderstood, Space, Table, cut_out, joined, of_signal

__all__ = [
    "Later",
    "aligned",
    "bits",
    "constant",
    "extended",
    "plain",
    "single",
    "sliced",
    "table_of",
    "together",
]


class Later:
    """A choice between two values whose condition is understood once all cells of a cycle are evaluated."""

    def __init__(self, choose: Table, one: Any, zero: Any) -> None:
        self.choose, self.one, self.zero = choose, one, zero


def bits(signal) -> int:
    """Width of a signal."""
    return sum(width for width, _ in signal)


def constant(signal) -> int | None:
    """The integer of a signal, or None if it is not one."""
    if len(signal) == 1 and isinstance(signal[0][1], int):
        return signal[0][1]
    return None if signal else 0


def extended(space, signal, width, signed):
    """A signal extended, or cut, to a width."""
    size = bits(signal)
    if size < width:
        top = cut_out(space, signal[-1], signal[-1][0] - 1, 1) if signed and signal else (1, 0)
        return joined([*signal, *[top] * (width - size)], space)
    found, offset = [], 0
    for own, value in signal:
        if offset >= width:
            break
        count = min(own, width - offset)
        found.append(cut_out(space, (own, value), 0, count))
        offset += own
    return tuple(found)


def aligned(space, signals):
    """Parts of signals of equal width between all their boundaries: yields (width, values)."""
    edges = set()
    for signal in signals:
        place = 0
        for width, _ in signal:
            place += width
            edges.add(place)
    places = [0] * len(signals)  # number of the segment of each signal
    used = [0] * len(signals)  # bits of it that are gone
    before = 0
    for edge in sorted(edges):
        width, values = edge - before, []
        for k, signal in enumerate(signals):
            segment = signal[places[k]]
            values.append(cut_out(space, segment, used[k], width)[1])
            used[k] += width
            if used[k] == segment[0]:
                places[k], used[k] = places[k] + 1, 0
        yield width, values
        before = edge


def single(space, signal):
    """A whole signal as one integer or table; UNKNOWN if any part is."""
    total, offset, symbol = 0, 0, None
    for width, value in signal:
        value = of_signal(space, (width, plain(value)))
        if value is UNKNOWN:
            return UNKNOWN
        if isinstance(value, Table):
            if symbol not in (None, value.symbol):
                raise NotUnderstood("a decision depends on several values")
            symbol, value = value.symbol, value.values
        total, offset = total + (value << offset), offset + width
    return Table(symbol, total) if symbol else total


def plain(value):
    """A value that is no choice left for later."""
    if isinstance(value, Later):
        raise NotUnderstood("a choice between several values is used at once")
    return value


def together(function, values):
    """A numpy function of integers and tables of one symbol: an integer or a table."""
    symbols = {value.symbol for value in values if isinstance(value, Table)}
    if len(symbols) > 1:
        raise NotUnderstood("a value depends on several others, and is no sum")
    found = function(*(value.values if isinstance(value, Table) else value for value in values))
    if not symbols:
        return int(found)
    found = np.asarray(found).astype(np.int64)
    first = int(found[0])
    return first if (found == first).all() else Table(symbols.pop(), found)


def table_of(symbol, values, which):
    """A table of `values[which]`, or an integer if all values are equal."""
    return values[0] if len(set(values)) == 1 else Table(symbol, np.array(values, np.int64)[which])


def sliced(space: Space, signal, low: int, count: int) -> tuple:
    """`count` bits of a signal from `low` on."""
    found, place = [], 0
    for width, value in signal:
        first, last = max(low, place), min(low + count, place + width)
        if first < last:
            found.append(cut_out(space, (width, value), first - place, last - first))
        place += width
    return joined(found, space)
