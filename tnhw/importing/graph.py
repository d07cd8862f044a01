"""The graph of an ONNX file: read safely, cleaned up by `qonnx`, and executed node by node.

Operators are never computed by code of our own: standard ones run in `onnxruntime`, those of QONNX in `qonnx`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import warnings
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, ToolMissing
from ..onnx import files

__all__ = ["Graph", "Node", "Step", "node_text", "parse"]

OLDEST = 8  # operator set that onnxruntime has whole

Node = Any  # onnx.NodeProto


def packages():
    """The modules `onnx` and `onnxruntime`, and the parts of `qonnx` that are used.

    Raises
    ------
    ToolMissing
        If one of these packages is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import onnx
            import onnx.version_converter
            import onnxruntime
            import qonnx.core.execute_custom_node
            import qonnx.core.modelwrapper
            import qonnx.custom_op.registry
            import qonnx.util.cleanup
    except ImportError as error:
        raise ToolMissing(
            f'a Python package for the import of networks is missing ({error}): `pip install "tnhw[import]"`'
        ) from None
    return onnx, onnxruntime, qonnx


def parse(path: str | os.PathLike[str]) -> Any:
    """Parse a file as ONNX: a ModelProto. Nothing outside the file is read.

    Raises
    ------
    InputError
        If the file is missing, too large, or is not ONNX.
    ToolMissing
        If a package is missing.
    """
    packages()
    model = files.parse(path)
    if not model.graph.node:
        raise InputError(f"{path}: not an ONNX file with a graph: it has no nodes")
    for tensor in model.graph.initializer:
        files.check_tensor(tensor, path, "save the model with all data inside")
    return model


def node_text(node: Node) -> str:
    """How messages call a node: its operator, and its name or that of its output."""
    return f"{node.op_type} `{node.name or (node.output[0] if node.output else '?')}`"


@dataclass(frozen=True)
class Step:
    """A node that is applied to one tensor; its other inputs are constants."""

    node: Node
    position: int
    constants: tuple[tuple[str, np.ndarray], ...]


