"""Numbers on a grid: real values that are integers times a scale, and the integers that stand for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..synapse import Format

__all__ = ["Codes", "codes_of", "weights_of"]

MAX_BITS = 16
MAX_WEIGHT_BITS = 16
MAX_PARTS = 64
MAX_FOUND = (
    1 << 9
)  # steps of a grid that is found from weights alone: with more, any numbers lie on one
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
    raise InputError(
        f"{what}: 0 is not on the grid of its values, but padding needs it; use padding 0"
    )


def _scale(distinct, what):
    """The step of a grid on which all values lie."""
    steps = np.diff(distinct)
    span = distinct[-1] - distinct[0]
    least = steps[steps > span * 1e-6].min(initial=span)
    for parts in range(
        1, MAX_PARTS + 1
    ):  # steps of 2 and 3 lie on a grid of 1, half of the smallest step
        count = round(span / least * parts)
        if count >> MAX_BITS:
            break
        scale = span / count
        rest = (distinct - distinct[0]) / scale
        if np.abs(rest - np.rint(rest)).max() < TOLERANCE:
            return float(scale)
    raise InputError(
        f"{what}: its {len(distinct)} values are not equally spaced, so no integers stand for them; put a quantiser behind it"
    )


def weights_of(
    values: np.ndarray, grid: np.ndarray | None, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Integers and scales [outputs] of weights [outputs, inputs], so that weight = scale * integer.

    Parameters
    ----------
    values : float array
    grid : float array of the same shape, or None
        The scale of each weight, if a quantiser in the graph says it; otherwise it is found from the weights.
    what : str
        Beginning of messages.

    Raises
    ------
    InputError
        If the weights of an output are not on a grid of at most 2^16 steps.
    """
    values = values.astype(np.float64)
    if not np.isfinite(values).all() or (
        grid is not None and not (np.isfinite(grid) & (grid != 0)).all()
    ):
        raise InputError(f"{what}: its weights or their scales are not numbers, or a scale is 0")
    if grid is not None:
        if not np.allclose(grid, grid[:, :1], rtol=1e-6):
            raise InputError(
                f"{what}: the scale of its weights differs from input to input; only a scale for each output can be built"
            )
        scales = grid[:, 0].astype(np.float64)
    else:
        scales = np.array([_scale_of_row(row, what) for row in values])
        used = values.any(axis=1)
        common = scales[used].min(initial=np.inf)
        if np.isfinite(common):
            # A row that happens to use every second step only has the scale of the others.
            times = scales / common
            scales[(np.abs(times - np.rint(times)) < TOLERANCE) | ~used] = common
    exact = values / scales[:, None]
    integers = np.rint(exact).astype(np.int64)
    if np.abs(exact - integers).max(initial=0) > 10 * TOLERANCE:
        raise InputError(
            f"{what}: its weights are not integers times their scale: a zero point is no integer"
        )
    if np.abs(integers).max(initial=0) >= 1 << MAX_WEIGHT_BITS:
        raise InputError(f"{what}: its weights need more than {MAX_WEIGHT_BITS} bits")
    return integers, scales


def _scale_of_row(row, what):
    levels = np.unique(np.append(np.abs(row), 0.0))
    if len(levels) == 1:
        return 1.0
    try:
        scale = _scale(levels, what)
    except InputError:
        scale = None
    if scale is None or levels[-1] / scale > MAX_FOUND:
        raise InputError(
            f"{what}: its weights are not integers times a scale, so they are not quantised; train it with quantisation, or "
            "quantise it after training with `tnhw import --calibrate`"
        )
    return scale
