"""From real inputs to the integers of an imported network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError

__all__ = ["Encoder"]


@dataclass(frozen=True)
class Encoder:
    """An integer is `low` plus the number of steps that are at most the real input, which is a float32.

    Parameters
    ----------
    low : int
    steps : float32 array, in increasing order
    order : int array or None
        Which element of a real input each integer comes of; None if they are in the same order.
    """

    low: int
    steps: np.ndarray
    order: np.ndarray | None = None

    def encode(self, x: Any) -> np.ndarray:
        """Integers [n, inputs], int64, for real inputs x [n, ...]."""
        flat = np.asarray(x, np.float32).reshape(len(x), -1)
        flat = flat if self.order is None else flat[:, self.order]
        return self.low + np.searchsorted(self.steps, flat, side="right").astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        """For the card of a network; a float32 is exact in JSON."""
        record: dict[str, Any] = {"low": self.low, "steps": [float(step) for step in self.steps]}
        return record if self.order is None else record | {"order": self.order.tolist()}

    @classmethod
    def from_dict(cls, record: Any, inputs: int, where: str) -> Encoder:
        """The encoder of a card, for so many inputs.

        Raises
        ------
        InputError
            If the card holds something else; begins with `where`.
        """
        try:
            assert isinstance(record, Mapping)
            order = np.array(record["order"]) if "order" in record else None
            steps = np.array(record["steps"], np.float32).reshape(-1)
            assert order is None or sorted(order.tolist()) == list(range(inputs))
            return cls(int(record["low"]), steps, order)
        except (AssertionError, KeyError, TypeError, ValueError):
            raise InputError(
                f"{where}: `encoder` in its card does not say how real inputs become integers; import the network again, or "
                "give integers"
            ) from None