class Graph:
    """A cleaned-up graph with one input and one output.

    Parameters
    ----------
    model : ModelProto
    where : str
        The file, for messages.

    Attributes
    ----------
    nodes : list of Node
        In an order in which each node is behind those that it reads.
    constants : dict of str to array
        The initializers.
    input, output : str
        Names of the tensors.
    shape : tuple of int
        Shape of the input; the first axis is the batch, and is taken as 1.

    Raises
    ------
    InputError
        If the graph has several inputs or outputs, an unknown size, or is damaged.
    """

    def __init__(self, model: Any, where: str) -> None:
        self._onnx, self._runtime, self._qonnx = packages()
        self.where = where
        if model.functions:
            raise InputError(
                f"{where}: calls functions of its own, as files of tnhw do, but has no metadata `tnhw-network`; export it again "
                "without local functions"
            )
        model = self._cleaned(model)
        graph = model.graph
        helper = self._onnx.numpy_helper
        try:
            self.constants = {t.name: helper.to_array(t) for t in graph.initializer}
        except (ValueError, TypeError) as error:
            raise InputError(f"{where}: an initializer is damaged ({error})") from None
        read = {name for node in graph.node for name in node.input}
        inputs = [o for o in graph.input if o.name not in self.constants and o.name in read]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise InputError(
                f"{where}: has {len(inputs)} inputs and {len(graph.output)} outputs; only networks with one of each "
                "can be built: cut the others off before the export"
            )
        self.input, self.output = inputs[0].name, graph.output[0].name
        self.shape = self._shape(inputs[0])
        self.nodes = self._live(graph.node)
        self._model, self._graph = model, graph
        self._versions = {o.domain: o.version for o in model.opset_import}
        self._opset = next(
            (o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 17
        )
        self.input_type = self._type(graph)
        self.reading: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.reading[name].append(node)

    def _cleaned(self, model):
        qonnx = self._qonnx
        try:
            with _quiet():
                versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
                if versions and versions[0] < OLDEST:
                    model = self._onnx.version_converter.convert_version(model, OLDEST)
                wrapped = qonnx.core.modelwrapper.ModelWrapper(_read_once(model, self.node_of))
                return qonnx.util.cleanup.cleanup_model(wrapped).model
        except Exception as error:  # qonnx raises what it likes for a damaged graph
            text = str(error).strip().splitlines()[0][:160] if str(error).strip() else ""
            raise InputError(
                f"{self.where}: its graph cannot be understood ({type(error).__name__}: {text})"
            ) from None

    def _shape(self, info):
        dims = info.type.tensor_type.shape.dim
        if not dims:
            raise InputError(
                f"{self.where}: input `{info.name}` has no shape; export the model with fixed sizes"
            )
        sizes = [1, *(dim.dim_value for dim in dims[1:])]
        if (
            len(sizes) < 2
            or min(sizes) < 1
            or int(np.prod(sizes, dtype=object)) > files.MAX_ELEMENTS
        ):
            raise InputError(
                f"{self.where}: input `{info.name}` has the shape {[d.dim_param or d.dim_value for d in dims]}; "
                "all axes but the first, the batch, must have a fixed size"
            )
        return tuple(sizes)

    def _live(self, nodes):
        """The nodes on which the output depends, in their order."""
        wanted, live = {self.output}, []
        for node in reversed(nodes):
            if wanted & set(node.output):
                live.append(node)
                wanted |= set(node.input)
        return live[::-1]

    def _type(self, graph):
        """The format that an annotation of QONNX gives the input, as `load` takes it, or None."""
        for tensor in graph.quantization_annotation:
            if tensor.tensor_name == self.input:
                for entry in tensor.quant_parameter_tensor_names:
                    if entry.key == "finn_datatype":
                        return _TYPES.get(entry.value) or _format(entry.value)
        return None

    def attribute(self, attribute: Any) -> Any:
        """The value of an attribute of a node: a number, bytes, an array or a list."""
        return self._onnx.helper.get_attribute_value(attribute)

    def node_of(
        self, kind: str, inputs: list[str], output: str, domain: str, attributes: dict[str, Any]
    ) -> Node:
        """A new node."""
        return self._onnx.helper.make_node(
            kind, inputs, [output], domain=domain, name=output, **attributes
        )

    def model_of(self, nodes: list[Node], constants: dict[str, np.ndarray], domain: str) -> Any:
        """A ModelProto with the input and output of this graph, but with other nodes, some of them of another domain."""
        onnx, helper = self._onnx, self._onnx.helper
        kind = onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            nodes, "quantised",
            [helper.make_tensor_value_info(self.input, kind, self.shape)],
            [helper.make_tensor_value_info(self.output, kind, None)],
            [onnx.numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in constants.items()],
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self._opset), helper.make_opsetid(domain, 1)]
        made = helper.make_model(graph, opset_imports=opsets)
        made.ir_version = 8
        return made

    def is_padded(self, name: str) -> bool:
        """Whether a node with padding reads a tensor, perhaps behind others that have a value for each value."""
        for node in self.reading[name]:
            given = {a.name: self.attribute(a) for a in node.attribute}
            if "kernel_shape" in given or node.op_type == "Conv":
                if any(given.get("pads", ())) or given.get("auto_pad", b"NOTSET").startswith(
                    b"SAME"
                ):
                    return True
            elif node.op_type not in ("MatMul", "Gemm") and any(map(self.is_padded, node.output)):
                return True
        return False

    def is_custom(self, node: Node) -> bool:
        """Whether a node has an operator of QONNX."""
        return self._qonnx.custom_op.registry.is_custom_op(node.domain, node.op_type)

    def run(self, node: Node, values: dict[str, np.ndarray], number: int = 0) -> np.ndarray:
        """Output `number` of a node for the values of its inputs.

        Raises
        ------
        InputError
            If the operator is unknown, or does not take these values.
        """
        try:
            with _quiet():
                if self.is_custom(node):
                    return self._custom(node, values)
                return self._standard(node, values, number)
        except Exception as error:  # the packages raise what they like
            text = str(error).strip().splitlines()[0][:160] if str(error).strip() else ""
            raise InputError(
                f"{self.where}: {node_text(node)} cannot be computed ({type(error).__name__}: {text})"
            ) from None

    def _custom(self, node, values):
        context = {name: values[name] for name in node.input if name}
        for name in node.output:
            context[name] = np.zeros(1, np.float32)
        self._qonnx.core.execute_custom_node.execute_custom_node(
            node, context, self._graph, onnx_opset_version=self._versions.get(node.domain, 1)
        )
        return np.asarray(context[node.output[0]])

    def _standard(self, node, values, number):
        helper, onnx = self._onnx.helper, self._onnx
        given = list(dict.fromkeys(name for name in node.input if name))
        infos = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(values[name].dtype), values[name].shape
            )
            for name in given
        ]
        outputs = [onnx.ValueInfoProto(name=node.output[number])]
        graph = helper.make_graph([node], "node", infos, outputs)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self._opset)])
        model.ir_version = 8
        options = self._runtime.SessionOptions()
        options.log_severity_level = 4
        session = self._runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return session.run([node.output[number]], {name: values[name] for name in given})[0]

    def apply(self, steps: list[Step], value: np.ndarray) -> np.ndarray:
        """What a row of nodes makes of a value."""
        for step in steps:
            values = dict(step.constants)
            values[step.node.input[step.position]] = value
            value = self.run(step.node, values)
        return value

    def reference(self, x: np.ndarray, names: list[str]) -> list[np.ndarray]:
        """Tensors of the graph for inputs x [n, ...], node by node: what the trained network computes.

        Nodes that make rows of a batch of one make n rows here.
        """
        values: dict[str, np.ndarray] = {**self.constants, self.input: x}
        batched, wanted = {self.input}, {*names, *self.reading}
        for node in self.nodes:
            varies = any(name in batched for name in node.input)
            batched |= set(node.output) if varies else set()
            made = self._rows(node, values) if varies else None
            values[node.output[0]] = self.run(node, values) if made is None else made
            for number, name in enumerate(node.output[1:], 1):
                if name in wanted:
                    values[name] = self.run(node, values, number)
        return [values[name] for name in names]

    @staticmethod
    def _rows(node, values):
        """The result of a node that makes rows; None for others."""
        if node.op_type not in ("Reshape", "Flatten"):
            return None
        batch = values[node.input[0]]
        if node.op_type == "Flatten":
            return batch.reshape(len(batch), -1)
        shape = [int(extent) for extent in values[node.input[1]]]
        if shape[1:] == [] or shape[0] not in (0, 1, -1):
            return batch.reshape(len(batch), -1)
        return batch.reshape(len(batch), *(-1 if n == -1 else n for n in shape[1:]))


def _read_once(model, node_of):
    """A model in which no node reads a tensor twice: `qonnx` renames only the first of two equal inputs."""
    copy, nodes = type(model)(), []
    copy.CopyFrom(model)
    for node in copy.graph.node:
        for place, name in enumerate(node.input):
            if name and name in node.input[:place]:
                node.input[place] = again = f"{name}_again_{len(nodes)}"
                nodes.append(node_of("Identity", [name], again, "", {}))
        nodes.append(node)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


_TYPES = {"BIPOLAR": "bipolar", "BINARY": "u1", "TERNARY": "s2"}


def _format(name):
    """The format of a type such as ``UINT4`` or ``INT8``, or None."""
    match = re.fullmatch("(U?)INT([1-9][0-9]?)", name)
    return f"{'u' if match[1] else 's'}{match[2]}" if match else None


@contextlib.contextmanager
def _quiet():
    """Keep what the packages print and log to themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
