"""Tensors of a graph that do not depend on its input, and the grids on which quantisers put them."""

from __future__ import annotations

import numpy as np

from .graph import Graph, Node
from .tensors import PASSING, QUANTISERS, SHAPES

__all__ = ["Constants"]


class Constants:
    """Constants by name.

    Attributes
    ----------
    values : dict of str to array
    grids : dict of str to float array
        For constants behind a quantiser, the scale of each value.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.values = dict(graph.constants)
        self.grids: dict[str, np.ndarray] = {}

    def add(self, node: Node) -> None:
        """Compute a node that reads constants only, and note the scale of each of its values if it is a quantiser."""
        value = self._graph.run(node, self.values)
        self.values[node.output[0]] = value
        source = node.input[0] if node.input else ""
        if node.op_type in QUANTISERS:
            scale = np.asarray(self.values[node.input[1]], np.float64)
            if (
                scale.ndim == 1
                and scale.size > 1
                and value.ndim > 1
                and node.op_type == "DequantizeLinear"
            ):
                axis = {a.name: a.i for a in node.attribute}.get("axis", 1) % value.ndim
                scale = scale.reshape([-1 if k == axis else 1 for k in range(value.ndim)])
            if scale.ndim <= value.ndim and all(
                a in (1, b) for a, b in zip(scale.shape[::-1], value.shape[::-1], strict=False)
            ):
                self.grids[node.output[0]] = np.broadcast_to(scale, value.shape)
        elif source in self.grids and node.op_type in SHAPES | PASSING:
            values = {name: self.values[name] for name in node.input if name}
            values[source] = np.ascontiguousarray(self.grids[source], np.float32)
            self.grids[node.output[0]] = self._graph.run(node, values).astype(np.float64)
