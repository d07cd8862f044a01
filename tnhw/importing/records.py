"""What an import gives: the network, and how each part of the graph was understood."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..data.encoding import Encoder
from ..network import Network
from .graph import Graph
from .grids import Codes

__all__ = ["Imported", "Place"]


@dataclass(frozen=True)
class Place:
    """A tensor of a graph, for which results of a layer stand.

    Attributes
    ----------
    tensor : str
        Its name; "" for results between two layers of one node.
    codes : Codes or None
        How they stand for its values; None for exact sums.
    order : int array
        For each element of the tensor in raster order, which result of the layer stands for it.
    unsure : int array [k, 3]
        Channel and sum of each threshold at which float32 may decide either way, and how many sums on each side of it that
        concerns.
    line : (float array, float array) or None
        For exact sums of a vector: slope and offset of each channel, which make its values of them.
    """

    tensor: str
    codes: Codes | None
    order: np.ndarray
    unsure: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    line: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Imported:
    """A network and how it was understood.

    Attributes
    ----------
    network : Network
    graph : Graph
        The graph that it was made of; `reference` computes it.
    rows : list of (str, str)
        Each node, and what it became.
    places : list of list of Place
        For each layer, the tensors of the graph that its results stand for.
    encoder : Encoder
        From real inputs to the network's integers.
    values : float array or None
        The only real inputs that are meant, if the user has named them.
    ends_in_class : bool
        Whether the graph's own output is the class.
    original : Graph
        The graph of the file. It is another one than `graph` if quantisers were put into it.
    """

    network: Network
    graph: Graph
    rows: list[tuple[str, str]]
    places: list[list[Place]]
    encoder: Encoder
    values: np.ndarray | None
    ends_in_class: bool
    original: Graph | None = None

    @property
    def ambiguous(self) -> int:
        """Number of thresholds that lie so near to an integer sum that float32 may round either way."""
        return sum(len(place.unsure) for layer in self.places for place in layer)

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Inputs of the network, int64 [n, inputs], for inputs of the graph [n, ...]."""
        return self.encoder.encode(x)
