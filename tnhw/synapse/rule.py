"""The interface between a synapse and the architectures that sum it.

A *rule* says what one synapse computes: an input x and a parameter p give an integer term t(x, p).
Each rule has a file in :mod:`tnhw.synapse.rules`, which defines the term in numpy and in gates. An architecture uses
nothing but the methods below, and never asks a rule's name.

A term in gates is a sum of *addends*, cheap values with integer weights, and of a remainder that
depends on the parameter alone. Where parameters are known before the hardware runs, the remainder is
added to the bias and costs nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from amaranth.hdl import Cat, Const, Value
from amaranth.lib import data

from ..errors import InputError
from ..support.config import Record
from .format import Format

__all__ = [
    "RULES", "Addend", "Rule", "at_least", "gate", "inversion", "negate_if", "normal_shares", "ripples",
    "scaled", "signs",
]  # fmt: skip

RULES: dict[str, type["Rule"]] = {}

MAX_LOGIC_BITS = 4


@dataclass(frozen=True)
class Addend:
    """A hardware value that a term adds ``weight`` times.

    Attributes
    ----------
    value : amaranth Value
        Signed or unsigned, as its shape says.
    weight : int
        Any integer but zero.
    high : int or None
        Largest value, if that is less than what the shape can hold.
    """

    value: Value
    weight: int = 1
    high: int | None = None


def negate_if(sign: Value, value: Value) -> Value:
    """Bitwise inversion of `value` where the bit `sign` is set; shape is kept.

    ``-v`` is ``~v + inversion(shape)``: the missing constant goes to the remainder.
    """
    flipped = value.as_unsigned() ^ sign.replicate(len(value))
    return flipped.as_signed() if value.shape().signed else flipped


def gate(enable: Value, value: Value) -> Value:
    """`value` where the bit `enable` is set, else 0; shape is kept."""
    gated = value.as_unsigned() & enable.replicate(len(value))
    return gated.as_signed() if value.shape().signed else gated


def at_least(a: Value, b: Value, below_top: bool = False) -> Value:
    """One bit: `a` >= `b`, unsigned of equal widths; with `below_top` also that not all of b is ones.

    Narrow ones are plain logic, which takes fewer cells than a carry chain.
    """
    if len(a) > MAX_LOGIC_BITS:
        return (a >= b) & ~b.all() if below_top else a >= b
    if len(a) == 1:
        return ~b if below_top else a | ~b
    more, same = _compare(a[1:], b[1:])
    low = a[0] & ~b[1:].all() if below_top else a[0]
    return more | (same & (~b[0] | low))


def ripples(a: Value, b: Value) -> Value:
    """One bit: 1 where `a` > `b`, 0 where `a` < `b`, either where they are equal.

    A chain of majorities from the lowest bit up, the least area in standard cells; formats may differ.
    """
    signed = a.shape().signed or b.shape().signed
    bits = max(len(v) + (signed and not v.shape().signed) for v in (a, b))
    a, b = (
        Cat(v, (v[-1] if v.shape().signed else Const(0, 1)).replicate(bits - len(v)))
        for v in (a, b)
    )
    if signed:  # a bit of negative weight counts the other way round
        a, b = (Cat(v[:-1], ~v[-1]) for v in (a, b))
    more = a[0]
    for k in range(1, bits):
        more = (a[k] & ~b[k]) | (more & (a[k] | ~b[k]))
    return more


def _compare(a: Value, b: Value) -> tuple[Value, Value]:
    """Whether a > b, and whether a == b."""
    if len(a) == 1:
        return a & ~b, ~(a ^ b)
    low = len(a) // 2
    more, same = _compare(a[low:], b[low:])
    low_more, low_same = _compare(a[:low], b[:low])
    return more | (same & low_more), same & low_same


def inversion(width: int, signed: bool) -> int:
    """The constant c of ``-v == ~v + c``, for v of `width` bits inverted within its own width."""
    return 1 if signed else 1 - (1 << width)


def normal_shares(
    rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
) -> np.ndarray:
    """Normal numbers from -1 to 1, a third as deviation; from 0 to 1 if they are not to be signed."""
    shares = np.clip(rng.normal(0, 1 / 3, shape), -1, 1)
    return shares if signed else np.abs(shares)


def signs(shares: np.ndarray) -> np.ndarray:
    """-1 where a number is negative, 1 elsewhere: int64."""
    return np.where(shares < 0, -1, 1).astype(np.int64)


def scaled(shares: np.ndarray, low: int, high: int) -> np.ndarray:
    """Integers of a range, int64: shares of its end that is farthest from 0."""
    return np.clip(np.rint(shares * max(high, -low)), low, high).astype(np.int64)


@dataclass(frozen=True)
class Rule(ABC):
    """One synapse, for given number formats.

    Parameters
    ----------
    input : Format
        Format of x.
    parameter : Format or None
        Format of the parameter's magnitude field, for rules that have one.
    gain : bool
        Whether a synapse has a gain e, for rules that offer it.
    form : str
        Which of the rule's equivalent gates to build.

    Attributes
    ----------
    formula : str
        The term as people write it, for pictures; the name if there is none.
    typical_text : str
        How the parameters of `typical` are distributed, for reports.
    arrays : tuple of str
        Names of the parameter arrays, each [outputs, inputs], integers.
    forms : tuple of str
        Equivalent gates that the rule offers, the first for runtime parameters.
    Keys : type of Record or None
        Keys of a kernel file that only this rule has, see `tnhw.kernel.own_keys`; each is a field of the rule, too.
    """

    name: ClassVar[str]
    formula: ClassVar[str] = ""
    typical_text: ClassVar[str] = "normal parameters"
    arrays: ClassVar[tuple[str, ...]]
    has_parameter: ClassVar[bool] = True
    has_gain: ClassVar[bool] = False
    forms: ClassVar[tuple[str, ...]] = ()
    Keys: ClassVar[type[Record] | None] = None

    input: Format
    parameter: Any = None  # a Format; None for a rule without a magnitude, see `has_parameter`
    gain: bool = False
    form: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        RULES[cls.name] = cls

    def __post_init__(self) -> None:
        if self.has_parameter and self.parameter is None:
            raise InputError(f"rule `{self.name}` needs a `parameter` format")
        if not self.has_parameter and self.parameter is not None:
            raise InputError(f"rule `{self.name}` has no magnitude: leave `parameter` out")
        if self.gain and not self.has_gain:
            raise InputError(f"rule `{self.name}` has no gain: leave `gain` out")
        if self.form is not None and self.form not in self.forms:
            allowed = " or ".join(f'"{form}"' for form in self.forms) or "only the automatic one"
            raise InputError(f"rule `{self.name}` has {allowed} as `form`, not {self.form!r}")

    @classmethod
    def choose_form(cls, wired: bool, remainder_is_free: bool) -> str | None:
        """The cheapest of the rule's forms: a fixed table.

        `wired`: parameters are constants in the gates; `remainder_is_free`: no gates compute the remainder.
        """
        return None

    def on_cells(self) -> "Rule":
        """The same rule, for standard cells instead of carry chains."""
        return self

    def in_logic(self) -> "Rule":
        """The same rule in the form that takes the least logic where terms are registered."""
        return self

    def in_blocks(self) -> "Rule":
        """The same rule in the form that makes most of multiplier blocks where terms are registered."""
        return self

    def without_sign(self) -> "Rule":
        """The same rule with no sign of its own, where the architecture adds or subtracts its terms."""
        return self

    def compact(self, arrays: Sequence[Mapping[str, np.ndarray]]) -> "Rule":
        """The same rule with shorter words for the given sets of parameters, if there is one.

        Parameters
        ----------
        arrays : list of dict of arrays
            All parameters that must be held.
        """
        return self

    def holds(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Whether words of this rule can hold these parameters."""
        return True

    def nearest(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Parameters near the given ones that words of this rule can hold."""
        return arrays

    @property
    def multiplies(self) -> bool:
        """Whether the gates of a term hold a product of two variables."""
        return False

    @property
    def shared_by(self) -> int:
        """Outputs whose terms of one input may come out of one set of gates."""
        return 1

    # Parameters

    @property
    @abstractmethod
    def fields(self) -> dict[str, Format]:
        """Packed parameter word of one synapse: name to Format, least significant first."""

    @property
    def word(self) -> data.StructLayout:
        """Amaranth layout of the parameter word."""
        return data.StructLayout({name: field.shape for name, field in self.fields.items()})

    @property
    def word_bits(self) -> int:
        """Stored bits a synapse."""
        return sum(field.bits for field in self.fields.values())

    @property
    @abstractmethod
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Allowed values of each parameter array: name to (lowest, highest)."""

    def random(self, rng: np.random.Generator, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Random parameter arrays, uniform over everything that is allowed."""
        return {
            name: rng.integers(low, high, shape, dtype=np.int64, endpoint=True)
            for name, (low, high) in self.ranges.items()
        }

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        """Parameter arrays that look like those of a trained layer: what activity and power are measured on.

        By default all arrays follow one normal draw of :func:`normal_shares`: one that may be negative is that
        share of its farthest end, a sign (-1 to 1) is its sign, and one that may not be negative is its size.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : tuple of int
            Outputs, inputs.
        signed : bool
            Whether parameters of both signs occur; where the architecture subtracts the terms of some inputs they
            do not.

        Returns
        -------
        dict of str to int64 array
            For each name of `ranges`.
        """
        shares, arrays = normal_shares(rng, shape, signed), {}
        for name, (low, high) in self.ranges.items():
            if (low, high) == (-1, 1):
                arrays[name] = signs(shares)
            else:
                arrays[name] = scaled(shares if low < 0 else np.abs(shares), low, high)
        return arrays

    @classmethod
    def parameter_of(cls, bits: int) -> Format:
        """Format of the magnitude with which a synapse takes `bits` bits, or about so many."""
        return Format(bits, signed=True)

    @abstractmethod
    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Field values of the packed word for parameter arrays: name to integer array."""

    def pack(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Packed words, as non-negative Python integers in an object array."""
        encoded = self.encode(arrays)
        words = np.zeros(np.shape(next(iter(encoded.values()))), dtype=object)
        position = 0
        for name, field in self.fields.items():
            bits = np.asarray(encoded[name], dtype=np.int64).astype(object)
            words = words + ((bits & ((1 << field.bits) - 1)) << position)
            position += field.bits
        return words

    # Mathematics

    @abstractmethod
    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Term of each synapse in numpy: int64, x and the arrays broadcast together."""

    @abstractmethod
    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        """Exact range (low, high) of a term over all x, each bound reached.

        With `arrays`, bounds are int64 arrays of their shape; without, integers over everything
        that can be represented.
        """

    # Gates

    @abstractmethod
    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        """Addends of a term that depend on x, and a constant.

        Parameters
        ----------
        x : amaranth Value
            Shaped by `input`.
        p : view of `word`
            Parameters at run time.

        Returns
        -------
        list of Addend, int
        """

    def shared_addends(
        self, x: Value, words: Sequence[data.View]
    ) -> list[tuple[list[Addend], int]]:
        """`addends` of one input for up to `shared_by` outputs: a list, an entry a word.

        Each entry owes the same constants as `addends` alone, and all have values of the same shapes.
        """
        return [self.addends(x, p) for p in words]

    def remainder_addends(self, p: data.View) -> tuple[list[Addend], int]:
        """Addends of a term that depend on the parameters only, and a constant."""
        return [], 0

    def remainder(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """The same in numpy: what the bias must hold where :meth:`remainder_addends` is not built."""
        return np.zeros(np.shape(next(iter(arrays.values()))), dtype=np.int64)

    @abstractmethod
    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        """All of a term whose parameters are the integers `values`: list of Addend, and int."""

    @abstractmethod
    def active(self, x: Value, p: data.View) -> Value:
        """One bit; when it is 0 the term is 0."""
