"""What a signal holds for all inputs at once: integers, tables of one symbol, and formal sums.

A *symbol* stands for an integer that the proof does not know: an input, a result of a layer, or a sum. A *segment* of a
signal is one of four things: an integer; a `Table`, which has a value for each value of one symbol; a `Form`, a sum of
tables of different symbols, modulo 2^width; or `UNKNOWN`. All of them are exact, and nothing is guessed. What a value
cannot be written as is refused with `NotUnderstood`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = [
    "UNKNOWN", "WIDEST", "Floor", "Form", "Largest", "NotUnderstood", "Space", "Symbol", "Table", "cut_out",
    "exact", "joined", "linear", "of_one", "of_signal", "wrapped",
]  # fmt: skip

MOST = 1 << 21  # values of a symbol
WIDEST = 62  # bits of a table's values


class NotUnderstood(Exception):
    """A value that is neither an integer, nor a table of one symbol, nor a sum of tables."""


@dataclass(frozen=True, eq=False)
class Symbol:
    """An unknown integer, `low` + index; `name` says which.

    For a sum, `form` is the sum without its constant; for the number of the largest of some sums, `forms` are these.
    """

    name: tuple
    size: int
    low: int = 0
    form: Form | None = None
    forms: tuple[Form, ...] = ()
    tables: dict[bytes, Table] = field(default_factory=dict, repr=False)


class _Unknown:
    def __repr__(self):
        return "unknown"


UNKNOWN = _Unknown()


class Table:
    """`values[k]` if the symbol has its value number k: an int64 array of unsigned integers. Equal tables are one object."""

    __slots__ = ("symbol", "values")
    symbol: Symbol
    values: np.ndarray

    def __new__(cls, symbol: Symbol, values: np.ndarray) -> Table:
        values = np.asarray(values, np.int64)
        key = values.tobytes()
        found = symbol.tables.get(key)
        if found is None:
            found = symbol.tables[key] = super().__new__(cls)
            found.symbol, found.values = symbol, values
        return found


@dataclass(frozen=True, eq=False)
class Floor:
    """floor(form / 2^shift), which is not linear."""

    form: Form
    shift: int

    @property
    def range(self):
        low, high = self.form.range
        return low >> self.shift, high >> self.shift


@dataclass(frozen=True, eq=False)
class Largest:
    """The largest of some forms; `symbol` says which of them, the first of several that are equal."""

    forms: tuple[Form, ...]
    symbol: Symbol

    @property
    def range(self):
        lows, highs = zip(*(form.range for form in self.forms), strict=True)
        return max(lows), max(highs)


class Form:
    """constant + the sum of `terms` (tables of different symbols, 0 for the first value) + the sum of `parts` with their factors."""

    __slots__ = ("_key", "_range", "constant", "parts", "terms")

    def __init__(self, constant: int, terms: dict[Symbol, np.ndarray], parts: dict[Any, int]):
        self.constant, self.terms, self.parts = constant, terms, parts
        self._key: frozenset | None = None
        self._range: tuple[int, int] | None = None

    @classmethod
    def of(cls, value: int | Table | Form) -> Form:
        """The value as an exact form: a form is taken as it is."""
        if isinstance(value, Form):
            return value
        if isinstance(value, Table):
            first = int(value.values[0])
            rest = value.values - first
            return cls(first, {value.symbol: rest} if rest.any() else {}, {})
        if not isinstance(value, int):
            raise NotUnderstood("a choice between several values is added")
        return cls(value, {}, {})

    def plus(self, other: Form, factor: int = 1) -> Form:
        """self + factor * other."""
        terms, parts = dict(self.terms), dict(self.parts)
        for symbol, values in other.terms.items():
            own = terms.pop(symbol, None)
            total = values * factor if own is None else own + values * factor
            if total.any():
                terms[symbol] = total
        for part, count in other.parts.items():
            total = parts.pop(part, 0) + factor * count
            if total:
                parts[part] = total
        return Form(self.constant + factor * other.constant, terms, parts)

    def shifted(self, constant: int) -> Form:
        """self + constant."""
        return Form(self.constant + constant, self.terms, self.parts)

    @property
    def range(self) -> tuple[int, int]:
        """Lowest and highest value; both are reached if there are no parts."""
        if self._range is None:
            low = high = 0
            for values in self.terms.values():
                low, high = low + int(values.min()), high + int(values.max())
            for part, count in self.parts.items():
                ends = [count * end for end in part.range]
                low, high = low + min(ends), high + max(ends)
            self._range = low, high
        return self._range[0] + self.constant, self._range[1] + self.constant

    @property
    def key(self) -> frozenset:
        """What two forms have in common that differ by a constant only."""
        if self._key is None:
            own = [(symbol, values.tobytes()) for symbol, values in self.terms.items()]
            self._key = frozenset([*own, *self.parts.items()])
        return self._key


class Space:
    """All symbols and parts, each made once."""

    def __init__(self):
        self._symbols: dict[Any, Symbol] = {}
        self._parts: dict[Any, Any] = {}
        self.contests: dict[Symbol, tuple] = {}

    def symbol(self, name: tuple, size: int) -> Symbol:
        """The symbol with a name."""
        if name not in self._symbols:
            self._symbols[name] = Symbol(name, size)
        return self._symbols[name]

    def sum(self, form: Form) -> Symbol:
        """The symbol of a form without its constant."""
        name = ("sum", form.key)
        if name not in self._symbols:
            plain = form.shifted(-form.constant)
            low, high = plain.range
            if high - low >= MOST:
                raise NotUnderstood(f"a sum has {high - low + 1} values, too many to try all")
            self._symbols[name] = Symbol(name, high - low + 1, low, plain)
        return self._symbols[name]

    def floor(self, form: Form, shift: int) -> Form:
        """floor(form / 2^shift) as a form."""
        low, high = (end >> shift for end in form.range)
        if low == high:
            return Form(low, {}, {})
        whole = form.constant >> shift
        form = form.shifted(-(whole << shift))
        name = ("floor", form.key, form.constant, shift)
        if name not in self._parts:
            self._parts[name] = Floor(form, shift)
        return Form(whole, {}, {self._parts[name]: 1})

    def largest(self, forms: tuple[Form, ...]) -> Largest:
        """The largest of some forms."""
        name = ("largest", *((form.key, form.constant) for form in forms))
        if name not in self._parts:
            self._parts[name] = Largest(forms, Symbol(name, len(forms), forms=forms))
        return self._parts[name]


def wrapped(width: int, form: Form) -> tuple:
    """A segment that holds a form modulo 2^width."""
    if form.parts:
        kept = {part: count for part, count in form.parts.items() if count % (1 << width)}
        form = form if len(kept) == len(form.parts) else Form(form.constant, form.terms, kept)
    if form.parts or len(form.terms) > 1:
        return width, form
    if not form.terms:
        return width, form.constant % (1 << width)
    [(symbol, values)] = form.terms.items()
    return _table(width, symbol, (values + form.constant) & ((1 << width) - 1))


def _table(width, symbol, values):
    first = int(values[0])
    return width, (first if (values == first).all() else Table(symbol, values))


def exact(space: Space, width: int, value, signed: bool = False) -> Form:
    """The integer that a segment's bits stand for, as a form without any modulus."""
    if value is UNKNOWN:
        raise NotUnderstood("an unknown value is added")
    half = 1 << (width - 1) if signed else 0
    if not isinstance(value, Form):
        form = Form.of(value)
        if not signed:
            return form
        if isinstance(value, Table):
            return Form.of(Table(value.symbol, value.values - ((value.values & half) << 1)))
        return Form.of(int(value) - ((int(value) & half) << 1))
    low, _ = value.range
    form = value.shifted(-(((low + half) >> width) << width))
    if form.range[1] + half < 1 << width:
        return form
    biased = form.shifted(half)
    return form.plus(space.floor(biased, width), -(1 << width))


