"""Where the results of a row of elementwise nodes change, as an integer sum behind it climbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..synapse import Format
from .grids import Codes

__all__ = ["ARRAYS", "Stairs", "find", "most_at_once", "scaled", "stage", "steps_of"]

ALL = 1 << 22  # values that are computed at first: all sums, if these are fewer
MAX_SHIFT = 30
ARRAYS = ("steps", "falling", "multiplier", "offset")  # of the stages behind sums
LINES_FROM = 5  # bits of codes from which a multiplier costs less than a staircase
EPSILON = 2.0**-22  # of the largest sum: more than float32 loses in adding up

Function = Callable[[np.ndarray], np.ndarray]  # float64 [n, channels] to float [n, channels]


@dataclass(frozen=True)
class Stairs:
    """The steps of each channel.

    Attributes
    ----------
    low, high : int
        The lowest and the highest sum.
    first : float array [channels]
        Values at the lowest sum.
    steps : list of (int array, float array)
        For each channel, the sums at which the value changes, in order, and the values from there on.
    unsure : int array [k, 3]
        Channel and sum of each step that lies so near to the sum that float32 may round either way, and how many sums on
        each side of it that concerns.
    """

    low: int
    high: int
    first: np.ndarray
    steps: list[tuple[np.ndarray, np.ndarray]]
    unsure: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """All values that occur."""
        return np.concatenate([self.first, *(values for _, values in self.steps)])


def most_at_once(channels: int) -> int:
    """Sums of a channel up to which each one is tried."""
    return max(1 << 12, ALL // channels)


def find(
    function: Function, low: int, high: int, channels: int, error: np.ndarray, what: str
) -> Stairs:
    """The steps of a function of sums from `low` to `high`, which must not turn back.

    Parameters
    ----------
    function : callable
        Takes sums z, float64 [n, channels]. They are integers, or `error` beside one.
    error : float array [channels]
        By how much float32 may be wrong, in units of z.
    what : str
        Beginning of messages.

    Raises
    ------
    InputError
        If a channel turns back: it rises in one place and falls in another.
    """
    span = high - low
    most = most_at_once(channels)
    start = np.unique(np.linspace(low, high, min(span, most) + 1).round().astype(np.int64))
    values = function(np.repeat(start[:, None], channels, axis=1).astype(np.float64))
    _check_direction(values, start, what)
    # Intervals at whose ends a channel has different values, halved until they are one step wide.
    at, channel = np.nonzero(values[1:] != values[:-1])
    left, right = start[at], start[at + 1]
    before, after = values[at, channel], values[at + 1, channel]
    done: list[tuple[np.ndarray, ...]] = []
    while len(left):
        ready = right - left == 1
        done.append((channel[ready], right[ready], after[ready]))
        left, right, channel = left[~ready], right[~ready], channel[~ready]
        before, after = before[~ready], after[~ready]
        if not len(left):
            break
        middle = (left + right) // 2
        found = _at(function, middle.astype(np.float64), channel, channels)
        lower, upper = found != before, found != after
        left, right, channel, before, after = (
            np.concatenate(pair)
            for pair in (
                (left[lower], middle[upper]), (middle[lower], right[upper]),
                (channel[lower], channel[upper]), (before[lower], found[upper]),
                (found[lower], after[upper]),
            )
        )  # fmt: skip
    empty = np.zeros(0, np.int64)
    channel, place, value = (
        (np.concatenate(parts) for parts in zip(*done, strict=True)) if done else (empty,) * 3
    )
    steps = []
    for own in range(channels):
        mine = channel == own
        order = np.argsort(place[mine], kind="stable")
        steps.append((place[mine][order], value[mine][order]))
    unsure = np.zeros((0, 3), np.int64)
    if len(place):
        e = error[channel]
        above = _at(function, place - e, channel, channels) == value
        below = _at(function, place - 1 + e, channel, channels) == value
        # An error moves the step if the value is not there yet just below its sum, or is there just above the one before.
        moved = ~above | below
        reach = np.maximum(1, np.ceil(e)).astype(np.int64)
        unsure = np.stack([channel[moved], place[moved], reach[moved]], axis=1)
    return Stairs(low, high, values[0], steps, unsure)


def _at(function, z, channel, channels):
    """Values of single sums, each of one channel."""
    counts = np.bincount(channel, minlength=channels)
    table = np.zeros((max(1, counts.max(initial=0)), channels))
    order = np.argsort(channel, kind="stable")
    row = np.arange(len(channel)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[row, channel[order]] = z[order]
    result = np.empty(len(channel), np.float64)
    result[order] = function(table)[row, channel[order]]
    return result


def _check_direction(values, sums, what):
    change = np.diff(values, axis=0)
    turns = (change > 0).any(axis=0) & (change < 0).any(axis=0)
    if turns.any():
        channel = int(np.argmax(turns))
        rises = np.nonzero(change[:, channel] > 0)[0][0]
        falls = np.nonzero(change[:, channel] < 0)[0][0]
        raise InputError(
            f"{what}: output {channel} rises at a sum of {sums[rises + 1]} and falls at {sums[falls + 1]}; only functions that "
            "never turn back can be built of thresholds"
        )


def steps_of(stairs: Stairs, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Arrays `steps` [channels, 2^bits - 1] and `falling` [channels] of a staircase; see `tnhw.network.requantisers`."""
    number = codes.number
    count = (1 << number.bits) - 1
    steps = np.full((len(stairs.steps), count), stairs.high + 1, np.int64)
    falling = np.zeros(len(stairs.steps), np.int64)
    for channel, (places, values) in enumerate(stairs.steps):
        first = int(codes.encode(stairs.first[channel : channel + 1])[0])
        reached = codes.encode(values)
        falling[channel] = falls = int(len(reached) > 0 and reached[-1] < first)
        if falls:
            first, reached = number.max - first, number.max - reached
        else:
            first, reached = first - number.min, reached - number.min
        steps[channel, :first] = stairs.low
        for place, upto in zip(places, reached, strict=True):
            steps[channel, first:upto] = place
            first = upto
    return steps, falling


