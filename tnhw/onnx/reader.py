"""Read a network from an ONNX file that `tnhw export --format onnx` wrote; other tools may have rewritten it.

The file says twice what is computed: as a graph, and as metadata with parameters. A network is made from the latter
and written as ONNX again, which must give the same graph and functions, node by node. A file whose graph was changed
is therefore an error. Nothing outside the file is read.
"""

import os

from ..errors import InputError
from ..network import Network
from ..network.requantisers import REQUANTISERS
from ..support.config import parse_json
from .files import check_tensor, packages, parse
from .writer import HEADER, model

__all__ = ["is_own", "load"]

REMEDY = "export it again with `tnhw export --format onnx`"


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from an ONNX file.

    Raises
    ------
    InputError
        If the file is missing, is not ONNX, was not written by tnhw, or its graph does not agree with its metadata.
    ToolMissing
        If the package `onnx` is not installed.
    """
    onnx, _, numpy_helper, _ = packages()
    found = parse(path)
    header = _header(found, path)
    arrays = _arrays(found, path, onnx, numpy_helper)
    network = _network(header, arrays, path)
    _compare(found, model(network), path)
    return network


def is_own(path: str | os.PathLike[str]) -> bool:
    """Whether an ONNX file has the metadata that tnhw writes; raises as `load` if it is no ONNX file."""
    return any(entry.key == HEADER for entry in parse(path).metadata_props)


def _header(found, path):
    texts = [entry.value for entry in found.metadata_props if entry.key == HEADER]
    if len(texts) != 1:
        raise InputError(
            f"{path}: has no metadata `{HEADER}`: only ONNX files that tnhw wrote can be read; train a "
            "network with `tnhw train`, or write its npz file"
        )
    header = parse_json(texts[0], f"{path}: the metadata `{HEADER}`")
    if not isinstance(header.get("layers"), list):
        raise InputError(f"{path}: the metadata `{HEADER}` must be a JSON object with `layers`")
    return header


def _arrays(found, path, onnx, numpy_helper):
    """Parameters by ``layer.array``: the initializers whose names have a dot."""
    types, arrays = onnx.TensorProto, {}
    integers = {
        types.INT8,
        types.INT16,
        types.INT32,
        types.INT64,
        types.UINT8,
        types.UINT16,
        types.UINT32,
    }
    for tensor in found.graph.initializer:
        name = tensor.name
        if not isinstance(name, str):  # bytes, where they are no UTF-8
            raise InputError(f"{path}: a tensor's name is damaged; {REMEDY}")
        check_tensor(tensor, path, REMEDY)
        if tensor.data_type not in integers:
            raise InputError(f"{path}: `{name}` must be integers; {REMEDY}")
        try:
            array = numpy_helper.to_array(tensor)
        except (ValueError, TypeError):
            raise InputError(f"{path}: `{name}` is damaged; {REMEDY}") from None
        if name in arrays:
            raise InputError(f"{path}: the tensor `{name}` is there twice; {REMEDY}")
        if "." in name and not name.endswith(".taps"):
            arrays[name] = array
    return arrays


def _network(header, arrays, path):
    layers, own = [], []
    for keys in header["layers"]:
        if not isinstance(keys, dict) or not isinstance(keys.get("name"), str):
            raise InputError(f"{path}: a layer of the metadata has no name; {REMEDY}")
        begin = f"{keys['name']}."
        members = {
            n.removeprefix(begin): arrays.pop(n) for n in list(arrays) if n.startswith(begin)
        }
        if keys.get("kind") == "conv":
            of_channels = {name for kind in REQUANTISERS.values() for name in kind.names}
            members = {
                name: array if name in of_channels else _windowed(array, keys)
                for name, array in members.items()
            }
        layers.append(keys)
        own.append(members)
    if arrays:
        raise InputError(f"{path}: the array `{sorted(arrays)[0]}` belongs to no layer; {REMEDY}")
    names = ("name", "input", "shape")
    if missing := [name for name in names if name not in header]:
        raise InputError(f"{path}: the metadata `{HEADER}` lacks `{missing[0]}`; {REMEDY}")
    optional = {key: header[key] for key in ("result", "card") if key in header}
    if not isinstance(header["shape"], list):
        raise InputError(f"{path}: `shape` must be a list, not {header['shape']!r}")
    return Network(*(header[name] for name in names), layers, own, **optional, where=str(path))


def _windowed(array, keys):
    """An array of a convolution in the shape that a layer takes: [outputs, height, width, channels]."""
    kernel = keys.get("kernel")
    if (
        array.ndim != 2
        or not isinstance(kernel, list)
        or not all(isinstance(k, int) for k in kernel)
    ):
        return array
    taps = 1
    for extent in kernel:
        taps *= extent
    if taps < 1 or array.shape[1] % taps:
        return array
    return array.reshape(array.shape[0], *kernel, -1)


def _compare(found, made, path):
    """Check that the graph and functions of the file are those that tnhw writes for the network."""
    parts = [
        ("input", found.graph.input, made.graph.input),
        ("output", found.graph.output, made.graph.output),
        ("node", found.graph.node, made.graph.node),
        ("tensor", found.graph.initializer, made.graph.initializer),
        ("function", found.functions, made.functions),
        ("operator set", found.opset_import, made.opset_import),
    ]
    for what, there, ours in parts:
        if len(there) != len(ours):
            raise InputError(
                f"{path}: has {len(there)} {what}s, but its metadata makes {len(ours)}; {REMEDY}"
            )
        for one, other in zip(there, ours, strict=True):
            if _plain(one) != _plain(other):
                name = getattr(one, "name", "") or getattr(one, "domain", "") or "standard"
                raise InputError(
                    f"{path}: the {what} `{name}` is not what its metadata says; {REMEDY}"
                )


def _plain(message):
    """Bytes of a protobuf message without comments and other metadata."""
    copy = type(message)()
    copy.CopyFrom(message)
    for key in ("doc_string", "metadata_props"):
        if key in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(key)
    return copy.SerializeToString(deterministic=True)
