"""What each kind of cell does with such values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .choices import mux, unified
from .signals import aligned, bits, constant, extended, plain, single, sliced, together
from .values import UNKNOWN, Form, NotUnderstood, Space, Table, joined, linear, of_signal, wrapped

__all__ = ["KINDS", "evaluate"]

BITWISE = {"$and": np.bitwise_and, "$or": np.bitwise_or, "$xor": np.bitwise_xor}
COMPARE = {
    "$eq": np.equal, "$ne": np.not_equal, "$lt": np.less, "$le": np.less_equal,
    "$gt": np.greater, "$ge": np.greater_equal,
}  # fmt: skip
REDUCE = ("$reduce_and", "$reduce_or", "$reduce_bool", "$logic_not", "$reduce_xor")
KINDS = (
    "$not", "$pos", "$neg", "$add", "$sub", "$mul", "$mux", "$pmux", "$logic_and", "$logic_or", "$shl", "$shr", "$sshl",
    "$sshr", *BITWISE, *COMPARE, *REDUCE,
)  # fmt: skip
WIDE = 60  # bits of a difference of two sums that are compared


def _bitwise(space, kind, width, values):
    """One aligned part of a bitwise cell."""
    mask = (1 << width) - 1
    for own, other in (values, values[::-1]):
        if not isinstance(own, int):
            continue
        if own == 0:
            return 0 if kind == "$and" else other
        if own == mask and kind == "$xor":
            return _inverted(width, other)
        if own == mask:
            return other if kind == "$and" else mask
    if UNKNOWN in values:
        return UNKNOWN
    tables = [of_signal(space, (width, plain(value))) for value in values]
    return together(BITWISE[kind], tables)


def _inverted(width, value):
    if value is UNKNOWN:
        return UNKNOWN
    mask = (1 << width) - 1
    if isinstance(plain(value), Table):
        return Table(value.symbol, mask - value.values)
    if isinstance(value, Form):
        return wrapped(width, Form(mask, {}, {}).plus(value, -1))[1]
    return mask - value


def _reduced(space, kind, signal):
    if kind in ("$reduce_and", "$reduce_or", "$reduce_bool", "$logic_not"):
        stops = 0 if kind == "$reduce_and" else 1  # a bit that decides
        for width, value in signal:
            decided = value != (1 << width) - 1 if kind == "$reduce_and" else value != 0
            if isinstance(value, int) and decided:
                return stops ^ (kind == "$logic_not")
    value = single(space, signal)
    if value is UNKNOWN:
        return UNKNOWN
    mask = (1 << bits(signal)) - 1
    if kind == "$reduce_and":
        return together(lambda v: np.equal(v, mask), [value])
    if kind == "$logic_not":
        return together(lambda v: np.equal(v, 0), [value])
    if kind == "$reduce_xor":
        return together(lambda v: np.bitwise_count(np.int64(v)) & 1, [value])
    return together(lambda v: np.not_equal(v, 0), [value])


def _compared(space, kind, a, b, signed):
    width = max(bits(a), bits(b)) + 1
    if width >= WIDE:
        raise NotUnderstood("a comparison of very wide numbers")
    one, other = linear(space, a, width, signed), linear(space, b, width, signed)
    if one is None or other is None:
        return UNKNOWN
    difference = one.plus(other, -1)
    value = of_signal(space, wrapped(WIDE, difference.shifted(1 << (WIDE - 1))))
    return together(lambda v: COMPARE[kind](v, 1 << (WIDE - 1)), [value])


def evaluate(
    space: Space, kind: str, ports: dict[str, Any], width: int, signed: bool, both: bool
) -> tuple:
    """The output of a cell.

    Parameters
    ----------
    space : Space
    kind : str
        One of `KINDS`.
    ports : dict
        Signals of its inputs.
    width : int
        Of its output.
    signed, both : bool
        Whether its first input, and each of its inputs, is a signed number.
    """
    if kind != "$mux":
        ports = unified(space, ports)
    a = ports.get("A", ())
    if kind in BITWISE:
        pair = [extended(space, ports[name], width, both) for name in "AB"]
        return joined(
            (own, _bitwise(space, kind, own, values)) for own, values in aligned(space, pair)
        )
    if kind == "$mux":
        return mux(space, ports["S"], a, ports["B"])
    if kind == "$not":
        return joined(
            (own, _inverted(own, value)) for own, value in extended(space, a, width, signed)
        )
    if kind in ("$add", "$sub", "$neg", "$pos"):
        if kind in ("$neg", "$pos"):
            parts = [(linear(space, a, width, signed), -1 if kind == "$neg" else 1)]
        else:
            second = linear(space, ports["B"], width, both)
            parts = [(linear(space, a, width, both), 1), (second, -1 if kind == "$sub" else 1)]
        total = Form(0, {}, {})
        for form, factor in parts:
            if form is None:
                return ((width, UNKNOWN),)
            total = total.plus(form, factor)
        return (wrapped(width, total),)
    if kind in REDUCE:
        return _padded(_reduced(space, kind, a), width)
    if kind in COMPARE:
        return _padded(_compared(space, kind, a, ports["B"], both), width)
    if kind in ("$logic_and", "$logic_or"):
        pair = [_reduced(space, "$reduce_bool", ports[name]) for name in "AB"]
        return _padded(_bitwise(space, "$and" if kind == "$logic_and" else "$or", 1, pair), width)
    if kind == "$pmux":
        result, choices = a, ports["S"]
        for k in reversed(range(bits(choices))):
            own = sliced(space, ports["B"], k * width, width)
            result = mux(space, sliced(space, choices, k, 1), result, own)
        return result
    if kind == "$mul":
        return _product(space, a, ports["B"], width, both)
    return _shifted(space, kind, a, ports["B"], width, signed)


def _padded(value, width):
    return joined([(1, value), (width - 1, 0)] if width > 1 else [(1, value)])


def _product(space, a, b, width, signed):
    for one, other in ((a, b), (b, a)):
        factor = constant(one)
        if factor is not None:
            factor -= (factor >> (bits(one) - 1) << bits(one)) if signed else 0
            form = linear(space, other, width, signed)
            return (
                ((width, UNKNOWN),)
                if form is None
                else (wrapped(width, Form(0, {}, {}).plus(form, factor)),)
            )
    values = [single(space, signal) for signal in (a, b)]
    if UNKNOWN in values:
        return ((width, UNKNOWN),)
    halves = [1 << (bits(signal) - 1) if signed else 0 for signal in (a, b)]
    mask = (1 << width) - 1

    def times(x, y):
        x, y = (v - ((v & half) << 1) for v, half in zip((x, y), halves, strict=True))
        return (x * y) & mask

    return ((width, together(times, values)),)


def _shifted(space, kind, a, b, width, signed):
    count = constant(b)
    if count is None:
        value, count = single(space, a), single(space, b)
        return ((width, _by_a_table(kind, value, count, bits(a), width, signed)),)
    if kind in ("$shl", "$sshl"):
        form = linear(space, a, width, signed)
        if form is None:
            return ((width, UNKNOWN),)
        return (wrapped(width, Form(0, {}, {}).plus(form, 1 << count)),)
    wide = extended(space, a, max(width, bits(a)) + count, signed and kind == "$sshr")
    return sliced(space, wide, count, width)


def _by_a_table(kind, value, count, size, width, signed):
    """A shift by a value that is not a constant."""
    if value is UNKNOWN or count is UNKNOWN:
        return UNKNOWN
    half = 1 << (size - 1) if signed else 0
    mask = (1 << width) - 1

    def shifted(v, n):
        v, n = v - ((v & half) << 1), np.minimum(n, 62)
        return ((v << n) if kind in ("$shl", "$sshl") else (v >> n)) & mask

    if width > 30 or size > 30:
        raise NotUnderstood("a wide shift by a value that is not a constant")
    return together(shifted, [value, count])
