"""Linear nodes, and poolings that take means: their weights as those of a layer, and what its sums stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..synapse import Format
from . import stairs
from .graph import Graph, Node, node_text
from .grids import weights_of
from .tensors import Held

__all__ = ["LINEAR", "Linear", "Sums", "float_error", "linear_of", "sums_of", "window_of"]

LINEAR = ("MatMul", "Gemm", "Conv", "AveragePool", "GlobalAveragePool")


@dataclass(frozen=True)
class Linear:
    """A dense layer, or a convolution.

    Attributes
    ----------
    keys : dict
        Those of a layer that say how its window moves.
    weights : float array
        [outputs, inputs], or [outputs, height, width, channels].
    grid : float array of the same shape, or None
        The scale of each weight, if a quantiser in the graph says it.
    bias : float array [outputs]
    size : (int, int) or None
        Height and width of the result of a convolution.
    needs_zero : bool
        Whether the code 0 must stand for 0.0, because of padding.
    is_mean : bool
        Whether it takes means, so that its sums are integers of few bits that need no quantiser.
    """

    keys: dict[str, Any]
    weights: np.ndarray
    grid: np.ndarray | None
    bias: np.ndarray
    size: tuple[int, int] | None = None
    needs_zero: bool = False
    is_mean: bool = False

    def reordered(self, places: np.ndarray) -> Linear:
        """A dense layer whose input k is input places[k] of this one."""
        grid = None if self.grid is None else self.grid[:, places]
        return replace(self, weights=self.weights[:, places], grid=grid)


@dataclass(frozen=True)
class Sums:
    """The sums of a layer: real = scale * z + offset for each channel.

    Attributes
    ----------
    keys, arrays : dict
        Of the layer, without what happens behind the sum.
    scale, offset : float array [outputs]
    low, high : int array [outputs]
        Ends of the sums of each channel.
    error : float array [outputs]
        What float32 may lose in adding them up, in units of z.
    rank : int
        Axes of the tensor that they stand for.
    text : str
        How messages call the node.
    sources : tuple of int
        Numbers of the layers whose results are added up.
    size : (int, int) or None
        Height and width of the image that they are; None for a vector.
    is_integer : bool
        Whether they are those of a pooling or of a branch that joins another: integers of few bits that need no quantiser.
    """

    keys: dict[str, Any]
    arrays: dict[str, np.ndarray]
    scale: np.ndarray
    offset: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    rank: int
    text: str
    sources: tuple[int, ...]
    size: tuple[int, int] | None
    is_integer: bool = False

    @property
    def is_uniform(self) -> bool:
        """Whether all channels stand for values in the same way."""
        return len(np.unique(self.scale)) == 1 and len(np.unique(self.offset)) == 1


def linear_of(
    graph: Graph,
    node: Node,
    constants: Mapping[str, np.ndarray],
    grids: Mapping[str, np.ndarray],
    shape: tuple[int, ...],
) -> Linear:
    """What a linear node computes of a tensor with a shape, whose first axis is the batch.

    Raises
    ------
    InputError
        If it cannot be built; the message names the node.
    """
    return _Reader(graph, node, shape).read(constants, grids)


def window_of(
    graph: Graph, node: Node, shape: tuple[int, ...]
) -> tuple[dict[str, Any], tuple[int, int]]:
    """Keys of a layer for the window of a pooling of a tensor with a shape, and the size of the result.

    Raises
    ------
    InputError
        If it cannot be built; the message names the node.
    """
    return _Reader(graph, node, shape).pooled()


class _Reader:
    def __init__(self, graph, node, shape):
        self.graph, self.node, self.shape = graph, node, shape
        self.attributes = {a.name: graph.attribute(a) for a in node.attribute}

    def fail(self, why):
        return InputError(f"{self.graph.where}: {node_text(self.node)}: {why}")

    def read(self, constants, grids):
        kind = self.node.op_type
        if self.graph.is_custom(self.node):
            raise self.fail("has its channels last; export the model with channels first")
        if kind in ("AveragePool", "GlobalAveragePool"):
            return self._mean(kind == "GlobalAveragePool")
        names = [name for name in self.node.input[1:] if name]
        weights, grid = np.asarray(constants[names[0]], np.float64), grids.get(names[0])
        bias = np.zeros(1)
        if len(names) > 1:
            bias = np.asarray(constants[names[1]], np.float64).ravel()
        if kind == "Conv":
            return self._conv(weights, grid, bias)
        return self._dense(weights, grid, bias)

    def _dense(self, weights, grid, bias):
        given = self.attributes
        if self.node.op_type == "Gemm":
            if given.get("transA"):
                raise self.fail("transposes the batch (`transA`), which cannot be built")
            if given.get("transB"):
                weights, grid = weights.T, None if grid is None else grid.T
            alpha = given.get("alpha", 1.0)
            weights, bias = alpha * weights, given.get("beta", 1.0) * bias
            grid = None if grid is None else abs(alpha) * grid
        if weights.ndim != 2 or len(self.shape) != 2:
            raise self.fail(
                f"multiplies tensors of {len(self.shape)} and {weights.ndim} axes; only vectors by matrices can be built: "
                "flatten before it"
            )
        if weights.shape[0] != self.shape[1]:
            raise self.fail(f"has {self.shape[1]} inputs, but weights {list(weights.shape)}")
        return Linear(
            {"kind": "dense"},
            weights.T,
            None if grid is None else grid.T,
            self._bias(bias, weights.shape[1]),
        )

    def _bias(self, bias, outputs):
        if bias.size not in (1, outputs):
            raise self.fail(f"has {bias.size} biases for {outputs} outputs")
        return np.broadcast_to(bias, (outputs,))

    def _conv(self, weights, grid, bias):
        dimensions = weights.ndim - 2
        if dimensions not in (1, 2) or len(self.shape) != weights.ndim:
            raise self.fail(
                f"is a convolution of {dimensions} dimensions over {len(self.shape) - 2}; only one or two can be built"
            )
        if dimensions == 1:  # an image of one row
            weights = weights[:, :, None]
            grid = None if grid is None else grid[:, :, None]
        groups = self.attributes.get("group", 1)
        channels = self.shape[1]
        if groups < 1 or weights.shape[1] * groups != channels or len(weights) % groups:
            raise self.fail(
                f"{groups} groups do not fit {channels} channels and weights {list(weights.shape)}"
            )
        if groups > 1:
            weights, grid = self._spread(weights, grid, groups)
        keys, size = self._window(list(weights.shape[2:]), dimensions)
        bias = self._bias(bias, len(weights))
        weights, grid = (None if a is None else a.transpose(0, 2, 3, 1) for a in (weights, grid))
        return Linear(keys, weights, grid, bias, size, bool(np.any(keys["padding"])))

    @staticmethod
    def _spread(weights, grid, groups):
        """Weights of all channels, of weights of the channels of each group: the others are 0."""
        own, each = weights.shape[1], len(weights) // groups
        full = np.zeros((len(weights), own * groups, *weights.shape[2:]))
        scales = None if grid is None else np.repeat(grid[:, :1], own * groups, axis=1)
        for group in range(groups):
            outputs = slice(group * each, (group + 1) * each)
            full[outputs, group * own : (group + 1) * own] = weights[outputs]
        return full, scales

    def _window(self, window, dimensions):
        """Keys of a layer for a window, and the size of its result."""
        given, image = self.attributes, [1] * (2 - dimensions) + list(self.shape[2:])
        strides = [1] * (2 - dimensions) + list(given.get("strides", [1] * dimensions))
        dilations = [1] * (2 - dimensions) + list(given.get("dilations", [1] * dimensions))
        extents = [(k - 1) * d + 1 for k, d in zip(window, dilations, strict=True)]
        pads = list(given.get("pads", [0] * 2 * dimensions))
        auto = given.get("auto_pad", b"NOTSET")
        if auto in (b"SAME_UPPER", b"SAME_LOWER"):
            wanted = [
                max(0, (-(-n // s) - 1) * s + e - n)
                for n, s, e in zip(image, strides, extents, strict=True)
            ]
            small, large = [n // 2 for n in wanted], [n - n // 2 for n in wanted]
            pads = [*small, *large] if auto == b"SAME_UPPER" else [*large, *small]
            pads = pads if dimensions == 2 else [pads[1], pads[3]]
        if dimensions == 1:
            pads = [0, pads[0], 0, pads[1]]
        for pad, extent in zip(pads, extents * 2, strict=True):
            if not 0 <= pad < max(2, extent):
                raise self.fail(
                    f"has pads {pads}, which must be 0 or more, and less than its window {window}"
                )
        size = [
            (n + pads[k] + pads[k + 2] - extents[k]) // strides[k] + 1 for k, n in enumerate(image)
        ]
        if min(size) < 1:
            raise self.fail(
                f"its window {window} does not fit into an image of {image[0]} x {image[1]}"
            )
        if max(window) > 64 or max(strides) > 64 or max(dilations) > 64 or max(pads) > 63:
            raise self.fail(
                "has a window, strides, dilations or pads over 64, the most that a layer has"
            )
        keys = {
            "kind": "conv",
            "kernel": window,
            "stride": _one(strides),
            "dilation": _one(dilations),
            "padding": _one(pads),
        }
        return {k: v for k, v in keys.items() if (k, v) != ("dilation", 1)}, tuple(size)

    def pooled(self, whole=False):
        """Keys and size for the window of a pooling, or for one that is as large as the image."""
        dimensions, given = len(self.shape) - 2, self.attributes
        if dimensions not in (1, 2):
            raise self.fail(f"pools over {dimensions} dimensions; only one or two can be built")
        if given.get("ceil_mode"):
            raise self.fail("rounds the size up (`ceil_mode`), which cannot be built")
        window = list(self.shape[2:] if whole else given["kernel_shape"])
        return self._window([1] * (2 - dimensions) + window, dimensions)

    def _mean(self, whole):
        """A mean over a window of each channel: a convolution whose weights are equal, or 0."""
        keys, size = self.pooled(whole)
        window, given = keys["kernel"], self.attributes
        padded = bool(np.any(keys["padding"]))
        if padded and not given.get("count_include_pad"):
            raise self.fail(
                "takes means of fewer values at the edges; use padding 0, or `count_include_pad`"
            )
        channels, count = self.shape[1], window[0] * window[1]
        weights = np.zeros((channels, *window, channels))
        weights[np.arange(channels), :, :, np.arange(channels)] = 1 / count
        grid = np.full(weights.shape, 1 / count)
        return Linear(keys, weights, grid, np.zeros(channels), size, padded, is_mean=True)


def _one(numbers):
    """One number for all directions if they are equal."""
    return int(numbers[0]) if len(set(numbers)) == 1 else [int(n) for n in numbers]


def sums_of(linear: Linear, held: Held, number: int, rank: int, where: str, text: str) -> Sums:
    """The sums of layer `number` for inputs that are held.

    Raises
    ------
    InputError
        If weights are not on a grid.
    """
    weights, kind, codes = linear.weights, linear.keys["kind"], held.codes
    outputs = len(weights)
    flat = weights.reshape(outputs, -1)
    grid = None if linear.grid is None else linear.grid.reshape(flat.shape)
    integers, scales = weights_of(flat, grid, f"{where}: {text}")
    keys = {"name": f"{kind}{number}", **linear.keys, "outputs": outputs}
    signs = np.abs(integers) <= 1
    if codes.bipolar and signs.all() and (integers != 0).all():
        # x and w stand for -1 and +1: a sum is that of the products of these.
        keys["rule"], arrays = "binary", {"weight": (integers > 0).astype(np.int64)}
        scale, offset = scales * codes.scale / 2, np.zeros(outputs)
        extent = np.full(outputs, flat.shape[1])
        low, high = -extent, extent
    else:
        if signs.all():
            keys["rule"], arrays = "ternary", {"sign": integers}
        else:
            parameter = Format.of_interval(int(integers.min()), int(integers.max()))
            keys |= {"rule": "mac", "parameter": str(parameter)}
            arrays = {"weight": integers}
        scale = scales * codes.scale
        offset = scales * codes.offset * integers.sum(axis=1)
        ends = integers * codes.number.min, integers * codes.number.max
        low, high = np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)
    arrays = {name: array.reshape(weights.shape) for name, array in arrays.items()}
    offset = offset + linear.bias
    error = float_error(scale, offset, low, high)
    return Sums(
        keys, arrays, scale, offset, low, high, error, rank, text, held.sources, linear.size, linear.is_mean
    )  # fmt: skip


def float_error(
    scale: np.ndarray, offset: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """What float32 may lose in adding up terms and an offset, in units of the sum, for each channel."""
    # Terms are at most this large, and each addition may lose a part of 2^-24.
    largest = np.maximum(np.abs(low), np.abs(high)) + np.abs(offset) / scale
    exact = (np.frexp(scale)[0] == 0.5) & (offset % scale == 0) & (largest < 1 << 24)
    return np.where(exact, 0, largest) * stairs.EPSILON
