"""Integer number formats."""

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..errors import InputError

if TYPE_CHECKING:
    from amaranth.hdl import Shape

__all__ = ["Format"]

MAX_BITS = 64


@dataclass(frozen=True)
class Format:
    """An integer number format: bits and signedness, written ``u4`` or ``s8``.

    If the numbers have a scale, the user keeps track of it; nothing in tnhw depends on it.

    Parameters
    ----------
    bits : int
        Width in bits, 1 to 64.
    signed : bool
        Two's complement when true, else unsigned.

    Raises
    ------
    InputError
        If `bits` is not in range.
    """

    bits: int
    signed: bool = False

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "bits", _integer(self.bits))
        except TypeError:
            raise InputError(
                f"the width of a format must be an integer, not {self.bits!r}"
            ) from None
        if not 1 <= self.bits <= MAX_BITS:
            raise InputError(f"the width of a format must be 1 to {MAX_BITS} bits, not {self.bits}")

    @classmethod
    def parse(cls, text: object) -> Self:
        """The format that a text such as ``"u4"`` or ``"s8"`` stands for; raises InputError for other values."""
        match = re.fullmatch(r"([us])([1-9][0-9]?)", text) if isinstance(text, str) else None
        if not match:
            raise InputError(
                f"a format is written `u` or `s` and a width from 1 to {MAX_BITS}, "
                f'for example "u4" or "s8", not {text!r}'
            )
        return cls(int(match[2]), match[1] == "s")

    @classmethod
    def of_interval(cls, low: int, high: int) -> Self:
        """The smallest format that holds every integer from `low` to `high`, both included."""
        if low > high:
            raise InputError(f"the interval {low} .. {high} is empty")
        if low >= 0:
            return cls(max(1, int(high).bit_length()), False)
        return cls(max(int(high), -int(low) - 1).bit_length() + 1, True)

    @property
    def min(self) -> int:
        """Smallest integer that the format holds."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest integer that the format holds."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def shape(self) -> "Shape":
        """Amaranth shape."""
        from amaranth.hdl import Shape

        return Shape(self.bits, self.signed)

    @property
    def numpy(self) -> np.dtype[Any]:
        """Smallest numpy integer type that holds the format."""
        size = next(size for size in (8, 16, 32, 64) if size >= self.bits)
        return np.dtype(f"{'int' if self.signed else 'uint'}{size}")

    def holds(self, values: npt.ArrayLike) -> bool:
        """Whether every element of an integer array lies in the format."""
        values = np.asarray(values)
        return values.size == 0 or (int(values.min()) >= self.min and int(values.max()) <= self.max)

    def clamp(self, values: npt.ArrayLike) -> np.ndarray:
        """An array of integers with each value replaced by the nearest one that the format holds."""
        values = np.asarray(values)
        if values.dtype == object:
            return np.clip(values, self.min, self.max)
        ends = np.iinfo(values.dtype)  # NumPy refuses a bound that its type does not hold
        low, high = (min(max(end, ends.min), ends.max) for end in (self.min, self.max))
        return np.clip(values, low, high)

    def encode(self, value: int) -> int:
        """Bit pattern of one integer, as a non-negative integer below ``2**bits``."""
        value = int(value)
        if not self.min <= value <= self.max:
            raise InputError(f"{value} does not fit {self} ({self.min} .. {self.max})")
        return value & ((1 << self.bits) - 1)

    def decode(self, pattern: int) -> int:
        """The integer of a bit pattern; bits above the width of the format are ignored."""
        pattern = int(pattern) & ((1 << self.bits) - 1)
        return pattern - (1 << self.bits) if self.signed and pattern >> (self.bits - 1) else pattern

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}"


def _integer(value: Any) -> int:
    """An integer of Python or NumPy as int; raises TypeError for anything else, and for booleans."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError
    return operator.index(value)
