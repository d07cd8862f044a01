"""From the exact sums of a layer to its results: what happens at each output channel behind the sum.

A layer names one of them by its key ``requantise``. ``shift`` rounds, shifts and clamps all channels in the same way.
``staircase`` compares a sum with the thresholds of its channel; any chain of scales, normalisations, biases, clips and
quantisers that never turns back is such a staircase, exactly. ``scale`` multiplies each channel by an integer of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import InputError
from ..gates.engine.results import Plan, ScalePlan, ShiftPlan, StaircasePlan
from ..kernel import Kernel
from ..kernel.parameters import fixed
from ..support.config import ByContent, content
from ..synapse import Format

if TYPE_CHECKING:
    from .layer import LayerKeys

__all__ = ["REQUANTISERS", "Requantiser", "Scale", "Shift", "Staircase"]

REQUANTISERS: dict[str, type[Requantiser]] = {}

MAX_STEP_BITS = 8
MULTIPLIER = Format(32, signed=True)
OFFSET = Format(62, signed=True)


class Requantiser(ByContent, ABC):
    """What a layer does with its exact sums z.

    Parameters
    ----------
    keys : LayerKeys
    kernel : Kernel
        The kernel of the layer. It gives exact sums, except with `Shift`, where it requantises them itself.
    arrays : dict of arrays
        The arrays named in `names`; those in `optional` may be missing.

    Attributes
    ----------
    format : Format
        Format of a result.
    arrays : dict of int64 arrays
        Its arrays, with those that were missing; they cannot be written to.

    Raises
    ------
    InputError
        If keys and arrays do not go together.
    """

    name: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()

    format: Format
    arrays: dict[str, np.ndarray]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REQUANTISERS[cls.name] = cls

    def __init__(self, keys: LayerKeys, kernel: Kernel, arrays: Mapping[str, Any]) -> None:
        self.keys, self.kernel = keys, kernel
        for name in self.names:
            if name not in arrays and name not in self.optional:
                raise InputError(f"the array `{name}` is missing: `{self.name}` needs it")
        self.arrays = {
            name: fixed(np.asarray(array)) for name, array in self._checked(arrays).items()
        }

    def _array(
        self, arrays: Mapping[str, Any], name: str, shape: tuple[int, ...], low: int, high: int
    ) -> np.ndarray:
        """One array as int64, after checks of its type, its shape and its range."""
        array = np.asarray(arrays[name])
        if array.dtype.kind not in "iu":
            raise InputError(f"`{name}` must be integers, not {array.dtype}")
        if array.shape != shape:
            raise InputError(f"`{name}` must have the shape {shape}, not {array.shape}")
        if array.size and not low <= int(array.min()) <= int(array.max()) <= high:
            raise InputError(
                f"`{name}` must lie in {low} .. {high}, but holds {array.min()} .. {array.max()}"
            )
        return array.astype(np.int64)

    @abstractmethod
    def _checked(self, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Check the arrays, set `format`, and return the arrays as int64."""

    @abstractmethod
    def golden(self, z: np.ndarray) -> np.ndarray:
        """Results y for exact sums z, int64 [..., outputs]: int64 of the same shape."""

    @abstractmethod
    def plan(self, kernel: Kernel) -> Plan:
        """The same for the gates; `kernel` has the formats of the sums, which may be those of any parameters."""

    @property
    def text(self) -> str:
        """What it does, in a few words for pictures."""
        return self.name

    @property
    def _content(self):
        return content((self.name, str(self.format), self.arrays))


