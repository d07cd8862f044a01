"""Tensors on the way along a graph: where they come from, and what was done to them since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from .graph import Step, node_text
from .grids import Codes

__all__ = [
    "CLASSES",
    "ELEMENTWISE",
    "ORDERED",
    "PASSING",
    "QUANTISERS",
    "REMEDIES",
    "SHAPES",
    "TURNING",
    "Held",
    "Input",
    "Tensor",
    "as_image",
    "broadcasting",
    "function_of",
    "in_raster",
]

SHAPES = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"}
PASSING = {"Identity", "Dropout"}
QUANTISERS = {"Quant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear", "FloatQuant", "IntQuant"}  # fmt: skip
ELEMENTWISE = QUANTISERS | {
    "Add", "Sub", "Mul", "Div", "Pow", "Relu", "Clip", "BatchNormalization", "Sigmoid", "Tanh", "HardSigmoid", "Selu",
    "Elu", "LeakyRelu", "PRelu", "ThresholdedRelu", "Softplus", "Softsign", "Sign", "Neg", "Round", "Floor", "Ceil",
    "Cast", "Max", "Min", "Exp", "Log", "Sqrt", "Erf", "Celu", "HardSwish", "Gelu", "Abs",
}  # fmt: skip
ORDERED = {"Softmax", "LogSoftmax"}  # which output is largest stays
CLASSES = {"ArgMax", "TopK"}
ROWS = ("Flatten", "Reshape")
#: What to do instead of operators that cannot be built.
REMEDIES = {
    "GlobalMaxPool": "use `MaxPool` with a window as large as the image",
    "QLinearConv": "export with `QuantFormat.QDQ`",
    "QLinearMatMul": "export with `QuantFormat.QDQ`",
    "LSTM": "only networks without feedback can be built",
    "GRU": "only networks without feedback can be built",
    "If": "export the model without control flow",
    "Loop": "export the model without control flow",
}
TURNING = {"Abs", "Gelu", "HardSwish", "Pow", "Mish"}  # rise and fall


@dataclass(frozen=True)
class Input:
    """The source of the graph's input."""


@dataclass(frozen=True)
class Held:
    """Results of layers side by side, as integers that stand for values.

    Attributes
    ----------
    sources : tuple of int
        Numbers of the layers.
    channels : tuple of int
        For each, the channels of its image, or the elements of its vector.
    size : (int, int) or None
        Height and width of the images.
    codes : Codes
    rank : int
        Axes of the tensor that they stand for.
    """

    sources: tuple[int, ...]
    channels: tuple[int, ...]
    size: tuple[int, int] | None
    codes: Codes
    rank: int = 2

    @property
    def raster(self) -> np.ndarray:
        """For each element of the whole in raster order, channels last, its number if the layers' results are counted one
        layer after the other."""
        pixels, first, parts = self.size[0] * self.size[1] if self.size else 1, 0, []
        for count in self.channels:
            parts.append((first + np.arange(pixels * count)).reshape(pixels, count))
            first += pixels * count
        return np.concatenate(parts, axis=1).ravel()


def as_image(order: np.ndarray) -> np.ndarray:
    """An order [1, channels, ...] as that of an image: [height, width, channels]; an image of one dimension has one row."""
    size = order.shape[2:]
    return order.reshape(order.shape[1], *[1] * (2 - len(size)), *size).transpose(1, 2, 0)


def in_raster(held: Held, order: np.ndarray) -> np.ndarray:
    """An order of what is held, counted one layer after the other, as one of the whole in raster order."""
    return np.argsort(held.raster)[order]


@dataclass(frozen=True)
class Tensor:
    """A tensor on the way: elementwise nodes behind the input, the sums of a layer, or the codes of one.

    `order` has the shape of the tensor for a batch of one, and says which element of its source each element comes of.
    """

    source: Any  # Input, Sums or Held
    order: np.ndarray
    steps: list[Step] = field(default_factory=list)
    name: str = ""
    ordered: bool = False  # a Softmax was applied: only the order of the outputs is known
    unordered: str = ""  # then, the name of the tensor before it

    @property
    def scaled(self) -> bool:
        """Whether anything but the shape is changed behind the source."""
        return any(step.node.op_type not in SHAPES for step in self.steps)

    @property
    def is_quantised(self) -> bool:
        return any(step.node.op_type in QUANTISERS for step in self.steps)


def broadcasting(node, constants):
    """The constants of an elementwise node that broadcast with its input: an iterable of arrays."""
    kinds = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu", "Quant", "BipolarQuant")
    return constants.values() if node.op_type in kinds else ()


def function_of(graph, tensor):
    """What the nodes behind the sums make of sums z [n, channels]."""
    sums, channels = tensor.source, len(tensor.source.scale)
    steps = [None if step.node.op_type in ROWS else step for step in tensor.steps]

    def function(z):
        real = (z * sums.scale + sums.offset).astype(np.float32)
        value = real.reshape(len(z), channels, *[1] * (sums.rank - 2))
        for step in steps:
            value = value.reshape(len(z), channels) if step is None else graph.apply([step], value)
        if value.size != real.size:
            raise InputError(
                f"{graph.where}: {node_text(tensor.steps[-1].node)}: is not a function of each element alone"
            )
        return value.reshape(len(z), -1).astype(np.float64)

    return function
