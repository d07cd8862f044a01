"""From an ONNX graph to a network: one walk along its nodes.

A *linear* node (matrix product, convolution) becomes the sums of a layer. What follows it until the next linear node is
a function of each sum: `tnhw.importing.stairs` finds where its results change, by running the nodes themselves. So a
layer computes what the graph computes, whatever scales, normalisations and quantisers lie between.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..kernel.names import check_design_name
from ..network import Network
from ..synapse import Format
from . import last, stairs
from .encoder import Encoder, find_encoder
from .graph import Graph, Node, Step, node_text, parse
from .grids import Codes, codes_of, weights_of

__all__ = ["Imported", "Place", "load"]

SHAPES = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"}
MAX_INPUT_BITS = 16
PASSING = {"Identity", "Dropout"}
QUANTISERS = {"Quant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear", "FloatQuant", "IntQuant"}
ELEMENTWISE = QUANTISERS | {
    "Add", "Sub", "Mul", "Div", "Pow", "Relu", "Clip", "BatchNormalization", "Sigmoid", "Tanh", "HardSigmoid", "Selu",
    "Elu", "LeakyRelu", "PRelu", "ThresholdedRelu", "Softplus", "Softsign", "Sign", "Neg", "Round", "Floor", "Ceil",
    "Cast", "Max", "Min", "Exp", "Log", "Sqrt", "Erf", "Celu", "HardSwish", "Gelu", "Abs",
}  # fmt: skip
ORDERED = {"Softmax", "LogSoftmax"}  # keep the order of the outputs, so they do not change the class
CLASSES = {"ArgMax", "TopK"}
REMEDIES = {
    "AveragePool": "use a convolution with a stride, or a dense layer behind the image",
    "GlobalAveragePool": "flatten the image and let the dense layer behind it see all of it",
    "MaxPool": "use a convolution with a stride instead",
    "QLinearConv": "export with `QuantFormat.QDQ`",
    "QLinearMatMul": "export with `QuantFormat.QDQ`",
    "LSTM": "only networks without feedback can be built",
    "GRU": "only networks without feedback can be built",
    "If": "export the model without control flow",
    "Loop": "export the model without control flow",
}


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
    """

    tensor: str
    codes: Codes | None
    order: np.ndarray


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
    """

    network: Network
    graph: Graph
    rows: list[tuple[str, str]]
    places: list[Place]
    order: np.ndarray
    encoder: Encoder
    ambiguous: int
    ends_in_class: bool

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Inputs of the network, int64 [n, inputs], for inputs of the graph [n, ...]."""
        flat = np.asarray(x, np.float32).reshape(len(x), -1)[:, self.order]
        return self.encoder.encode(flat)


@dataclass(frozen=True)
class _Tensor:
    """A tensor on the way: elementwise nodes behind the input, the sums of a layer, or the codes of one.

    `order` has the shape of the tensor for a batch of one, and says which element of its source each element comes of.
    """

    source: Any  # _Input, _Sums or Codes
    order: np.ndarray
    steps: list[Step] = field(default_factory=list)
    name: str = ""

    @property
    def is_quantised(self) -> bool:
        return any(step.node.op_type in QUANTISERS for step in self.steps)


@dataclass(frozen=True)
class _Input:
    pass


@dataclass(frozen=True)
class _Sums:
    """Sums of the layer that is being made: real = scale * z + offset for each channel."""

    keys: dict[str, Any]
    arrays: dict[str, np.ndarray]
    scale: np.ndarray
    offset: np.ndarray
    low: np.ndarray  # of each channel
    high: np.ndarray
    error: np.ndarray  # of float32 in units of z
    rank: int
    what: str