def linear(space: Space, signal, width: int, signed: bool) -> Form | None:
    """A signal, extended or cut to `width` bits, as a form modulo 2^width; None if it is unknown."""
    total, offset = Form(0, {}, {}), 0
    size = sum(own for own, _ in signal)
    for own, value in signal:
        if value is UNKNOWN:
            return None
        if offset >= width:
            break
        at_top = offset + own == size
        if isinstance(value, Form) and offset + own >= width:
            part = value
        else:
            part = exact(space, own, value, signed and at_top)
        total, offset = total.plus(part, 1 << offset), offset + own
    return total


def cut_out(space: Space, segment, low: int, count: int) -> tuple:
    """`count` bits of a segment, from bit `low` on."""
    width, value = segment
    if low == 0 and count == width:
        return segment
    mask = (1 << count) - 1
    if value is UNKNOWN:
        return count, UNKNOWN
    if isinstance(value, Table):
        return _table(count, value.symbol, (value.values >> low) & mask)
    if isinstance(value, int):
        return count, (value >> low) & mask
    if not isinstance(value, Form):
        raise NotUnderstood("a part of a choice between several values is used")
    if low == 0:
        return wrapped(count, value)
    return wrapped(count, space.floor(value, low))  # bits below its width are those of the form


def of_signal(space: Space, segment) -> Table | int:
    """A segment as a table of one symbol, or an integer."""
    width, value = segment
    if not isinstance(value, Form):
        return value
    symbol = space.sum(_root(value))
    z = np.arange(symbol.size, dtype=np.int64) + symbol.low
    return _table(width, symbol, _values(value, _root(value), z) & ((1 << width) - 1))[1]


