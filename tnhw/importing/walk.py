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
from . import joining, last, pooling
from .carrying import Row, in_a_row
from .coding import Coding, Read
from .constants import Constants
from .graph import Graph, Node, Step, node_text
from .linear import LINEAR, Sums, linear_of, sums_of, window_of
from .records import Imported
from .specs import INPUT
from .tensors import (
    CLASSES,
    ELEMENTWISE,
    ORDERED,
    PASSING,
    QUANTISERS,
    REMEDIES,
    ROWS,
    SHAPES,
    Held,
    Input,
    Tensor,
    as_image,
    broadcasting,
)  # fmt: skip

__all__ = ["Walk"]

CHANNELS = 1  # the axis behind the batch


class Walk:
    """One walk along the nodes of a graph; `whole` makes the network."""

    def __init__(
        self, graph: Graph, name: str, input: str | None, result: str | None, say: Any
    ) -> None:
        self.graph, self.name, self.result = graph, name, result
        order = np.arange(int(np.prod(graph.shape))).reshape(graph.shape)
        self.tensors: dict[str, Tensor] = {}
        self.known = Constants(graph)
        self.constants = self.known.values
        self.coding = Coding(graph, input, say)
        self.as_class = False
        self._put(Tensor(Input(), order, name=graph.input))

    def fail(self, node: Node, why: str) -> InputError:
        return self.coding.fail(node, why)

    def whole(self) -> Imported:
        coding, graph = self.coding, self.graph
        for node in graph.nodes:
            self._node(node)
        if graph.output not in self.tensors:
            raise InputError(f"{graph.where}: its output does not depend on its input")
        result = last.end(self, self.tensors[graph.output])
        assert coding.input is not None and coding.encoder is not None
        rows = in_a_row(coding.specs, coding.input, coding.shape, graph.where)
        branched = (
            {"branches": True} if any(len(row.places) > 1 or row.carried for row in rows) else {}
        )
        same = np.array_equal(coding.order, np.arange(coding.order.size))
        encoder = coding.encoder if same else replace(coding.encoder, order=coding.order)
        network = Network(
            self.name, str(coding.input.number), coding.shape, [row.keys for row in rows], [row.arrays for row in rows], result,
            {"source": Path(graph.where).name, "encoder": encoder.to_dict()} | branched,
            where=graph.where,
        )  # fmt: skip
        return Imported(
            network, graph, self._texts(rows), [row.places for row in rows], encoder, coding.values, self.as_class
        )  # fmt: skip

    def _texts(self, rows: list[Row]) -> list[tuple[str, str]]:
        """What each node became, and which layers do more than one thing."""
        texts, specs = self.coding.rows, self.coding.specs
        for row in rows:
            own, *others = [specs[k].keys["name"] for k in row.specs]
            for name in others:
                texts = [(node, text.replace(f"`{name}`", f"`{own}`")) for node, text in texts]
            if row.carried:
                names = [specs[k].tensor if k != INPUT else self.graph.input for k in row.carried]
                text = ", ".join(f"`{name}`" for name in names)
                texts = [*texts, (f"`{own}`", f"also passes on {text}, which a later layer reads")]
        return texts

    # Nodes

    def _node(self, node: Node) -> None:
        varying = [k for k, name in enumerate(node.input) if name in self.tensors]
        if not varying:
            if missing := [n for n in node.input if n and n not in self.constants]:
                raise self.fail(node, f"reads `{missing[0]}`, which nothing computes")
            self.known.add(node)
            return
        if self.as_class:
            raise self.fail(node, "nothing can follow the choice of a class")
        if len(varying) > 1:
            made = self._join(node, varying)
        else:
            made = self._follow(node, varying[0], self.tensors[node.input[varying[0]]])
        output = node.output[node.op_type == "TopK"]  # the second of this one is the index
        self._put(replace(made, name=output))

    def _put(self, tensor: Tensor) -> None:
        """Note a tensor. An input that several nodes read from here on gets its codes here."""
        name = tensor.name
        if (
            isinstance(tensor.source, Input)
            and len(readers := self.graph.reading[name]) > 1
            and self.coding.has_codes(tensor)
        ):
            read = self.coding.read(tensor, readers[0], self.graph.is_padded(name))
            tensor = Tensor(read.held, read.order, name=name)
        self.tensors[name] = tensor

    def _follow(self, node, position, tensor):
        kind = node.op_type
        if kind in PASSING or (kind == "Concat" and len(node.input) == 1):
            return tensor
        if kind == "Concat":
            raise self.fail(
                node,
                "concatenates a constant, which cannot be built; put its weights into the bias of what follows",
            )
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
                    "what can are dense layers, convolutions, poolings, `Add`, `Sub` and `Concat` of branches, with elementwise functions "
                    "and quantisers between them",
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
                    f"makes a tensor of {order.ndim} axes of the results of a layer, which cannot be built; what can is one of two axes",
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
        if isinstance(tensor.source, Held):
            tensor = self.coding.summed(tensor)
        if isinstance(tensor.source, Input) or len(tensor.source.scale) != tensor.order.size:
            raise self.fail(
                node, "chooses among the places of an image; put a dense layer or a mean before it"
            )
        self.as_class = kind in CLASSES
        self.result = self.result or "class"
        if self.result == "vector":
            raise self.fail(node, 'cannot be built with `result = "vector"`: only the class can')
        self.coding.rows.append((node_text(node), "the class, the index of the largest output"))
        return replace(tensor, ordered=True, unordered=tensor.unordered or tensor.name)

    def _behind_order(self, node, tensor):
        """What may follow a Softmax: a quantiser that is the same for all outputs, so the largest stays the largest."""
        sizes = [self.constants[name].size for name in node.input[1:] if name in self.constants]
        if node.op_type not in QUANTISERS or max(sizes, default=1) != 1:
            raise self.fail(
                node,
                "follows a Softmax, behind which nothing but the choice of a class can be built",
            )
        self.coding.rows.append((node_text(node), "no effect on which output is largest"))
        return tensor

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
        read = self.coding.read(tensor, node, linear.needs_zero)
        if linear.size is None:
            linear = linear.reordered(np.argsort(read.order.ravel()))
        else:
            self._check_image(node, read)
        number = self.coding.number()
        sums = sums_of(
            linear, read.held, number, read.order.ndim, self.graph.where, node_text(node)
        )
        keys = sums.keys
        kind = {"dense": "a dense layer", "conv": "a convolution"}[keys["kind"]]
        text = f"{kind} `{keys['name']}`, rule {keys['rule']}, {keys['outputs']} outputs"
        self.coding.rows.append((node_text(node), text))
        return self._results(sums)

    def _check_image(self, node: Node, read: Read) -> None:
        """See that an image is read in the order in which the layers before give it."""
        if not np.array_equal(as_image(read.order).ravel(), read.held.raster):
            raise self.fail(node, "reads an image whose rows, columns or channels were exchanged")

    @staticmethod
    def _results(sums):
        """The tensor of the results of a layer."""
        count = sums.keys["outputs"]
        if sums.size is None:
            return Tensor(sums, np.arange(count).reshape(1, count))
        made = np.arange(sums.size[0] * sums.size[1] * count).reshape(*sums.size, count)
        made = made.transpose(2, 0, 1)
        return Tensor(sums, made.reshape(1, count, *sums.size[4 - sums.rank :]))

    def _largest(self, node, tensor):
        """A pooling that takes the largest: two layers, see `tnhw.importing.pooling`."""
        window, size = window_of(self.graph, node, tensor.order.shape)
        read, coding = self.coding.read(tensor, node), self.coding
        self._check_image(node, read)
        channels = read.order.shape[1]
        bits, found = pooling.reached(
            window, channels, size, read.held, coding.number(), self.graph.where, node_text(node)
        )
        held = coding.finish(self._results(bits), pooling.BITS, found)
        sums = pooling.sums_of_counts(
            channels, read.codes, held, coding.number(), read.order.ndim, node_text(node)
        )
        text = f"`{bits.keys['name']}`, the codes that the largest reaches, and `{sums.keys['name']}`, their number"
        coding.rows.append((node_text(node), text))
        return self._results(sums)

    # Branches that meet

    def _join(self, node, varying):
        kind = node.op_type
        if kind not in joining.JOINING or len(varying) != len(node.input):
            raise self.fail(
                node,
                "joins branches of the graph in a way that cannot be built; what can are `Add`, `Sub` and `Concat` of results of layers",
            )
        if kind == "Sum" and len(varying) > 2:
            raise self.fail(
                node,
                "adds more than two tensors; use `Add` for each two, with a quantiser between them",
            )
        tensors = [self.tensors[name] for name in node.input]
        if any(tensor.ordered for tensor in tensors):
            raise self.fail(
                node,
                "follows a Softmax, behind which nothing but the choice of a class can be built",
            )
        shapes = [tensor.order.shape for tensor in tensors]
        along = {a.name: a.i for a in node.attribute}.get("axis", CHANNELS) % len(shapes[0])
        if kind == "Concat":
            if (
                along != CHANNELS
                or len({len(shape) for shape in shapes}) > 1
                or len({shape[2:] for shape in shapes}) > 1
            ):
                raise self.fail(
                    node,
                    f"concatenates tensors of the shapes {[list(s) for s in shapes]} along axis {along}; only channels can be",
                )
        elif len(set(shapes)) > 1:
            raise self.fail(
                node,
                f"joins tensors of the shapes {[list(s) for s in shapes]}; only equal ones can be: expand the smaller one",
            )
        operands = []
        for tensor in tensors:
            read = self.coding.read(tensor, node)
            if len(shapes[0]) > 2:
                self._check_image(node, read)
            operands.append((read.held, read.order))
        return self._joined(node, operands)

    def _joined(self, node, operands):
        number, what = self.coding.number(), node_text(node)
        if node.op_type == "Concat":
            source, order = joining.beside(operands, number, what)
            text = "no layer of its own: the branches lie side by side"
            if isinstance(source, Sums):
                text = (
                    f"`{source.keys['name']}`, the branches side by side with codes of equal steps"
                )
            self.coding.rows.append((what, text))
            return Tensor(source, order)
        sums = joining.added(operands, node.op_type == "Sub", number, self.graph.where, what)
        text = f"`{sums.keys['name']}`, the codes of both branches added up"
        self.coding.rows.append((what, text))
        return self._results(sums)