def load(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    input: str | None = None,
    result: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Imported:
    """Read a quantised network from an ONNX or QONNX file.

    Parameters
    ----------
    path : path
    name : str, optional
        Name of the network, by default made of that of the file.
    input : str, optional
        Format of the inputs, such as ``u8``, if the graph does not begin with a quantiser. The integers are the values
        themselves, or times a scale: ``s8:0.0625``. ``bipolar`` is for bits that stand for -1 and +1.
    result : str, optional
        ``class`` or ``vector``; by default a class if the last outputs are several and not quantised.
    say : callable
        Called with a line of text for each layer.

    Raises
    ------
    InputError
        If the file is damaged, or has something that cannot be built: the message names the node and says why.
    ToolMissing
        If a package is missing.
    """
    if result not in (None, "class", "vector"):
        raise InputError(f'`result` must be "class" or "vector", not {result!r}')
    graph = Graph(parse(path), str(path))
    named = check_design_name(name) if name is not None else _name_of(path)
    return _Walk(graph, named, input, result, say).whole()


def _name_of(path):
    """A name that is allowed, made of that of a file."""
    name = re.sub("[^a-z0-9]+", "_", Path(path).stem.lower()).strip("_")[:48] or "network"
    name = f"net_{name}" if not name[0].isalpha() else name
    try:
        return check_design_name(name)
    except InputError:
        return check_design_name(f"{name}_network")


class _Walk:
    def __init__(self, graph: Graph, name: str, input: str | None, result: str | None, say: Any) -> None:
        self.graph, self.name, self.result, self.say = graph, name, result, say
        self.given = input
        order = np.arange(int(np.prod(graph.shape))).reshape(graph.shape)
        self.tensors: dict[str, _Tensor] = {graph.input: _Tensor(_Input(), order, name=graph.input)}
        self.constants = dict(graph.constants)
        self.grids: dict[str, np.ndarray] = {}  # the scale of each value of a quantised constant
        self.rows: list[tuple[str, str]] = []
        self.layers: list[dict[str, Any]] = []
        self.arrays: list[dict[str, np.ndarray]] = []
        self.places: list[Place] = []
        self.ambiguous = 0
        self.input: Codes | None = None
        self.order = np.arange(int(np.prod(graph.shape)))
        self.shape: list[int] = []
        self.as_class = False

    def fail(self, node: Node, why: str) -> InputError:
        return InputError(f"{self.graph.where}: {node_text(node)}: {why}")

    def whole(self) -> Imported:
        for node in self.graph.nodes:
            self._node(node)
        if self.graph.output not in self.tensors:
            raise InputError(f"{self.graph.where}: its output does not depend on its input")
        result = self._end(self.tensors[self.graph.output])
        if not self.layers:
            raise InputError(f"{self.graph.where}: has no matrix product and no convolution, so nothing to build")
        assert self.input is not None
        network = Network(
            self.name, str(self.input.number), self.shape, self.layers, self.arrays, result,
            {"source": Path(self.graph.where).name, "encoder": self.encoder.to_dict()},
            where=self.graph.where,
        )  # fmt: skip
        return Imported(
            network, self.graph, self.rows, self.places, self.order, self.encoder, self.ambiguous,
            self.as_class,
        )  # fmt: skip

    # Nodes

    def _node(self, node: Node) -> None:
        names = [name for name in node.input if name]
        varying = [k for k, name in enumerate(node.input) if name in self.tensors]
        if not varying:
            if missing := [name for name in names if name not in self.constants]:
                raise self.fail(node, f"reads `{missing[0]}`, which nothing computes")
            self._constant(node)
            return
        if len(varying) > 1:
            raise self.fail(node, "joins two branches of the graph; only layers in a row can be built so far")
        tensor = self.tensors[node.input[varying[0]]]
        if self.graph.readers[tensor.name] > 1:
            raise self.fail(
                node,
                f"`{tensor.name}` is read by {self.graph.readers[tensor.name]} nodes; only layers in a row can be "
                "built so far, without branches",
            )
        if self.as_class:
            raise self.fail(node, "nothing can follow the choice of a class")
        made = self._follow(node, varying[0], tensor)
        self.tensors[node.output[0]] = replace(made, name=node.output[0])

    def _constant(self, node):
        """Compute a node that reads constants only, and note the scale of each of its values if it is a quantiser."""
        value = self.graph.run(node, self.constants)
        self.constants[node.output[0]] = value
        source = node.input[0] if node.input else ""
        if node.op_type in QUANTISERS:
            scale = np.asarray(self.constants[node.input[1]], np.float64)
            if scale.ndim == 1 and scale.size > 1 and value.ndim > 1 and node.op_type == "DequantizeLinear":
                axis = {a.name: a.i for a in node.attribute}.get("axis", 1) % value.ndim
                scale = scale.reshape([-1 if k == axis else 1 for k in range(value.ndim)])
            if np.broadcast_shapes(scale.shape, value.shape) == value.shape:
                self.grids[node.output[0]] = np.broadcast_to(scale, value.shape)
        elif source in self.grids and node.op_type in SHAPES | PASSING:
            values = {name: self.constants[name] for name in node.input if name}
            values[source] = np.ascontiguousarray(self.grids[source], np.float32)
            self.grids[node.output[0]] = self.graph.run(node, values).astype(np.float64)

    def _follow(self, node, position, tensor):
        kind = node.op_type
        if kind in PASSING:
            return tensor
        if kind in ("MatMul", "Gemm", "Conv"):
            return self._linear(node, position, tensor)
        if kind in CLASSES or kind in ORDERED:
            axis = {a.name: a.i for a in node.attribute}.get("axis", -1 if kind in ORDERED else 0 if kind == "ArgMax" else -1)
            if tensor.order.ndim != 2 or axis not in (1, -1):
                raise self.fail(node, "chooses along another axis than the outputs, which cannot be built")
            self.as_class = kind in CLASSES
            self.result = self.result or "class"
            if self.result == "vector":
                raise self.fail(node, 'cannot be built with `result = "vector"`: only the class can')
            self.rows.append((node_text(node), "the class, the index of the largest output"))
            return tensor
        if kind not in ELEMENTWISE and kind not in SHAPES:
            raise self.fail(node, "cannot be built; " + REMEDIES.get(
                kind, "what can are dense layers and convolutions with elementwise functions and quantisers between them"))
        if missing := [n for k, n in enumerate(node.input) if n and k != position and n not in self.constants]:
            raise self.fail(node, f"reads `{missing[0]}`, which nothing computes")
        constants = {
            name: self.constants[name] for k, name in enumerate(node.input) if name and k != position
        }
        step = Step(node, position, tuple(constants.items()))
        order = tensor.order
        if kind in SHAPES:
            order = np.asarray(self.graph.run(node, constants | {node.input[position]: order}))
            if order.shape[0] != 1:
                if order.size == tensor.order.size and kind in ("Flatten", "Reshape"):
                    order = order.reshape(1, -1)
                else:
                    raise self.fail(node, f"moves the batch, the first axis: its shape is {list(order.shape)}")
        else:
            shape = np.broadcast_shapes(order.shape, *(value.shape for value in self._broadcast(node, constants)))
            if shape != order.shape:
                raise self.fail(node, f"changes the shape from {list(order.shape)} to {list(shape)}")
        return _Tensor(tensor.source, order, [*tensor.steps, step])

    @staticmethod
    def _broadcast(node, constants):
        """The constants of an elementwise node that broadcast with its input."""
        return constants.values() if node.op_type in ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu") else ()

    # From tensors to codes

    def _codes(self, tensor: _Tensor, reader: Node, zero: bool = False) -> tuple[Codes, np.ndarray]:
        """Make a layer of what is before a node; returns the codes of the tensor, and its order."""
        if isinstance(tensor.source, _Input):
            return self._input_codes(tensor, reader, zero), tensor.order
        sums = tensor.source
        if not tensor.is_quantised:
            raise self.fail(
                reader,
                f"no quantiser is between it and {sums.what}, so the values are real numbers; train with quantisation, or "
                "quantise after training (for example with onnxruntime's `quantize_static`)",
            )
        found = self._stairs(tensor)
        codes = codes_of(found.values, zero, f"{self.graph.where}: {node_text(tensor.steps[-1].node)}")
        steps, falling = stairs.steps_of(found, codes)
        self._finish(tensor, sums, codes, steps, falling, found)
        return codes, tensor.order

    def _finish(self, tensor, sums, codes, steps, falling, found):
        keys, arrays = dict(sums.keys), dict(sums.arrays)
        keys["output"] = str(codes.number)
        line = stairs.scaled(steps, falling, found.low, found.high) if codes.number.bits >= 5 else None
        if line is not None:
            shift, multiplier, offset = line
            keys |= {"requantise": "scale", "shift": shift}
            arrays |= {"multiplier": multiplier, "offset": offset + (codes.number.min << shift)}
            text = f"multiplier and offset for each channel, to {codes.number}"
        else:
            keys["requantise"] = "staircase"
            arrays["steps"] = steps
            if falling.any():
                arrays["falling"] = falling
            count = steps.shape[1]
            text = f"{count} threshold{'s' * (count > 1)} for each channel, to {codes.number}"
        for step in tensor.steps:
            if step.node.op_type not in SHAPES:
                self.rows.append((node_text(step.node), text))
        self._add(keys, arrays, tensor.name, codes, tensor.order)
        self.ambiguous += found.ambiguous

    def _add(self, keys, arrays, name, codes, order):
        self.layers.append(keys)
        self.arrays.append(arrays)
        self.places.append(Place(name, codes, order))
        self.say(f"{keys['name']}: {keys['kind']}, {keys['rule']}, {keys['outputs']} outputs")

    def _stairs(self, tensor, error=True):
        sums = tensor.source
        what = f"{self.graph.where}: {node_text(tensor.steps[-1].node)}" if tensor.steps else sums.what
        return stairs.find(
            self._function(tensor), int(sums.low.min()), int(sums.high.max()), len(sums.scale), sums.error, what
        )

    def _function(self, tensor):
        """What the nodes behind the sums make of sums z [n, channels]."""
        sums, channels = tensor.source, len(tensor.source.scale)
        steps = [self._flattened(step) for step in tensor.steps]

        def function(z):
            real = (z * sums.scale + sums.offset).astype(np.float32)
            value = real.reshape(len(z), channels, *[1] * (sums.rank - 2))
            for step in steps:
                value = value.reshape(len(z), channels) if step is None else self.graph.apply([step], value)
            if value.size != real.size:
                raise InputError(f"{self.graph.where}: {node_text(tensor.steps[-1].node)}: is not a function of each element alone")
            return np.moveaxis(value.reshape(len(z), -1), 0, 0).astype(np.float64)

        return function

    def _flattened(self, step):
        """A step as it applies to a batch of sums: None for one that makes rows."""
        if step.node.op_type in ("Flatten", "Reshape"):
            return None
        return step

    def _input_codes(self, tensor, reader, zero):
        if self.input is not None:
            raise self.fail(reader, "reads the input a second time")
        steps = [step for step in tensor.steps if step.node.op_type not in SHAPES]
        for step in steps:
            if step.node.op_type == "BatchNormalization" or any(
                value.size != 1 for value in self._broadcast(step.node, dict(step.constants))
            ):
                raise self.fail(step.node, "treats the elements of the input differently, which cannot be built")

        def function(values):
            return self.graph.apply(steps, values.astype(np.float32))

        if self.given is not None:
            codes, self.encoder = self._given_codes(function, steps)
        elif tensor.is_quantised:
            what = f"{self.graph.where}: {node_text(steps[-1].node)}"
            codes, self.encoder = find_encoder(function, zero, what)
            for step in steps:
                self.rows.append((node_text(step.node), f"the input, {codes.number}"))
        else:
            raise self.fail(
                reader,
                "its input is not quantised: put a quantiser at the input, or say with `tnhw import --input FORMAT` (for example u8) "
                "which integers it gets",
            )
        self.input = codes
        return codes

    def _given_codes(self, function, steps):
        """The codes of an input that the graph does not quantise, in the format and scale that the user gives."""
        text, _, scale = self.given.partition(":")
        try:
            step = float(scale or 1)
        except ValueError:
            step = 0.0
        if not 0 < step < float("inf"):
            raise InputError(f'`input` is a format, perhaps with a scale, as "u8" or "s8:0.0625", not {self.given!r}')
        bipolar = text == "bipolar"
        number = Format(1) if bipolar else Format.parse(text)
        if number.bits > MAX_INPUT_BITS:
            raise InputError(f"`input` must have at most {MAX_INPUT_BITS} bits, not {number}")
        integers = np.arange(number.min, number.max + 1)
        values = ((2 * integers - 1 if bipolar else integers) * step).astype(np.float32)
        real = function(values[:, None]).astype(np.float64).ravel()
        slope = (real[-1] - real[0]) / (len(real) - 1)
        offset = real[0] - slope * number.min
        error = np.abs(slope * integers + offset - real).max()
        if slope <= 0 or error > 1e-5 * np.abs(real).max():
            what = node_text(steps[-1].node) if steps else "input"
            raise InputError(
                f"{self.graph.where}: {what}: what it makes of the integers {number} is not a rising line"
            )
        offset = 0.0 if abs(offset) < 1e-6 * slope else float(offset)
        return Codes(number, float(slope), offset), Encoder.of_values(number, values)

    # Linear nodes

    def _linear(self, node, position, tensor):
        if position != 0:
            raise self.fail(node, "multiplies by a tensor that depends on the input; only constant weights can be built")
        attributes = {a.name: a for a in node.attribute}
        names = [name for name in node.input[1:] if name]
        if missing := [name for name in names if name not in self.constants]:
            raise self.fail(node, f"reads `{missing[0]}`, which nothing computes")
        weights = np.asarray(self.constants[names[0]], np.float64)
        grid = self.grids.get(names[0])
        bias = np.asarray(self.constants[names[1]], np.float64).ravel() if len(names) > 1 else np.zeros(1)
        if node.op_type == "Conv":
            return self._conv(node, attributes, tensor, weights, grid, bias)
        if node.op_type == "Gemm":
            alpha = attributes["alpha"].f if "alpha" in attributes else 1.0
            beta = attributes["beta"].f if "beta" in attributes else 1.0
            if "transA" in attributes and attributes["transA"].i:
                raise self.fail(node, "transposes the batch (`transA`), which cannot be built")
            if "transB" in attributes and attributes["transB"].i:
                weights, grid = weights.T, None if grid is None else grid.T
            weights, bias = alpha * weights, beta * bias
            grid = None if grid is None else abs(alpha) * grid
        if weights.ndim != 2 or tensor.order.ndim != 2:
            raise self.fail(
                node,
                f"multiplies tensors of {tensor.order.ndim} and {weights.ndim} axes; only vectors by matrices can be built: "
                "flatten before it",
            )
        if weights.shape[0] != tensor.order.shape[1]:
            raise self.fail(node, f"{tensor.order.shape[1]} inputs do not fit weights {list(weights.shape)}")
        codes, order = self._codes(tensor, node)
        grid = None if grid is None else grid.T
        weights, places = weights.T, np.arange(order.size)
        if not self.layers:
            self.order, self.shape = order.ravel(), [order.size]
        else:
            places = np.argsort(order.ravel())
        weights, grid = (None if a is None else a[:, places] for a in (weights, grid))
        return self._sums(node, codes, weights, grid, bias, {"kind": "dense"}, 2)

    def _conv(self, node, attributes, tensor, weights, grid, bias):
        if self.graph.is_custom(node):
            raise self.fail(node, "has its channels last; export with channels first")
        group = attributes["group"].i if "group" in attributes else 1
        if weights.ndim == 3:
            raise self.fail(node, "is a convolution in one dimension, which cannot be built so far")
        if weights.ndim != 4 or tensor.order.ndim != 4:
            raise self.fail(node, f"is a convolution in {weights.ndim - 2} dimensions; only those in two can be built")
        if group != 1:
            raise self.fail(node, f"has {group} groups of channels; only one group can be built so far")
        if any(d != 1 for d in (attributes["dilations"].ints if "dilations" in attributes else [])):
            raise self.fail(node, "is dilated, which cannot be built so far")
        strides = list(attributes["strides"].ints) if "strides" in attributes else [1, 1]
        pads = list(attributes["pads"].ints) if "pads" in attributes else [0] * 4
        if "auto_pad" in attributes and attributes["auto_pad"].s not in (b"NOTSET", b"VALID"):
            raise self.fail(node, "has `auto_pad`; export it with `pads`")
        if len(set(strides)) > 1 or len(set(pads)) > 1:
            raise self.fail(
                node, f"has strides {strides} and pads {pads}; only equal ones in all directions can be built so far"
            )
        window = list(weights.shape[2:])
        if pads[0] >= max(2, min(window)):
            raise self.fail(node, f"has pads {pads}, as large as its window {window}")
        codes, order = self._codes(tensor, node, zero=pads[0] > 0)
        raster = order[0].transpose(1, 2, 0)
        if not self.layers:
            self.order, self.shape = raster.ravel(), list(raster.shape)
        elif not np.array_equal(raster.ravel(), np.arange(raster.size)):
            raise self.fail(node, "reads an image whose rows, columns or channels were exchanged")
        keys = {"kind": "conv", "kernel": window, "stride": strides[0], "padding": pads[0]}
        weights, grid = (None if a is None else a.transpose(0, 2, 3, 1) for a in (weights, grid))
        return self._sums(node, codes, weights, grid, bias, keys, 4)

    def _sums(self, node, codes, weights, grid, bias, keys, rank):
        """The sums of a layer with real weights [outputs, ...] in the layer's own order."""
        what = f"{self.graph.where}: {node_text(node)}"
        outputs = len(weights)
        if bias.size not in (1, outputs):
            raise self.fail(node, f"has {bias.size} biases for {outputs} outputs")
        flat = weights.reshape(outputs, -1)
        integers, scales = weights_of(flat, None if grid is None else grid.reshape(flat.shape), what)
        keys = {"name": f"{keys['kind']}{len(self.layers)}", **keys, "outputs": outputs}
        low, high = codes.number.min, codes.number.max
        ends = integers * low, integers * high
        signs = np.abs(integers) <= 1
        if codes.bipolar and signs.all() and (integers != 0).all():
            # x and w stand for -1 and +1: a sum is that of the products of these.
            keys["rule"], arrays = "binary", {"weight": (integers > 0).astype(np.int64)}
            scale, offset = scales * codes.scale / 2, np.zeros(outputs)
            extent = np.full(outputs, flat.shape[1])
            sums = -extent, extent
        else:
            if signs.all():
                keys["rule"], arrays = "ternary", {"sign": integers}
            else:
                parameter = Format.of_interval(int(integers.min()), int(integers.max()))
                keys |= {"rule": "mac", "parameter": str(parameter)}
                arrays = {"weight": integers}
            scale = scales * codes.scale
            offset = scales * codes.offset * integers.sum(axis=1)
            sums = np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)
        arrays = {name: array.reshape(weights.shape) for name, array in arrays.items()}
        # float32 adds up terms of at most this size, and the bias, and each addition may lose a part of 2^-24.
        largest = np.maximum(np.abs(sums[0]), np.abs(sums[1])) + np.abs(offset + bias) / scale
        exact = (np.frexp(scale)[0] == 0.5) & ((offset + bias) % scale == 0) & (largest < 1 << 24)
        largest = np.where(exact, 0, largest)  # such numbers are added without any error
        kind = {"dense": "a dense layer", "conv": "a convolution"}[keys["kind"]]
        self.rows.append((node_text(node), f"{kind} `{keys['name']}`, rule {keys['rule']}, {outputs} outputs"))
        made = _Sums(keys, arrays, scale, offset + bias, *sums, largest * stairs.EPSILON, rank, node_text(node))
        return _Tensor(made, self._order_of(node, keys, outputs, weights))

    def _order_of(self, node, keys, outputs, weights):
        if keys["kind"] == "dense":
            return np.arange(outputs).reshape(1, outputs)
        # The shape of the result follows from that of the image, which the last layer or the input has.
        high, wide = self._image()
        p, s = keys["padding"], keys["stride"]
        size = [(n + 2 * p - k) // s + 1 for n, k in zip((high, wide), keys["kernel"], strict=True)]
        if min(size) < 1:
            raise self.fail(node, f"its window {keys['kernel']} does not fit into an image of {high} x {wide}")
        self._size = size
        raster = np.arange(size[0] * size[1] * outputs).reshape(1, *size, outputs)
        return raster.transpose(0, 3, 1, 2)

    def _image(self):
        if not self.layers:
            return self.shape[:2]
        return self._size

    # The end

    def _end(self, tensor):
        """Make the last layer; returns what the network gives."""
        if isinstance(tensor.source, _Input):
            raise InputError(f"{self.graph.where}: has no matrix product and no convolution, so nothing to build")
        sums = tensor.source
        position = tensor.order.size
        if not np.array_equal(tensor.order.ravel(), np.arange(position)) and sums.keys["kind"] != "conv":
            raise InputError(f"{self.graph.where}: the outputs are not in the order of the last layer")
        several = sums.keys["kind"] == "dense" and position > 1
        found = self._stairs(tensor) if tensor.is_quantised else None
        if found is not None and len(np.unique(found.values)) <= 1 << 8:
            codes = codes_of(found.values, False, f"{self.graph.where}: {node_text(tensor.steps[-1].node)}")
            steps, falling = stairs.steps_of(found, codes)
            self._finish(tensor, sums, codes, steps, falling, found)
            return self.result or "vector"
        result = self.result or ("class" if several else "vector")
        keys, arrays = dict(sums.keys), dict(sums.arrays)
        a, b = last.line(self._function(tensor), sums.low, sums.high, f"{self.graph.where}: {sums.what}", result)
        more, own, text = last.integers(a, b, sums.low, sums.high, result)
        for step in tensor.steps:
            if step.node.op_type not in SHAPES:
                self.rows.append((node_text(step.node), text))
        self._add(keys | more, arrays | own, tensor.name, None, tensor.order)
        return result