def of_one(form: Form, symbol: Symbol) -> bool:
    """Whether a form depends on nothing but the sum that a symbol stands for."""
    return symbol.form is not None and _root(form).key == symbol.form.key


def _root(form: Form) -> Form:
    """The sum whose value alone decides that of a form; the form itself if there is no other one."""
    floors = [part for part in form.parts if isinstance(part, Floor)]
    for part in floors:
        root = _root(part.form)
        if (
            all(_root(other.form).key == root.key for other in floors)
            and _often(form, root) is not None
        ):
            return root
    return form


def _often(form: Form, root: Form) -> int | None:
    """How often a form has its root beside its floors; None if it has something else as well."""
    others = {part: count for part, count in form.parts.items() if not isinstance(part, Floor)}
    rest, often = Form(0, form.terms, others), 0
    for symbol, values in root.terms.items():
        if symbol in form.terms:
            place = int(np.flatnonzero(values)[0])
            often = int(form.terms[symbol][place]) // int(values[place])
            break
    left = rest.plus(root, -often)
    return None if left.terms or left.parts else often


def _values(form: Form, root: Form, z: np.ndarray) -> np.ndarray:
    """Values of a form for values z of its root without the constant."""
    if form.key == root.key:
        return z + form.constant
    often = _often(form, root)
    total = z * (often or 0) + form.constant
    for part, count in form.parts.items():
        if isinstance(part, Floor):
            total = total + count * (_values(part.form, root, z) >> part.shift)
    return total


def joined(signal: Iterable[tuple], space: Space | None = None) -> tuple:
    """The segments of a signal, with neighbours joined that are integers, tables of one symbol, or parts of one sum."""
    made: list[tuple] = []
    for width, value in signal:
        if made:
            before, last = made[-1]
            if isinstance(last, int) and isinstance(value, int):
                made[-1] = before + width, last | value << before
                continue
            if last is UNKNOWN and value is UNKNOWN:
                made[-1] = before + width, UNKNOWN
                continue
            same = isinstance(last, Table) and isinstance(value, Table) and last.symbol is value.symbol  # fmt: skip
            if same and before + width <= WIDEST:
                made[-1] = before + width, Table(last.symbol, last.values | value.values << before)
                continue
            if (
                space is not None
                and isinstance(last, Form)
                and isinstance(value, Form)
                and _above(value, last)
            ):
                whole = wrapped(before + width, exact(space, before, last).plus(value, 1 << before))
                form = whole[1]
                if not isinstance(form, Form) or not any(isinstance(p, Floor) for p in form.parts):
                    made[-1] = whole
                    continue
        made.append((width, value))
    return tuple(made)


def _above(value: Form, low: Form) -> bool:
    """Whether a form is of the upper bits of the sum whose lower bits `low` is."""
    return any(isinstance(part, Floor) and part.form.key == low.key for part in value.parts)
