"""From real inputs to the integers that a network takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..synapse import Format

__all__ = ["Encoder"]


@dataclass(frozen=True)
class Encoder:
    """An integer is `low` plus the number of steps that are at most the real input, which is a float32.

    Parameters
    ----------
    low : int
    steps : float32 array [steps] or [inputs, steps]
        In increasing order; the same for all inputs, or a row for each.
    order : int array or None
        Which element of a real input each integer comes of; None if they are in the same order.
    """

    low: int
    steps: np.ndarray
    order: np.ndarray | None = None

    def encode(self, x: Any) -> np.ndarray:
        """Integers [n, inputs], int64, for real inputs x [n, ...]."""
        with np.errstate(over="ignore"):  # what float32 does not hold is above or below all steps
            flat = np.asarray(x).astype(np.float32).reshape(len(x), math.prod(np.shape(x)[1:]))
        flat = flat if self.order is None else flat[:, self.order]
        if self.steps.ndim == 1:
            return self.low + np.searchsorted(self.steps, flat, side="right").astype(np.int64)
        counts = [np.searchsorted(*pair, side="right") for pair in zip(self.steps, flat.T, strict=True)]  # fmt: skip
        return self.low + np.stack(counts, axis=1).astype(np.int64)

    @classmethod
    def between(cls, x: Any, number: Format, *, each: bool = False) -> Encoder:
        """Steps of equal size between the smallest and the largest of some real inputs, for all codes of a format.

        Parameters
        ----------
        x : float array [n, ...]
        number : Format
            The smallest input has the code `number.min`, the largest one `number.max`.
        each : bool
            Whether every input has ends of its own. Where these are equal, they have the lowest code, and all that is larger
            the highest.

        Raises
        ------
        ValueError
            If all numbers are the same, or one is too large for float32.
        """
        flat = np.asarray(x, np.float64).reshape(len(x), -1)
        low, high = flat.min(axis=0), flat.max(axis=0)
        if not each:
            low, high = low.min(keepdims=True), high.max(keepdims=True)
        if max(-low.min(), high.max()) > np.finfo(np.float32).max:
            raise ValueError("it holds a number that float32 does not hold")
        if (low == high).all():
            raise ValueError("it is the same in all rows of the training part")
        shares = np.arange(1, number.max - number.min + 1) / (number.max - number.min + 1)
        steps = (low[:, None] + (high - low)[:, None] * shares).astype(np.float32)
        above = np.nextafter(low.astype(np.float32), np.float32(np.inf))
        steps = np.where((low == high)[:, None], above[:, None], steps)
        return cls(number.min, steps if each else steps[0])

    def to_dict(self) -> dict[str, Any]:
        """For the card of a network; a float32 is exact in JSON."""
        record: dict[str, Any] = {"low": self.low, "steps": self.steps.tolist()}
        return record if self.order is None else record | {"order": self.order.tolist()}

    @classmethod
    def of_card(cls, card: Mapping[str, Any], inputs: int, where: str) -> Encoder | None:
        """The encoder of a network's card, or None if it has none; errors as for `from_dict`."""
        return cls.from_dict(card["encoder"], inputs, where) if "encoder" in card else None

    @classmethod
    def from_dict(cls, record: Any, inputs: int, where: str) -> Encoder:
        """The encoder that `to_dict` made a record of, for so many inputs.

        Raises
        ------
        InputError
            If the card holds something else; begins with `where`.
        """
        try:
            assert isinstance(record, Mapping)
            order = np.array(record["order"]) if "order" in record else None
            steps = np.array(record["steps"], np.float32)
            assert steps.ndim == 1 or (steps.ndim == 2 and len(steps) == inputs)
            assert (np.diff(steps) >= 0).all()
            assert order is None or sorted(order.tolist()) == list(range(inputs))
            return cls(int(record["low"]), steps, order)
        except (AssertionError, KeyError, TypeError, ValueError):
            raise InputError(
                f"{where}: `encoder` in its card does not say how real inputs become integers; import or train the network again, or "
                "give integers"
            ) from None
