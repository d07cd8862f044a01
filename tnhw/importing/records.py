"""What an import gives: the network, and how each part of the graph was understood."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..network import Network
from .encoder import Encoder
from .graph import Graph
from .grids import Codes

__all__ = ["Imported", "Place"]


@dataclass(frozen=True)
class Place:
    """The tensor of a graph for which the results of a layer stand.

    Attributes
    ----------
    tensor : str
        Its name.
    codes : Codes or None
        How they stand for its values; None for exact sums.
    order : int array
        For each element of the tensor in raster order, which result of the layer stands for it.
    unsure : int array [k, 2]
        Channel and sum of each threshold at which float32 may decide either way.
    """

    tensor: str
    codes: Codes | None
    order: np.ndarray
    unsure: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))


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
    places : list of Place
        For each layer, the tensor of the graph that its results stand for.
    order : int array
        Element k of the network's input is element order[k] of the graph's input in raster order.
    encoder : Encoder
        From real inputs to the network's integers.
    ambiguous : int
        Number of thresholds that lie so near to an integer sum that float32 may round either way.
    ends_in_class : bool
        Whether the graph's own output is the class.
    original : Graph
        The graph of the file. It is another one than `graph` if quantisers were put into it.
    """

    network: Network
    graph: Graph
    rows: list[tuple[str, str]]
    places: list[Place]
    order: np.ndarray
    encoder: Encoder
    ambiguous: int
    ends_in_class: bool
    original: Graph | None = None

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Inputs of the network, int64 [n, inputs], for inputs of the graph [n, ...]."""
        flat = np.asarray(x, np.float32).reshape(len(x), -1)[:, self.order]
        return self.encoder.encode(flat)
