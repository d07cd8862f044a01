"""The interface between rules and the architectures that add up their terms.

A *rule* says what a synapse computes: an input x and a parameter p give an integer term t(x, p). Each rule has a file
in :mod:`tnhw.synapse.rules`, which defines the term in numpy and in gates. An architecture uses nothing but the
methods below, and never asks for a rule's name.

In gates, a term is a sum of *addends*, which are cheap values with integer weights, and a *remainder*, which depends
on the parameter alone. If parameters are known before the hardware runs, the remainder is added to the bias and takes
no gates.
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
    """A value in gates that is part of a term with an integer weight.

    Attributes
    ----------
    value : amaranth Value
        Signed or unsigned, as its shape says.
    weight : int
        Any integer except zero.
    high : int or None
        Largest value that occurs, if it is less than the largest of the shape.
    """

    value: Value
    weight: int = 1
    high: int | None = None


def negate_if(sign: Value, value: Value) -> Value:
    """`value`, or its bitwise inversion if the bit `sign` is set; the shape stays the same.

    As ``-v`` is ``~v + inversion(...)``, the remainder must have that constant.
    """
    flipped = value.as_unsigned() ^ sign.replicate(len(value))
    return flipped.as_signed() if value.shape().signed else flipped


def gate(enable: Value, value: Value) -> Value:
    """`value` if the bit `enable` is set, else 0; the shape stays the same."""
    gated = value.as_unsigned() & enable.replicate(len(value))
    return gated.as_signed() if value.shape().signed else gated


def at_least(a: Value, b: Value, below_top: bool = False) -> Value:
    """One bit: `a` >= `b`, for unsigned values of equal width; with `below_top` also that `b` is not all ones.

    For narrow values it is plain logic, which takes fewer cells than a carry chain.
    """
    if len(a) > MAX_LOGIC_BITS:
        return (a >= b) & ~b.all() if below_top else a >= b
    if len(a) == 1:
        return ~b if below_top else a | ~b
    more, same = _compare(a[1:], b[1:])
    low = a[0] & ~b[1:].all() if below_top else a[0]
    return more | (same & (~b[0] | low))


def ripples(a: Value, b: Value) -> Value:
    """One bit: 1 if `a` > `b`, 0 if `a` < `b`, and either if they are equal.

    It is a chain of majority gates from the lowest bit up, which has the least area in standard cells. The two values
    may have different widths and signedness.
    """
    signed = a.shape().signed or b.shape().signed
    bits = max(len(v) + (signed and not v.shape().signed) for v in (a, b))
    a, b = (
        Cat(v, (v[-1] if v.shape().signed else Const(0, 1)).replicate(bits - len(v)))
        for v in (a, b)
    )
    if signed:  # the sign bit has a negative weight, so it is inverted
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
    """Random numbers from -1 to 1, normal with deviation 1/3; their absolute values if not `signed`: float array."""
    shares = np.clip(rng.normal(0, 1 / 3, shape), -1, 1)
    return shares if signed else np.abs(shares)


def signs(shares: np.ndarray) -> np.ndarray:
    """-1 for negative numbers, 1 for all others: int64 array."""
    return np.where(shares < 0, -1, 1).astype(np.int64)


def scaled(shares: np.ndarray, low: int, high: int) -> np.ndarray:
    """Integers from `low` to `high`: `shares` times the end that is farther from 0, rounded; int64 array."""
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
        Whether a synapse has a gain e, for rules that offer one.
    form : str
        Which of the rule's equivalent gates to build.

    Attributes
    ----------
    formula : str
        The term as a formula, for pictures; they show the name if it is empty.
    typical_text : str
        How the parameters of `typical` are distributed, for reports.
    arrays : tuple of str
        Names of the parameter arrays, each of integers [outputs, inputs].
    forms : tuple of str
        Names of the equivalent gates that the rule offers.
    only_input : Format or None
        The only format of x that the rule takes, if it does not take all.
    Keys : type of Record or None
        Keys of a kernel file that belong to this rule, see `tnhw.kernel.own_keys`. Each is also a field of the rule.

    Raises
    ------
    InputError
        If the rule does not take this parameter, gain or form.
    """

    name: ClassVar[str]
    formula: ClassVar[str] = ""
    typical_text: ClassVar[str] = "normal parameters"
    arrays: ClassVar[tuple[str, ...]]
    has_parameter: ClassVar[bool] = True
    has_gain: ClassVar[bool] = False
    forms: ClassVar[tuple[str, ...]] = ()
    only_input: ClassVar[Format | None] = None
    Keys: ClassVar[type[Record] | None] = None

    input: Format
    parameter: Any = None  # a Format; None for a rule without a magnitude, see `has_parameter`
    gain: bool = False
    form: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        RULES[cls.name] = cls

    def __post_init__(self) -> None:
        if self.only_input is not None and self.input != self.only_input:
            raise InputError(
                f'rule `{self.name}` takes only `input = "{self.only_input}"`, not {self.input}'
            )
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
        """The cheapest of the rule's forms, from a fixed table; None if the rule has no forms.

        `wired` says that parameters are constants in the gates, `remainder_is_free` that no gates compute the
        remainder.
        """
        return None

    def on_cells(self) -> "Rule":
        """The same rule with gates for standard cells, which have no carry chains."""
        return self

    def in_logic(self) -> "Rule":
        """The same rule in the form that takes the least logic if terms are registered."""
        return self

    def in_blocks(self) -> "Rule":
        """The same rule in the form that makes the best use of DSP blocks if terms are registered."""
        return self

    def without_sign(self) -> "Rule":
        """The same rule without a stored sign, for inputs whose terms the architecture adds or subtracts."""
        return self

    def compact(self, arrays: Sequence[Mapping[str, np.ndarray]]) -> "Rule":
        """The same rule with shorter words that hold the given parameters, if there is one.

        Parameters
        ----------
        arrays : list of dict of arrays
            All sets of parameters that the words must hold.
        """
        return self

    def holds(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Whether words of this rule can hold these parameters."""
        return True

    def nearest(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Parameters that words of this rule can hold, near the given ones."""
        return arrays

    @property
    def multiplies(self) -> bool:
        """Whether the gates of a term contain a product of two variables."""
        return False

    @property
    def shared_by(self) -> int:
        """How many outputs can share a set of gates that computes their terms for one input."""
        return 1

    # Parameters

    @property
    @abstractmethod
    def fields(self) -> dict[str, Format]:
        """Fields of the packed parameter word of a synapse: dict of name to Format, least significant first."""

    @property
    def word(self) -> data.StructLayout:
        """Amaranth layout of the parameter word."""
        return data.StructLayout({name: field.shape for name, field in self.fields.items()})

    @property
    def word_bits(self) -> int:
        """Bits that are stored for one synapse."""
        return sum(field.bits for field in self.fields.values())

    @property
    @abstractmethod
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Allowed values of each parameter array: dict of name to (lowest, highest)."""

    def random(self, rng: np.random.Generator, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Random parameter arrays of a shape, uniform over all allowed values: dict of int64 arrays."""
        return {
            name: rng.integers(low, high, shape, dtype=np.int64, endpoint=True)
            for name, (low, high) in self.ranges.items()
        }

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        """Parameter arrays that resemble those of a trained layer; activity and power are measured with them.

        By default one draw of :func:`normal_shares` gives all arrays: an array that may be negative is `scaled` from
        it, a sign (-1 to 1) is its sign, and an array that may not be negative is scaled from its absolute value.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : tuple of int
            Outputs, inputs.
        signed : bool
            Whether parameters have both signs. They do not if the architecture fixes which terms are subtracted.

        Returns
        -------
        dict of str to int64 array
            An array for each name in `ranges`.
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
        """The format of the parameter's magnitude for which a synapse takes `bits` bits, or about so many."""
        return Format(bits, signed=True)

    @abstractmethod
    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Values of the fields of the packed word for parameter arrays: dict of name to integer array."""

    def pack(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Packed words for parameter arrays: an object array of non-negative Python integers."""
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
        """The term of each synapse in numpy: int64 array; x and the arrays are broadcast together."""

    @abstractmethod
    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        """Exact range (low, high) of a term over all x; each bound is reached.

        With `arrays`, the bounds are int64 arrays of their shape; without, integers for all parameters that a word can
        hold.
        """

    # Gates

    @abstractmethod
    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        """The part of a term that depends on x, in gates.

        Parameters
        ----------
        x : amaranth Value
            An input with the shape of `input`.
        p : view of `word`
            A parameter at run time.

        Returns
        -------
        list of Addend
        int
            Constant that must be added to them.
        """

    def shared_addends(
        self, x: Value, words: Sequence[data.View]
    ) -> list[tuple[list[Addend], int]]:
        """The `addends` of one input for up to `shared_by` outputs: a list with an entry for each word.

        Each entry needs the same constants as `addends` alone, and all have values of the same shapes.
        """
        return [self.addends(x, p) for p in words]

    def remainder_addends(self, p: data.View) -> tuple[list[Addend], int]:
        """The remainder of a term in gates: addends that depend on the parameter only, and a constant."""
        return [], 0

    def remainder(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """The remainder in numpy, int64 array: the bias must have it if :meth:`remainder_addends` is not built."""
        return np.zeros(np.shape(next(iter(arrays.values()))), dtype=np.int64)

    @abstractmethod
    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        """The whole term in gates for a parameter of integers `values`: list of Addend, and a constant."""

    @abstractmethod
    def active(self, x: Value, p: data.View) -> Value:
        """One bit, the predicate of the synapse: if it is 0, the term is 0."""
