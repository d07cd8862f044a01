"""The layers of a graph, as they are found one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .grids import Codes
from .stairs import Stairs

__all__ = ["INPUT", "Spec"]

INPUT = -1


@dataclass(frozen=True)
class Spec:
    """A layer as the graph has it.

    Attributes
    ----------
    keys, arrays : dict
        As a network takes them, for a layer that reads its sources side by side and nothing else.
    sources : tuple of int
        Numbers of the layers whose results it reads; INPUT is the network's input.
    size : (int, int) or None
        Height and width of its result; None for a vector.
    tensor : str
        The tensor of the graph for which its results stand; "" for one between two layers of a node.
    order : int array
        For each element of the tensor in raster order, which result stands for it.
    codes : Codes or None
        How results stand for values; None for the last layer, if it gives sums.
    stairs : Stairs or None
        Where the codes change; None for sums that are codes themselves.
    low, high : int array [outputs]
        Ends of its sums.
    text : str
        How messages call it.
    rank : int
        Axes of the tensor.
    line : (float array, float array) or None
        Of sums that are the result of the network; see `Place`.
    """

    keys: dict[str, Any]
    arrays: dict[str, np.ndarray]
    sources: tuple[int, ...]
    size: tuple[int, int] | None
    tensor: str
    order: np.ndarray
    codes: Codes | None
    stairs: Stairs | None
    low: np.ndarray
    high: np.ndarray
    text: str
    rank: int
    line: tuple[np.ndarray, np.ndarray] | None = None

    def equals(self, other: Spec) -> bool:
        """Whether it computes the same results of the same sources."""
        names = self.arrays.keys()
        return (
            self.sources == other.sources
            and self.codes == other.codes
            and self.keys | {"name": ""} == other.keys | {"name": ""}
            and names == other.arrays.keys()
            and all(np.array_equal(self.arrays[name], other.arrays[name]) for name in names)
        )

    @property
    def outputs(self) -> int:
        return int(self.keys["outputs"])

    @property
    def is_threshold(self) -> bool:
        """Whether its terms are not products, so that it cannot share a layer with others that have these."""
        return "theta" in self.arrays
