"""From an ONNX graph to a network: one walk along its nodes.

A *linear* node (matrix product, convolution) becomes the sums of a layer. What follows it until the next linear node is
a function of each sum: `tnhw.importing.stairs` finds where its results change, by running the nodes themselves. So a
layer computes what the graph computes, whatever scales, normalisations and quantisers lie between.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..network import Network
from ..synapse import Format
from . import last, pooling, stairs
from .constants import Constants
from .encoder import find_encoder, given_codes
from .graph import Graph, Node, Step, node_text
from .grids import Codes, codes_of
from .linear import LINEAR, linear_of, sums_of, window_of
from .records import Imported, Place
from .tensors import (
    CLASSES,
    ELEMENTWISE,
    ORDERED,
    PASSING,
    QUANTISERS,
    REMEDIES,
    ROWS,
    SHAPES,
    TURNING,
    Input,
    Tensor,
    broadcasting,
    function_of,
)  # fmt: skip

__all__ = ["Walk"]


class Walk:
    """One walk along the nodes of a graph; `whole` makes the network."""

    def __init__(
        self, graph: Graph, name: str, input: str | None, result: str | None, say: Any
    ) -> None:
        self.graph, self.name, self.result, self.say = graph, name, result, say
        self.given = input
        order = np.arange(int(np.prod(graph.shape))).reshape(graph.shape)
        self.tensors: dict[str, Tensor] = {graph.input: Tensor(Input(), order, name=graph.input)}
        self.known = Constants(graph)
        self.constants = self.known.values
        self.rows: list[tuple[str, str]] = []
        self.layers: list[dict[str, Any]] = []
        self.arrays: list[dict[str, np.ndarray]] = []
        self.places: list[Place] = []
        self.values: np.ndarray | None = None
        self.input: Codes | None = None
        self.order = order.ravel()
        self.shape: list[int] = []
        self.as_class = False

    def fail(self, node: Node, why: str) -> InputError:
        return InputError(f"{self.graph.where}: {node_text(node)}: {why}")

    def whole(self) -> Imported:
        for node in self.graph.nodes:
            self._node(node)
        if self.graph.output not in self.tensors:
            raise InputError(f"{self.graph.where}: its output does not depend on its input")
        result = last.end(self, self.tensors[self.graph.output])
        if not self.layers:
            raise InputError(
                f"{self.graph.where}: has no matrix product and no convolution, so nothing to build"
            )
        assert self.input is not None
        same = np.array_equal(self.order, np.arange(self.order.size))
        encoder = self.encoder if same else replace(self.encoder, order=self.order)
        network = Network(
            self.name, str(self.input.number), self.shape, self.layers, self.arrays, result,
            {"source": Path(self.graph.where).name, "encoder": encoder.to_dict()},
            where=self.graph.where,
        )  # fmt: skip
        return Imported(
            network, self.graph, self.rows, self.places, encoder, self.values, self.as_class
        )

    # Nodes

    def _node(self, node: Node) -> None:
        varying = [k for k, name in enumerate(node.input) if name in self.tensors]
        if not varying:
            if missing := [n for n in node.input if n and n not in self.constants]:
                raise self.fail(node, f"reads `{missing[0]}`, which nothing computes")
            self.known.add(node)
            return
        if len(varying) > 1:
            raise self.fail(
                node, "joins two branches of the graph; only layers in a row can be built so far"
            )
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
        output = node.output[node.op_type == "TopK"]  # the second of this one is the index
        self.tensors[output] = replace(made, name=output)

    def _follow(self, node, position, tensor):
        kind = node.op_type
        if kind in PASSING:
            return tensor
        if tensor.ordered and kind not in CLASSES:
            return self._behind_order(node, tensor)
        if kind in LINEAR:
            return self._linear(node, position, tensor)
        if kind == "MaxPool":
            return self._largest(node, tensor)
        if kind in CLASSES or kind in ORDERED:
            return self._choice(node, tensor)
        if kind not in ELEMENTWISE and kind not in SHAPES:
            raise self.fail(
                node,
                "cannot be built; "
                + REMEDIES.get(
                    kind,
                    "what can are dense layers and convolutions with elementwise functions and quantisers between them",
                ),
            )
        others = [name for k, name in enumerate(node.input) if name and k != position]
        if missing := [name for name in others if name not in self.constants]:
            raise self.fail(node, f"reads `{missing[0]}`, which nothing computes")
        constants = {name: self.constants[name] for name in others}
        step, order = Step(node, position, tuple(constants.items())), tensor.order
        if kind in SHAPES:
            order = np.asarray(self.graph.run(node, constants | {node.input[position]: order}))
            if order.shape[0] != 1:
                raise self.fail(
                    node, f"moves the batch, the first axis: its shape is {list(order.shape)}"
                )
            if (
                kind in ROWS
                and order.ndim != 2
                and order.shape != tensor.order.shape
                and not isinstance(tensor.source, Input)
            ):
                raise self.fail(
                    node,
                    f"makes a tensor of {order.ndim} axes of the results of a layer; put a quantiser before it, or flatten",
                )
        else:
            self._check_shape(node, order, constants)
        return Tensor(tensor.source, order, [*tensor.steps, step])

    def _check_shape(self, node, order, constants):
        try:
            shape = np.broadcast_shapes(
                order.shape, *(v.shape for v in broadcasting(node, constants))
            )
        except ValueError:
            shape = None
        if shape != order.shape:
            raise self.fail(node, f"changes the shape {list(order.shape)}, which cannot be built")

    def _choice(self, node, tensor):
        """Softmax, which keeps the order of the outputs, or the choice of the largest."""
        kind, given = node.op_type, {a.name: a.i for a in node.attribute}
        axis = given.get("axis", 0 if kind == "ArgMax" else -1)
        if tensor.order.ndim != 2 or axis not in (1, -1):
            raise self.fail(
                node, "chooses along another axis than the outputs, which cannot be built"
            )
        if given.get("select_last_index"):
            raise self.fail(
                node,
                "takes the last of equal outputs (`select_last_index`); only the first can be built",
            )
        if kind == "TopK":
            count = self.constants.get(node.input[1])
            if not given.get("largest", 1) or count is None or int(np.ravel(count)[0]) != 1:
                raise self.fail(
                    node, "is built only as the one largest output, `k` = 1 and `largest` = 1"
                )
        if isinstance(tensor.source, Input) or len(tensor.source.scale) != tensor.order.size:
            raise self.fail(
                node, "chooses among the places of an image; put a dense layer or a mean before it"
            )
        self.as_class = kind in CLASSES
        self.result = self.result or "class"
        if self.result == "vector":
            raise self.fail(node, 'cannot be built with `result = "vector"`: only the class can')
        self.rows.append((node_text(node), "the class, the index of the largest output"))
        return replace(tensor, ordered=True, unordered=tensor.unordered or tensor.name)

    def _behind_order(self, node, tensor):
        """What may follow a Softmax: a quantiser that is the same for all outputs, so the largest stays the largest."""
        sizes = [self.constants[name].size for name in node.input[1:] if name in self.constants]
        if node.op_type not in QUANTISERS or max(sizes, default=1) != 1:
            raise self.fail(
                node,
                "follows a Softmax, behind which nothing but the choice of a class can be built",
            )
        self.rows.append((node_text(node), "no effect on which output is largest"))
        return tensor

    # From tensors to codes

    def _codes(self, tensor: Tensor, reader: Node, zero: bool = False) -> tuple[Codes, np.ndarray]:
        """Make a layer of what is before a node; returns the codes of the tensor, and its order."""
        if isinstance(tensor.source, Input):
            return self._input_codes(tensor, reader, zero), tensor.order
        sums = tensor.source
        if not tensor.is_quantised and sums.is_pooled and not tensor.scaled:
            return self._exact_codes(tensor, sums, zero, reader), tensor.order
        if not tensor.is_quantised and not sums.is_pooled:
            raise self.fail(
                reader,
                f"no quantiser is between it and {sums.text}, so the values are real numbers; train with quantisation, or "
                "quantise after training (for example with onnxruntime's `quantize_static`)",
            )
        found = self.stairs(tensor)
        codes = codes_of(
            found.values, zero, f"{self.graph.where}: {node_text(tensor.steps[-1].node)}"
        )
        steps, falling = stairs.steps_of(found, codes)
        self.finish(tensor, sums, codes, steps, falling, found)
        return codes, tensor.order

    def _exact_codes(self, tensor, sums, zero, reader):
        """The codes of a pooling that no quantiser follows: its exact sums."""
        offset = float(sums.offset[0])
        if zero and offset:
            raise self.fail(reader, "pads values, but 0 is not on their grid; use padding 0")
        number = Format.of_interval(int(sums.low.min()), int(sums.high.max()))
        codes = Codes(number, float(sums.scale[0]), offset)
        keys = sums.keys | {"output": str(number)}
        self.add(keys, sums.arrays, tensor.name, codes, tensor.order)
        return codes

    def finish(self, tensor, sums, codes, steps, falling, found):
        keys, arrays = dict(sums.keys), dict(sums.arrays)
        keys["output"] = str(codes.number)
        line = (
            stairs.scaled(steps, falling, found.low, found.high) if codes.number.bits >= 5 else None
        )
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
        self.add(keys, arrays, tensor.unordered or tensor.name, codes, tensor.order)
        self.places[-1] = replace(self.places[-1], unsure=found.unsure)

    def add(self, keys, arrays, name, codes, order):
        self.layers.append(keys)
        self.arrays.append(arrays)
        self.places.append(Place(name, codes, order))
        self.say(f"{keys['name']}: {keys['kind']}, {keys['rule']}, {keys['outputs']} outputs")

    def stairs(self, tensor):
        sums = tensor.source
        what = (
            f"{self.graph.where}: {node_text(tensor.steps[-1].node)}" if tensor.steps else sums.text
        )
        span = int(sums.high.max()) - int(sums.low.min())
        turning = [step.node for step in tensor.steps if step.node.op_type in TURNING]
        if turning and span > stairs.most_at_once(len(sums.scale)):
            raise self.fail(
                turning[0], "may rise and fall, and its sums are too many to see whether it does"
            )
        return stairs.find(
            function_of(self.graph, tensor),
            int(sums.low.min()),
            int(sums.high.max()),
            len(sums.scale),
            sums.error,
            what,
        )

    def _input_codes(self, tensor, reader, zero):
        if self.input is not None:
            raise self.fail(reader, "reads the input a second time")
        steps = [step for step in tensor.steps if step.node.op_type not in SHAPES]
        for step in steps:
            if step.node.op_type == "BatchNormalization" or any(
                value.size != 1 for value in broadcasting(step.node, dict(step.constants))
            ):
                raise self.fail(
                    step.node, "treats the elements of the input differently, which cannot be built"
                )

        def function(values):
            return self.graph.apply(steps, values.astype(np.float32))

        annotated = None if tensor.is_quantised else self.graph.input_type
        if self.given is not None or annotated is not None:
            what = f"{self.graph.where}: {node_text(steps[-1].node) if steps else self.graph.input}"
            codes, self.encoder, self.values = given_codes(
                function, self.given or annotated, zero, what
            )
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

    # Linear nodes

    def _linear(self, node, position, tensor):
        if position != 0:
            raise self.fail(
                node,
                "multiplies by a tensor that depends on the input; only constant weights can be built",
            )
        if missing := [name for name in node.input[1:] if name and name not in self.constants]:
            raise self.fail(node, f"reads `{missing[0]}`, which nothing computes")
        linear = linear_of(self.graph, node, self.constants, self.known.grids, tensor.order.shape)
        codes, order = self._codes(tensor, node, linear.needs_zero)
        if linear.size is None:
            places, self.shape = order.ravel(), self.shape or [order.size]
            if self.layers:
                linear = linear.reordered(np.argsort(places))
            else:
                self.order = places
        else:
            self._check_image(node, order)
        sums = sums_of(
            linear, codes, len(self.layers), order.ndim, self.graph.where, node_text(node)
        )
        keys = sums.keys
        kind = {"dense": "a dense layer", "conv": "a convolution"}[keys["kind"]]
        self.rows.append(
            (
                node_text(node),
                f"{kind} `{keys['name']}`, rule {keys['rule']}, {keys['outputs']} outputs",
            )
        )
        if linear.size is None:
            count = keys["outputs"]
            return Tensor(sums, np.arange(count).reshape(1, count))
        return self._image_of(sums, linear.size)

    def _check_image(self, node, order):
        """See that an image is read in the order in which the layer before gives it, or set the order of the input."""
        raster = order.reshape(order.shape[1], *([1] * (4 - order.ndim)), *order.shape[2:])
        raster = raster.transpose(1, 2, 0)
        if not self.layers:
            self.order, self.shape = raster.ravel(), list(raster.shape)
        elif not np.array_equal(raster.ravel(), np.arange(raster.size)):
            raise self.fail(node, "reads an image whose rows, columns or channels were exchanged")

    @staticmethod
    def _image_of(sums, size):
        count = sums.keys["outputs"]
        made = np.arange(size[0] * size[1] * count).reshape(*size, count).transpose(2, 0, 1)
        return Tensor(sums, made.reshape(1, count, *size[4 - sums.rank :]))

    def _largest(self, node, tensor):
        """A pooling that takes the largest: two layers, see `tnhw.importing.pooling`."""
        window, size = window_of(self.graph, node, tensor.order.shape)
        codes, order = self._codes(tensor, node)
        self._check_image(node, order)
        channels, what = order.shape[1], f"{self.graph.where}: {node_text(node)}"
        keys, arrays = pooling.reached_keys(window, channels, codes, len(self.layers), what)
        self.add(keys, arrays, "", None, np.arange(size[0] * size[1] * keys["outputs"]))
        sums = pooling.sums_of_counts(
            channels, codes, len(self.layers), order.ndim, node_text(node)
        )
        text = f"`{keys['name']}`, the codes that the largest reaches, and `{sums.keys['name']}`, their number"
        self.rows.append((node_text(node), text))
        return self._image_of(sums, size)
