"""Numbers on a grid: real values that are integers times a scale, and the integers that stand for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..synapse import Format

__all__ = ["Codes", "codes_of", "weights_of"]

MAX_BITS = 16
MAX_WEIGHT_BITS = 16
TOLERANCE = 1e-3  # of a step: values are float32, and steps are added up to 2^16 times


@dataclass(frozen=True)
class Codes:
    """How integers stand for real values: real = scale * code + offset.

    Attributes
    ----------
    number : Format
        Format of the codes.
    scale, offset : float
    """

    number: Format
    scale: float
    offset: float = 0.0

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Codes of real values on the grid: int64 of the same shape."""
        return np.rint((values.astype(np.float64) - self.offset) / self.scale).astype(np.int64)

    @property
    def bipolar(self) -> bool:
        """Whether they are the bits that stand for -step and +step."""
        return self.number == Format(1) and bool(np.isclose(self.offset * 2, -self.scale))


def codes_of(values: np.ndarray, zero: bool, what: str) -> Codes:
    """The codes for all real values that occur.

    Parameters
    ----------
    values : array of float
    zero : bool
        Whether 0.0 must have the code 0, as it does for the padding of a convolution.
    what : str
        Beginning of messages.

    Raises
    ------
    InputError
        If the values are not on a grid of at most 2^16 steps.
    """
    distinct = np.unique(values.astype(np.float64))
    if not np.isfinite(distinct).all():
        raise InputError(f"{what}: gives values that are not numbers")
    if len(distinct) == 1:
        (value,) = distinct
        if value == 0 or not zero:
            return Codes(Format(1), 1.0, float(value))
        return Codes(Format(1, value < 0), abs(float(value)))
    scale, low, high = _scale(distinct, what), distinct[0], distinct[-1]
    for step in (scale, scale / 2):
        ends = low / step, high / step
        whole = max(abs(end - round(end)) for end in ends) < TOLERANCE
        natural = Format.of_interval(round(ends[0]), round(ends[1])) if whole else None
        shortest = Format.of_interval(0, round((high - low) / scale))
        if natural is not None and (zero or (step == scale and natural.bits <= shortest.bits)):
            return Codes(natural, step)
        if not zero:
            return Codes(shortest, scale, float(low))
    raise InputError(f"{what}: 0 is not on the grid of its values, but padding needs it; use padding 0")


def _scale(distinct, what):
    """The step of a grid on which all values lie."""
    steps = np.diff(distinct)
    span = distinct[-1] - distinct[0]
    scale = steps[steps > span * 1e-6].min(initial=span)
    for _ in range(8):  # two steps of 2 and 3 lie on a grid of 1: as in Euclid's algorithm
        count = span / scale
        if count > 1 << MAX_BITS:
            break
        scale = span / round(count)
        rest = (distinct - distinct[0]) / scale
        rest = np.abs(rest - np.rint(rest))
        if rest.max() < TOLERANCE:
            return float(scale)
        scale = scale * rest[rest >= TOLERANCE].min()
    raise InputError(
        f"{what}: its {len(distinct)} values are not equally spaced, so no integers stand for them; put a quantiser behind it"
    )


def weights_of(values: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Integers and scales [outputs] of weights [outputs, inputs], so that weight = scale * integer.

    Raises
    ------
    InputError
        If the weights of an output are not on a grid of at most 2^16 steps.
    """
    integers = np.zeros(values.shape, np.int64)
    scales = np.ones(len(values))
    for output, row in enumerate(values.astype(np.float64)):
        levels = np.unique(np.append(np.abs(row), 0.0))
        if len(levels) == 1:
            continue
        try:
            scales[output] = scale = _scale(levels, what)
        except InputError:
            raise InputError(
                f"{what}: its weights are not integers times a scale, so they are not quantised; quantise them "
                "where the network is trained"
            ) from None
        integers[output] = np.rint(row / scale)
    # Rows that happen to use every second step only have the scale of the others.
    common = scales[np.abs(integers).max(axis=1) > 0].min(initial=np.inf)
    for output, scale in enumerate(scales):
        times = scale / common
        if np.isfinite(common) and integers[output].any() and abs(times - round(times)) < TOLERANCE:
            integers[output] *= round(times)
            scales[output] = common
    scales[~integers.any(axis=1)] = common if np.isfinite(common) else 1.0
    if np.abs(integers).max(initial=0) >= 1 << MAX_WEIGHT_BITS:
        raise InputError(f"{what}: its weights need more than {MAX_WEIGHT_BITS} bits")
    return integers, scales