class Shift(Requantiser):
    """y = clamp((z + half) >> shift), the same for all channels; without `output`, y = z."""

    name = "shift"

    def _checked(self, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
        self.format = self.kernel.output_format
        return {}

    def golden(self, z: np.ndarray) -> np.ndarray:
        return self.kernel.requantise(z)

    def plan(self, kernel: Kernel) -> Plan:
        clamps = kernel.output is not None
        return ShiftPlan(kernel.output_format, kernel.outputs, kernel.shift, clamps)

    @property
    def text(self) -> str:
        kernel = self.kernel
        if kernel.output is None:
            return "no requantisation"
        return f"requantise >> {kernel.shift} to {kernel.output}"


class Staircase(Requantiser):
    """y = min + the number of the channel's steps that are at most z; a falling channel counts down from max.

    ``steps`` is [outputs, 2^bits - 1], each row in increasing order, for an `output` of `bits` bits; equal steps leave
    out codes. ``falling`` is [outputs], 0 or 1, and 0 everywhere if it is missing. A step outside the sums that a
    channel can have is moved to their end, which changes no result.
    """

    name = "staircase"
    names = ("steps", "falling")
    optional = ("falling",)

    def _checked(self, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
        keys = self.keys
        if keys.output is None:
            raise InputError("a staircase needs `output`, the format of its results")
        if keys.output.bits > MAX_STEP_BITS:
            raise InputError(
                f"the `output` of a staircase must have at most {MAX_STEP_BITS} bits, not {keys.output}: "
                'it has a threshold for each code; use `requantise = "scale"`'
            )
        if keys.shift:
            raise InputError("a staircase has no `shift`: leave it out")
        self.format = keys.output
        low, high = self.kernel.sum_interval
        count = (1 << keys.output.bits) - 1
        end = 1 << 62
        steps = self._array(arrays, "steps", (keys.outputs, count), -end, end)
        if (np.diff(steps, axis=1) < 0).any():
            worst = int(np.nonzero((np.diff(steps, axis=1) < 0).any(axis=1))[0][0])
            raise InputError(
                f"`steps` must be in increasing order, but those of output {worst} are not"
            )
        falling = arrays.get("falling", np.zeros(keys.outputs, np.int64))
        falling = self._array({"falling": falling}, "falling", (keys.outputs,), 0, 1)
        return {"steps": np.clip(steps, low, high + 1), "falling": falling}

    @property
    def step_format(self) -> Format:
        """Format of a step: it holds every sum and the next integer."""
        low, high = self.kernel.sum_interval
        return Format.of_interval(low, high + 1)

    def golden(self, z: np.ndarray) -> np.ndarray:
        steps, falling = self.arrays["steps"], self.arrays["falling"]
        flat = z.reshape(-1, z.shape[-1])
        count = np.empty_like(flat)
        for channel, own in enumerate(steps):
            count[:, channel] = np.searchsorted(own, flat[:, channel], side="right")
        rising = self.format.min + count
        return np.where(falling == 1, self.format.max - count, rising).reshape(z.shape)

    def plan(self, kernel: Kernel) -> Plan:
        steps, falling = self.arrays["steps"].tolist(), self.arrays["falling"].tolist()
        return StaircasePlan(
            self.format, kernel.outputs, self.step_format, tuple(map(tuple, steps)), tuple(falling)
        )

    @property
    def text(self) -> str:
        return f"staircase of {self.arrays['steps'].shape[1]} thresholds to {self.format}"


class Scale(Requantiser):
    """y = clamp((multiplier * z + offset) >> shift); without `output`, the exact multiplier * z + offset.

    ``multiplier`` and ``offset`` are [outputs]; no rounding constant is added, as the offset can have it.
    """

    name = "scale"
    names = ("multiplier", "offset")

    def _checked(self, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
        keys, shape = self.keys, (self.keys.outputs,)
        if keys.shift < 0 or (keys.shift and keys.output is None):
            raise InputError("the `shift` of a scale is 0 or more, and 0 without `output`")
        multiplier = self._array(arrays, "multiplier", shape, MULTIPLIER.min + 1, MULTIPLIER.max)
        offset = self._array(arrays, "offset", shape, OFFSET.min, OFFSET.max)
        low, high = self.kernel.sum_interval
        ends = [
            int(m) * end + int(o)
            for m, o in zip(multiplier, offset, strict=True)
            for end in (low, high)
        ]
        self.scaled_format = Format.of_interval(min(ends), max(ends))
        if self.scaled_format.bits > 62:
            raise InputError(
                f"the scaled sums need {self.scaled_format.bits} bits, more than the 62 of the golden "
                "model; use a smaller multiplier"
            )
        self.format = keys.output or self.scaled_format
        return {"multiplier": multiplier, "offset": offset}

    def golden(self, z: np.ndarray) -> np.ndarray:
        scaled = z * self.arrays["multiplier"] + self.arrays["offset"]
        if self.keys.output is None:
            return scaled
        return self.format.clamp(scaled >> self.keys.shift)

    def plan(self, kernel: Kernel) -> Plan:
        constants = (tuple(self.arrays[name].tolist()) for name in self.names)
        clamps = self.keys.output is not None
        return ScalePlan(
            self.format, kernel.outputs, self.keys.shift, clamps, self.scaled_format, *constants
        )

    @property
    def text(self) -> str:
        return f"scale of each channel, >> {self.keys.shift} to {self.format}"
