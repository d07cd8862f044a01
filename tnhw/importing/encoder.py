"""From real inputs to the integers of a network: where the quantiser at the input of a graph changes its result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data.encoding import Encoder
from ..errors import InputError
from ..synapse import Format
from .grids import Codes, codes_of

__all__ = ["find_encoder", "given_codes"]

MAX_STEPS = 1 << 10
_SIZES = np.geomspace(1e-6, 1e6, 2001, dtype=np.float32)
_SAMPLES = np.concatenate([-_SIZES, _SIZES, np.linspace(-16, 16, 4001, dtype=np.float32)])
MAX_INPUT_BITS = 16


def find_encoder(function: Callable, zero: bool, what: str) -> tuple[Codes, Encoder]:
    """The codes and the encoder of a rising function of each real input, by bisection over all float32.

    Raises
    ------
    InputError
        If the function falls, has more than 2^10 steps, or its values are not on a grid.
    """
    low, high = _index(np.float32(-3e38)), _index(np.float32(3e38))
    left, right = np.array([low]), np.array([high])
    before, after = _values(function, left), _values(function, right)
    first, steps, values = before[0], [], []
    if before[0] > after[0]:
        raise InputError(f"{what}: falls as the input rises, which cannot be built")
    seen = _values(function, np.unique(np.array([_index(value) for value in _SAMPLES])))
    if (np.diff(seen) < 0).any():
        raise InputError(f"{what}: rises and falls as the input rises, which cannot be built")
    while len(left):
        keep = before != after
        left, right, before, after = left[keep], right[keep], before[keep], after[keep]
        ready = right - left == 1
        steps += right[ready].tolist()
        values += after[ready].tolist()
        left, right, before, after = left[~ready], right[~ready], before[~ready], after[~ready]
        if len(left) > MAX_STEPS:
            raise InputError(
                f"{what}: has more than {MAX_STEPS} steps, so the input is not quantised to 8 bits"
            )
        middle = (left + right) // 2
        found = _values(function, middle) if len(middle) else np.zeros(0)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        before, after = np.concatenate([before, found]), np.concatenate([found, after])
    order = np.argsort(steps)
    places = np.array(steps, np.int64)[order]
    reached = np.array([first, *np.array(values)[order]])
    if (np.diff(reached) < 0).any():
        raise InputError(f"{what}: rises and falls as the input rises, which cannot be built")
    codes = codes_of(reached, zero, what)
    number = codes.encode(reached)
    thresholds = _floats(places)
    steps_of_codes = np.repeat(thresholds, np.diff(number))
    return codes, Encoder(int(number[0]), steps_of_codes)


def _index(value):
    """A float32 as an integer in the same order."""
    bits = int(np.float32(value).view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def _floats(index):
    index = np.asarray(index, np.int64)
    return np.where(index >= 0, index, (-index) | (1 << 31)).astype(np.uint32).view(np.float32)


def _values(function, index):
    with np.errstate(all="ignore"):
        return function(_floats(index)[:, None]).astype(np.float64).ravel()


def given_codes(
    function: Callable, given: str, zero: bool, what: str
) -> tuple[Codes, Encoder, np.ndarray]:
    """An input that a graph does not quantise, in the format and scale that the user gives.

    Returns its codes, its encoder, which takes the nearest integer, and the real numbers that the integers stand for.

    Parameters
    ----------
    function : callable
        What the graph makes of a real input [n, 1] before its first linear node.
    given : str
        A format, perhaps with a scale, or ``bipolar``.
    zero : bool
        Whether the code 0 must stand for 0.0.
    what : str
        Beginning of messages.

    Raises
    ------
    InputError
        If the format is not valid, or the function is not a rising line.
    """
    text, _, scale = given.partition(":")
    try:
        step = float(scale or 1)
    except ValueError:
        step = 0.0
    if not 0 < step < float("inf"):
        raise InputError(
            f'`input` is a format, perhaps with a scale, as "u8" or "s8:0.0625", not {given!r}'
        )
    bipolar = text == "bipolar"
    number = Format(1) if bipolar else Format.parse(text)
    if number.bits > MAX_INPUT_BITS:
        raise InputError(f"`input` must have at most {MAX_INPUT_BITS} bits, not {number}")
    integers = np.arange(number.min, number.max + 1)
    values = ((2 * integers - 1 if bipolar else integers) * step).astype(np.float32)
    real = function(values[:, None]).astype(np.float64).ravel()
    slope = (real[-1] - real[0]) / (len(real) - 1)
    offset = real[0] - slope * number.min
    error = np.abs(slope * integers + offset - real).max()
    if slope <= 0 or error > 1e-5 * np.abs(real).max():
        raise InputError(f"{what}: what it makes of the integers {number} is not a rising line")
    offset = 0.0 if abs(offset) < 1e-6 * slope else float(offset)
    if zero and offset:
        raise InputError(
            f"{what}: the integer 0 does not stand for 0.0, as padding needs; use padding 0"
        )
    middles = (values[1:].astype(np.float64) + values[:-1]) / 2
    encoder = Encoder(number.min, middles.astype(np.float32))
    return Codes(number, float(slope), offset), encoder, values
