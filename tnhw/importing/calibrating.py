"""Quantisation after training: quantisers put into a graph of real numbers, with steps that its own values suggest.

The result is a QONNX graph, which is imported as any other. Weights have a step for each output. A step is the one, of a
few, with the least mean square error on the weights, or on the values that a tensor has for the inputs that are given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from .constants import Constants
from .graph import Graph, node_text
from .joining import JOINING
from .linear import LINEAR
from .pooling import MAX_BITS as POOL_BITS
from .tensors import PASSING, QUANTISERS, SHAPES

__all__ = ["quantised"]

INPUT_BITS = 8
MOST = 100_000  # values of a tensor from which its step is chosen
SHARES = np.linspace(0.3, 1.0, 36)  # of the largest value, for the largest code
DOMAIN = "qonnx.custom_op.general"


def quantised(graph: Graph, x: np.ndarray, bits: int) -> Any:
    """The ModelProto of a graph with quantisers before each layer and at its weights.

    Parameters
    ----------
    graph : Graph
        Without quantisers.
    x : float array [n, ...]
        Inputs like those that it will get.
    bits : int
        Of weights and of activations between layers; inputs have 8.

    Raises
    ------
    InputError
        If the graph has quantisers already, or nothing that could be quantised.
    """
    if found := [node for node in graph.nodes if node.op_type in QUANTISERS]:
        raise InputError(
            f"{graph.where}: {node_text(found[0])}: the network is quantised already: leave `--calibrate` out"
        )
    return _Calibration(graph, x, bits).model()


class _Calibration:
    def __init__(self, graph, x, bits):
        self.graph, self.bits = graph, bits
        self.known = Constants(graph)
        self.initializers: dict[str, np.ndarray] = {}
        self.nodes: list[Any] = []
        self.coded: dict[str, str] = {}  # tensors behind a quantiser, by the tensor before it
        varying = [graph.input]
        for node in graph.nodes:
            if any(name in varying for name in node.input):
                varying.append(node.output[0])
            else:
                self.known.add(node)
        self.varying = set(varying)
        names = list(dict.fromkeys(name for node in graph.nodes for name in self._read(node)))
        if not names:
            raise InputError(
                f"{graph.where}: has no matrix product and no convolution, so nothing to build"
            )
        self.values = dict(zip(names, graph.reference(x, names), strict=True))
        self.alike = [set(self._read(node)) for node in graph.nodes if self._joins(node)]

    def _joins(self, node):
        return node.op_type in JOINING and sum(name in self.varying for name in node.input) > 1

    def _read(self, node):
        """The tensors that a node must read as codes."""
        if self._joins(node):
            return [name for name in node.input if name in self.varying]
        reads = node.op_type in (*LINEAR, "MaxPool") and node.input[0] in self.varying
        return [node.input[0]] if reads else []

    def model(self):
        pooled: set[str] = set()  # what is on a grid because a pooling has taken it from there
        for node in self.graph.nodes:
            if node.output[0] not in self.varying:
                continue
            copy = type(node)()
            copy.CopyFrom(node)
            source = node.input[0]
            if node.op_type == "MaxPool" or (node.op_type in SHAPES | PASSING and source in pooled):
                pooled.add(node.output[0])
            for place, name in enumerate(node.input):
                if name in self._read(node) and name not in pooled:
                    copy.input[place] = self._coded(name, node.op_type == "MaxPool")
            if (
                node.op_type in ("Conv", "Gemm", "MatMul")
                and len(node.input) > 1
                and node.input[1] in self.known.values
            ):
                copy.input[1] = self._weights(node)
            for name in copy.input:
                if name in self.known.values:
                    self.initializers[name] = self.known.values[name]
            self.nodes.append(copy)
        return self.graph.model_of(self.nodes, self.initializers, DOMAIN)

    def _coded(self, name, pools):
        if name in self.coded:
            return self.coded[name]
        bits = min(self.bits, POOL_BITS) if pools else self.bits
        if name == self.graph.input:
            bits = INPUT_BITS
        # Tensors that are added or concatenated get the same step: then their codes are, without any weights.
        others = set().union(*(group for group in self.alike if name in group), {name})
        parts = [self._sample(other) for other in sorted(others)]
        signed = [bool((values < 0).any()) for values in parts]
        tops = [
            _top(INPUT_BITS if o == self.graph.input else bits, s)
            for o, s in zip(sorted(others), signed, strict=True)
        ]
        scale = _common_step(parts, tops, signed)
        own = signed[sorted(others).index(name)]
        self.coded[name] = self._quant(name, scale, bits, own)
        return self.coded[name]

    def _sample(self, name):
        values = self.values[name].ravel()
        return values[:: max(1, len(values) // MOST)].astype(np.float64)

    def _weights(self, node):
        weights = np.asarray(self.known.values[node.input[1]], np.float64)
        given = {a.name: self.graph.attribute(a) for a in node.attribute}
        last = node.op_type == "MatMul" or (node.op_type == "Gemm" and not given.get("transB"))
        rows = (weights.T if last else weights).reshape(weights.shape[-1 if last else 0], -1)
        scales = _step(rows, self.bits, True)
        shape = [1] * (weights.ndim - 1)
        scales = scales.reshape([*shape, -1] if last else [-1, *shape])
        return self._quant(node.input[1], scales, self.bits, True, narrow=1)

    def _quant(self, name, scale, bits, signed, narrow=0):
        made = f"{name}_quantised"
        constants = {f"{made}_scale": scale, f"{made}_zero": 0.0, f"{made}_bits": float(bits)}
        self.initializers |= {
            key: np.asarray(value, np.float32) for key, value in constants.items()
        }
        if name in self.known.values:
            self.initializers[name] = self.known.values[name]
        attributes = {"signed": int(signed), "narrow": narrow, "rounding_mode": "ROUND"}
        self.nodes.append(self.graph.node_of("Quant", [name, *constants], made, DOMAIN, attributes))
        return made


def _top(bits, signed):
    """The largest code."""
    return (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1


def _common_step(parts, tops, signed):
    """The step with the least mean square error on several tensors together."""
    largest = max(np.abs(values).max() / top for values, top in zip(parts, tops, strict=True))
    steps = (largest or 1.0) * (SHARES if len(parts) == 1 else np.geomspace(0.05, 1, 60))

    def error(step):
        return sum(
            _error(values, step, top, has_sign).mean()
            for values, top, has_sign in zip(parts, tops, signed, strict=True)
        )

    return min(steps, key=error)


def _error(values, step, top, signed):
    return (np.clip(np.rint(values / step), -top if signed else 0, top) * step - values) ** 2


def _step(rows, bits, signed):
    """For each row the step with the least mean square error: float array [rows]."""
    top = _top(bits, signed)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    largest[largest == 0] = 1.0
    best, error = largest / top, np.full(largest.shape, np.inf)
    for share in SHARES:
        step = share * largest / top
        found = _error(rows, step, top, signed).mean(axis=1, keepdims=True)
        best, error = np.where(found < error, step, best), np.minimum(found, error)
    return best[:, 0]
