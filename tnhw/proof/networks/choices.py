"""Choices between two signals, among them that of the larger of two sums, and of its number."""

from __future__ import annotations

import numpy as np

from .signals import Later, aligned, bits, constant, plain, together
from .values import (
    UNKNOWN,
    Form,
    Largest,
    NotUnderstood,
    Space,
    Table,
    joined,
    linear,
    of_one,
    of_signal,
)

__all__ = ["mux", "of_largest", "settled", "unified"]


def mux(space, choose, zero, one):
    """The signal `one` where a bit is 1, else `zero`."""
    number = constant(choose)
    if number is not None:
        return one if number else zero
    [(_, bit)] = choose
    if zero == one:
        return zero
    if bit is UNKNOWN:
        return ((bits(zero), UNKNOWN),)
    bit = of_signal(space, (1, plain(bit)))
    if isinstance(bit, int):
        return one if bit else zero
    zero, one = (_of_symbol(space, signal, bit.symbol) for signal in (zero, one))
    if any(isinstance(value, Form) for _, value in (*zero, *one)):
        return (_larger(space, bit, zero, one),)
    made = []
    for width, (low, high) in aligned(space, (zero, one)):
        if low is UNKNOWN or high is UNKNOWN:
            made.append((width, UNKNOWN))
            continue
        own = {v.symbol for v in (bit, low, high) if isinstance(v, Table)}
        if len(own) > 1 or isinstance(low, Later) or isinstance(high, Later):
            made.append((width, Later(bit, high, low)))
        else:
            made.append((width, together(lambda b, z, o: np.where(b, o, z), (bit, low, high))))
    return joined(made)


def unified(space, ports):
    """Signals in which forms are tables of a sum, if another signal is a table of this sum."""
    values = [value for signal in ports.values() for _, value in signal]
    if not any(isinstance(value, Form) for value in values):
        return ports
    for symbol in {
        value.symbol for value in values if isinstance(value, Table) and value.symbol.form
    }:
        ports = {name: _of_symbol(space, signal, symbol) for name, signal in ports.items()}
    return ports


def _of_symbol(space, signal, symbol):
    """A signal in which forms that depend on one symbol only are tables of it."""
    if symbol.form is None:
        return signal
    return tuple(
        (
            width,
            of_signal(space, (width, value))
            if isinstance(value, Form) and of_one(value, symbol)
            else value,
        )
        for width, value in signal
    )


def _larger(space, bit, zero, one):
    """The choice between two sums, if it is that of the larger one."""
    width = bits(zero)
    low, high = linear(space, zero, width + 1, False), linear(space, one, width + 1, False)
    if low is None or high is None:
        return width, UNKNOWN
    if bit.symbol.form is None:
        raise NotUnderstood("a choice between two sums depends on a value that is no sum")
    difference = high.plus(low, -1)
    for factor in (1, -1):
        if difference.plus(bit.symbol.form, -factor).key:
            continue
        z = np.arange(bit.symbol.size, dtype=np.int64) + bit.symbol.low
        if (bit.values == (factor * z + difference.constant > 0)).all():
            before, constant = (low,), 0
            if not low.terms and list(low.parts.values()) == [1]:
                [part] = low.parts
                if isinstance(part, Largest):
                    before, constant = part.forms, low.constant
            largest = space.largest((*before, high.shifted(-constant)))
            space.contests[bit.symbol] = (bit.values.tobytes(), largest)
            return width, Form(constant, {}, {largest: 1})
    raise NotUnderstood("a choice between two sums is not that of the larger one")


def settled(space: Space, signal) -> tuple:
    """A signal without choices that were left for later."""
    return joined(((width, _settle(space, value)) for width, value in signal), space)


def _settle(space, value):
    if not isinstance(value, Later):
        return value
    choose = value.choose
    if choose.symbol not in space.contests:
        raise NotUnderstood("a choice depends on a comparison that is none of sums")
    values, largest = space.contests[choose.symbol]
    if choose.values.tobytes() != values:
        raise NotUnderstood("a choice depends on another comparison than that of its sums")
    one, zero = (_settle(space, own) for own in (value.one, value.zero))
    if not isinstance(one, int):
        raise NotUnderstood("the number of a sum is not a constant")
    size = len(largest.forms)
    if isinstance(zero, Table):
        zero = of_largest(space, zero)
        if zero.symbol.size != size - 1 or zero.symbol.name[1:] != largest.symbol.name[1:-1]:
            raise NotUnderstood("the number of a sum is of another comparison")
        return Table(largest.symbol, np.append(zero.values, one))
    return Table(largest.symbol, np.append(np.full(size - 1, zero), one))


def of_largest(space: Space, table: Table) -> Table:
    """A table of a comparison as one of which sum is the largest, if it is that."""
    if table.symbol not in space.contests:
        return table
    values, largest = space.contests[table.symbol]
    wins = np.frombuffer(values, np.int64).astype(bool)
    kept, new = np.unique(table.values[~wins]), np.unique(table.values[wins])
    if len(kept) != 1 or len(new) != 1:
        return table
    return Table(largest.symbol, np.append(np.full(len(largest.forms) - 1, kept[0]), new[0]))