def stage(
    steps: np.ndarray,
    falling: np.ndarray,
    low: int | np.ndarray,
    high: int | np.ndarray,
    number: Format,
) -> tuple[dict[str, Any], dict[str, np.ndarray], str]:
    """Keys and arrays of the stage behind sums whose results have the given steps, and a text: a line for each channel if the
    steps are many and lie on lines, or else a staircase."""
    line = scaled(steps, falling, low, high) if number.bits >= LINES_FROM else None
    if line is not None:
        shift, multiplier, offset = line
        keys = {"output": str(number), "requantise": "scale", "shift": shift}
        arrays = {"multiplier": multiplier, "offset": offset + (number.min << shift)}
        return keys, arrays, f"multiplier and offset for each channel, to {number}"
    count = steps.shape[1]
    text = f"{count} threshold{'s' * (count > 1)} for each channel, to {number}"
    arrays = {"steps": steps} | ({"falling": falling} if falling.any() else {})
    return {"output": str(number), "requantise": "staircase"}, arrays, text


def scaled(
    steps: np.ndarray, falling: np.ndarray, low: int | np.ndarray, high: int | np.ndarray
) -> tuple[int, np.ndarray, np.ndarray] | None:
    """A shift, multipliers and offsets that have exactly the given steps, or None if there are none.

    The result counts from 0: it is clamp((multiplier * z + offset) >> shift).
    """
    ends = np.broadcast_to(np.stack([low, high], axis=-1), (len(steps), 2)).tolist()
    slopes = [_slopes(row, *pair) for row, pair in zip(steps, ends, strict=True)]
    for shift in range(4, MAX_SHIFT + 1):
        unit, found = 1 << shift, []
        for (least, most), row, falls, pair in zip(slopes, steps, falling, ends, strict=True):
            # Of the integers between the ends, the middle one is the safest.
            slope = round((least + min(most, least + 1)) / 2 * unit)
            if not least * unit < slope < most * unit or slope >= 1 << 31:
                break
            reached, missing = _bounds(row, *pair)
            offset = int(max(k * unit - slope * t for k, t in reached))
            if any(slope * (t - 1) + offset >= k * unit for k, t in missing):
                break
            # count - floor(a / unit) = floor((count * unit + unit - 1 - a) / unit)
            count = len(row)
            found.append((-slope, count * unit + unit - 1 - offset) if falls else (slope, offset))
        else:
            return shift, np.array([m for m, _ in found]), np.array([o for _, o in found])
    return None


def _bounds(row, low, high):
    """Pairs (k, t): at a sum of t the count is k or more; and pairs: at a sum of t - 1 it is less than k."""
    steps = row.tolist()
    inside = [(k + 1, step) for k, step in enumerate(steps) if low < step <= high]
    first, last = sum(step <= low for step in steps), sum(step <= high for step in steps)
    reached = [*inside, (first, low)] if first else inside
    missing = [*inside, (last + 1, high + 1)] if last < len(steps) else inside
    return reached or [(0, low)], missing or [(len(steps) + 1, high + 1)]


def _slopes(row, low, high):
    """The ends between which the slope of a line must be that has these steps: at least 0, in counts for a sum."""
    reached, missing = (np.array(pairs, float) for pairs in _bounds(row, low, high))
    rise = reached[:, None, 0] - missing[None, :, 0]
    run = reached[:, None, 1] - missing[None, :, 1] + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = rise / run
    least = max(0.0, float(slope[run > 0].max(initial=0.0)))
    most = float(slope[run < 0].min(initial=np.inf))
    return (least, most) if not (rise[run == 0] >= 0).any() else (1.0, 0.0)
