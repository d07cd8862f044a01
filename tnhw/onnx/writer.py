"""A network as an ONNX file: each layer is a call of a function of the domain ``tnhw``.

The functions (`tnhw.onnx.functions`) are in the file and consist of standard operators, so any runtime with opset 17
computes the same bits. Input and outputs are int64; all numbers between them are int32.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import InputError
from ..network import Network
from ..support.files import write_files
from ..synapse import Format
from .files import packages
from .functions import DOMAIN, FUNCTIONS, OPSET, VERSION, neuron

__all__ = ["HEADER", "model", "save"]

HEADER = "tnhw-network"  # key of the metadata with the network's header
IR_VERSION = 8  # the first with functions in a model
ROOM = 1 << 30  # limit of a sum: the offset of `Requantise`


def save(network: Network, path: str | os.PathLike[str]) -> Any:
    """Write a network as an ONNX file; returns its ModelProto.

    Raises
    ------
    InputError, ToolMissing
        As for `model`, or if the file cannot be written.
    """
    path, made = Path(path), model(network)
    write_files(path.parent, {path.name: made.SerializeToString(deterministic=True)})
    return made


def model(network: Network) -> Any:
    """Make the ONNX ModelProto of a network.

    Its input is ``x``, int64 [n, *shape]. Its outputs are ``y``, int64 [n, outputs], the outputs of the last layer,
    and for a classifier ``class``, int64 [n, 1].

    Raises
    ------
    InputError
        If there is no function for a layer's rule, or its sums need more than 31 bits.
    ToolMissing
        If the package `onnx` is not installed.
    """
    onnx, helper, numpy_helper, parser = packages()
    nodes, tensors, used = [], [], set()
    types = onnx.TensorProto

    def constant(name, array):
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def call(function, inputs, output, name, **attributes):
        used.add(function)
        nodes.append(
            helper.make_node(function, inputs, [output], name=name, domain=DOMAIN, **attributes)
        )
        return output

    nodes.append(helper.make_node("Cast", ["x"], ["x32"], name="integers", to=types.INT32))
    now = "x32"
    image = len(network.shape) == 3
    for layer in network.layers:
        _check_room(layer)
        now = _layer(layer, now, image, call, constant, nodes, helper)
        image = layer.keys.kind == "conv"
    if image:
        rows = constant("rows", np.array([0, network.outputs]))
        nodes.append(helper.make_node("Reshape", [now, rows], ["row"], name="rows"))
        now = "row"
    outputs = [helper.make_tensor_value_info("y", types.INT64, ["n", network.outputs])]
    nodes.append(helper.make_node("Cast", [now], ["y"], name="result", to=types.INT64))
    if network.result == "class":
        nodes.append(helper.make_node("ArgMax", [now], ["class"], name="first_largest", axis=-1))
        outputs.insert(0, helper.make_tensor_value_info("class", types.INT64, ["n", 1]))
    graph = helper.make_graph(
        nodes,
        network.name,
        [helper.make_tensor_value_info("x", types.INT64, ["n", *network.shape])],
        outputs,
        tensors,
    )
    made = helper.make_model(
        graph,
        functions=[parser.parse_function(FUNCTIONS[name]) for name in sorted(used)],
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, VERSION)],
        ir_version=IR_VERSION,
        producer_name="tnhw",
        producer_version=__version__,
    )
    helper.set_model_props(made, {HEADER: json.dumps(network.header, sort_keys=True)})
    return made


def _layer(layer, now, image, call, constant, nodes, helper):
    """Add the nodes of a layer whose input, an image or a row, is named `now`; returns the name of its output."""
    name, keys, kernel = layer.name, layer.keys, layer.kernel
    if keys.kind == "dense" and image:
        end = constant(f"{name}_rows", np.array([0, layer.in_shape[2]]))
        nodes.append(helper.make_node("Reshape", [now, end], [f"{name}_x"], name=f"{name}_rows"))
        now = f"{name}_x"
    if keys.complement:
        top = layer.input.max + layer.input.min
        now = call("WithComplement", [now], f"{name}_both", f"{name}_complement", top=top)
    if keys.kind == "conv":
        top, left, bottom, right = layer.pads
        around = [0, top, left, 0, 0, bottom, right, 0]
        taps = constant(f"{name}.taps", layer.rows.ravel())
        now = call(
            "Windows", [now, taps], f"{name}_windows", f"{name}_windows",
            pads=around, channels=[layer.channels], fan_in=[layer.fan_in],
        )  # fmt: skip
    function, arrays = neuron(keys.rule, keys.gain)
    given = [
        constant(f"{name}.{array}", _smallest(kernel.arrays[array])) for array in (*arrays, "bias")
    ]
    now = call(function, [now, *given], f"{name}_z", name)
    now = _REQUANTISED[keys.requantise](layer, now, call, constant)
    if keys.kind == "conv":
        shape = constant(f"{name}_shape", np.array([0, *layer.out_shape]))
        nodes.append(
            helper.make_node("Reshape", [now, shape], [f"{name}_image"], name=f"{name}_image")
        )
        now = f"{name}_image"
    return now


def _shifted(layer, now, call, constant):
    name, keys = layer.name, layer.keys
    if keys.output is None:
        return now
    up, down = max(0, -keys.shift), max(0, keys.shift)
    return call(
        "Requantise", [now], f"{name}_y", f"{name}_requantise",
        multiplier=1 << up, divisor=1 << down, low=keys.output.min, high=keys.output.max,
    )  # fmt: skip


def _staircase(layer, now, call, constant):
    name, stage = layer.name, layer.requantiser
    given = [constant(f"{name}.{array}", _smallest(stage.arrays[array])) for array in stage.names]
    return call(
        "Staircase", [now, *given], f"{name}_y", f"{name}_requantise",
        low=stage.format.min, high=stage.format.max,
    )  # fmt: skip


def _scaled(layer, now, call, constant):
    name, shift, stage = layer.name, layer.keys.shift, layer.requantiser
    given = [constant(f"{name}.{array}", _smallest(stage.arrays[array])) for array in stage.names]
    base = 1 << max(0, stage.scaled_format.bits - shift)
    return call(
        "Scale", [now, *given], f"{name}_y", f"{name}_requantise",
        divisor=1 << shift, base=base, low=stage.format.min, high=stage.format.max,
    )  # fmt: skip


_REQUANTISED = {"shift": _shifted, "staircase": _staircase, "scale": _scaled}


def _smallest(array):
    """The array in the smallest type that holds it."""
    return array.astype(Format.of_interval(int(array.min()), int(array.max())).numpy)


def _check_room(layer):
    """Raise InputError unless every partial sum, shifted and rounded, fits into 30 bits and a sign."""
    kernel, keys = layer.kernel, layer.keys
    low, high = kernel.synapse.interval(kernel.arrays)
    terms = np.maximum(np.abs(low), np.abs(high)).astype(object).sum(axis=1)
    largest = max(terms + np.abs(kernel.arrays["bias"]).astype(object))
    needed = (int(largest) << max(0, -keys.shift)) + kernel.half
    result = layer.output_format
    if needed >= ROOM or kernel.shift >= 30 or max(-result.min - 1, result.max) > (1 << 31) - 1:
        raise InputError(
            f"layer `{layer.name}`: its numbers need more than 31 bits, and ONNX functions of tnhw have int32; "
            "use narrower formats or fewer inputs"
        )
