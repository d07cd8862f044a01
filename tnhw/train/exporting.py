"""Export: a trained `torch.nn.Sequential` to an integer Network, bit for bit."""

import copy
import math

import torch
from torch import nn

from ..errors import InputError
from .layers import EXACT, Conv2d, Layer
from .modules import modules_of

__all__ = ["describe", "export"]


def export(model, name, shape=None, *, result=None, card=None):
    """Make the integer network of a trained model.

    Parameters
    ----------
    model : torch.nn.Sequential
        Layers of `tnhw.train.layers`, with `torch.nn.Flatten` and `torch.nn.Identity` between them if needed, also in a
        Sequential inside another one. It may be on any device, where it stays: a copy on the CPU is exported.
    name : str
    shape : tuple of int, optional
        Shape of one input: (features,), or (height, width, channels) if the first layer is a convolution.
    result : str, optional
        ``class`` or ``vector``. Default: ``class`` if the last layer gives logits, else ``vector``.
    card : dict, optional
        Stored in the network's file; JSON-able.

    Returns
    -------
    tnhw.network.Network

    Raises
    ------
    InputError
        If the model has other layers, if the layers do not fit each other or `shape`, or if a sum could be too
        large for float32 to hold it exactly.
    """
    from ..network import Network

    layers, arrays = describe(model, shape)
    first, last = _layers(model)[0], layers[-1]
    shape = shape or (first.inputs // (1 + first.complement),)
    result = result or ("vector" if last["output"] else "class")
    return Network(
        name=name, input=f"u{first.input_bits}", shape=list(shape), layers=layers, arrays=arrays,
        result=result, card=card or {},
    )  # fmt: skip


@torch.no_grad()
def describe(model, shape=None):
    """Layer dicts and array dicts of a model, as `tnhw.network.Network` takes them.

    Arrays are int64 numpy arrays: dense [outputs, inputs], conv [outputs, kh, kw, channels], bias
    [outputs]. In the model, channels come first; in the network they come last. `shape` and the errors are as for
    `export`.
    """
    dicts, arrays = [], []
    size = tuple(shape) if shape else None
    for number, layer in enumerate(_layers(copy.deepcopy(model).cpu())):
        where = f"layer {number} ({layer.synapse.rule}, {layer.kind})"
        made, moved, size = _layer(layer, size, where)
        _check_exact(layer, where)
        dicts.append(made)
        arrays.append({name: array.to(torch.int64).numpy() for name, array in moved.items()})
    return dicts, arrays


def _layers(model):
    layers = [m for _, m in modules_of(model) if not isinstance(m, nn.Flatten | nn.Identity)]
    for number, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise InputError(
                f"layer {number} is {type(layer).__name__}; only layers of tnhw.train can be exported"
            )
        if layer.output_bits is None and layer is not layers[-1]:
            raise InputError(
                f"layer {number} gives logits but is not the last: give it `output_bits`"
            )
        if number and layer.input_bits != layers[number - 1].output_bits:
            raise InputError(
                f"layer {number} takes {layer.input_bits} bits, but layer {number - 1} gives "
                f"{layers[number - 1].output_bits}"
            )
    if not layers:
        raise InputError("the model has no layers")
    return layers


def _layer(layer, size, where):
    """Dict, arrays and output shape of one layer whose input has the shape `size`."""
    synapse, halves = layer.synapse, 1 + layer.complement
    arrays = synapse.arrays(layer.kept(), layer.input_bits)
    if isinstance(layer, Conv2d):
        if not size or len(size) != 3 or size[2] * halves * layer.kernel**2 != layer.inputs:
            raise InputError(f"{where}: needs an input of (height, width, channels), not {size}")
        inner = (layer.outputs, size[2] * halves, layer.kernel, layer.kernel)
        arrays = {key: array.view(inner).permute(0, 2, 3, 1) for key, array in arrays.items()}
        spots = [(n + 2 * layer.padding - layer.kernel) // layer.stride + 1 for n in size[:2]]
        after = (*spots, layer.outputs)
    else:
        if size and math.prod(size) * halves != layer.inputs:
            raise InputError(f"{where}: takes {layer.inputs // halves} inputs, but gets {size}")
        if size and len(size) == 3:
            inner = (layer.outputs, halves, size[2], *size[:2])
            arrays = {
                key: array.view(inner).permute(0, 1, 3, 4, 2).reshape(layer.outputs, -1)
                for key, array in arrays.items()
            }
        after = (layer.outputs,)
    scale = round(layer.scale.item())
    offset = layer.bias * 2.0**scale - layer.mean
    arrays["bias"] = torch.floor(offset * 2**layer.fraction + 0.5)
    made = {
        "kind": layer.kind, "rule": synapse.rule, "outputs": layer.outputs,
        "parameter": synapse.parameter(layer.input_bits), "gain": synapse.gain,
        "complement": bool(layer.complement),
        "output": f"u{layer.output_bits}" if layer.output_bits else None,
        "shift": layer.fraction + scale - layer.output_bits if layer.output_bits else 0,
    }  # fmt: skip
    if isinstance(layer, Conv2d):
        made |= {"kernel": [layer.kernel] * 2, "stride": layer.stride, "padding": layer.padding}
    return made, arrays, after


def _check_exact(layer, where):
    """Raise InputError if a partial sum, in any order, could be too large for float32 to hold it exactly."""
    top = torch.full((1, layer.inputs), 1 - 2.0**-layer.input_bits)
    p = layer.kept()
    largest = (top.double() @ _bound(layer.synapse, p).double().T).max().item()
    offset = (layer.bias * 2.0 ** layer.scale.item() - layer.mean).abs().max().item()
    if (largest + offset) * 2**layer.fraction >= EXACT:
        raise InputError(f"{where}: sums do not fit 24 bits; use fewer inputs or narrower formats")


def _bound(synapse, p):
    """For every synapse the largest abs(term) divided by the largest x, [outputs, inputs]."""
    if synapse.rule == "threshold" or synapse.rule == "addernet":
        return torch.ones_like(p["p"])
    return synapse.quantise(p["p"]).abs()
