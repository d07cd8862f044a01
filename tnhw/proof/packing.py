"""States as rows of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Packing"]


@dataclass(frozen=True)
class Packing:
    """Named numbers packed into rows of 64-bit words, one row for each state.

    Parameters
    ----------
    widths : dict of any name to int
        Bits of each number.
    """

    widths: dict[Any, int]

    def _places(self) -> Iterator[tuple[Any, int, int, int]]:
        word, low = 0, 0
        for name, width in self.widths.items():
            if low + width > 63:
                word, low = word + 1, 0
            yield name, word, low, width
            low += width

    def pack(self, values: Mapping[Any, np.ndarray]) -> np.ndarray:
        """Rows, int64 [states, words], of a dict of arrays [states]."""
        places = [*self._places()]
        words = np.zeros((len(next(iter(values.values()))), 1 + places[-1][1]), np.int64)
        for name, word, low, _ in places:
            words[:, word] |= values[name] << low
        return words

    def unpack(self, rows: np.ndarray) -> dict[Any, np.ndarray]:
        """The dict of arrays of rows; the inverse of `pack`."""
        return {
            name: (rows[:, word] >> low) & ((1 << width) - 1)
            for name, word, low, width in self._places()
        }
