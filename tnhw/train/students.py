"""The converted network before it is fine-tuned: layers of `tnhw.train` that begin from the weights of the original.

Layer by layer, on the sample of the original: the sign of a weight becomes the sign of a synapse, and its size, divided by
one number for the layer, the level. That number is the one of a few whose sums correlate best with those of the
original. Mean, scale and bias of the sums follow from what they are on the sample: an output is clipped at 0 as often as it is in the
original, unless it would then be clipped at 1. Its spread may be another one, and the weights behind it make up for that (cross-layer equalisation, Nagel et
al., arXiv 1906.04721).
"""

import math

import torch
from torch import nn

from ..errors import InputError
from .batches import as_input
from .exporting import describe
from .originals import columns, spread
from .recipes import LAYERS, OPTIONS

__all__ = ["student"]

# Of the sizes of the weights of a layer: which one is the largest that counts.
QUANTILES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
TARGET = 0.3  # standard deviation of scaled sums, as in `Recipe`
MIDDLE = 0.5  # largest mean of an output, whose range is 0 to 1: one that is hardly ever clipped at 0 may as well lie lower
LOGITS = 2.0  # that of the logits, before they are scaled to those of the original


@torch.no_grad()
def student(original, rules, *, bits=4, options=None):
    """Make the network that is to be fine-tuned.

    Parameters
    ----------
    original : Original
    rules : list of str
        For each part of the original, a rule that `tnhw.train` knows.
    bits : int
        Of activations between layers.
    options : dict, optional
        Of the synapses: `levels`, `min_level`, `gain`, `weight_bits`. A rule takes those that it has.

    Returns
    -------
    torch.nn.Sequential

    Raises
    ------
    InputError
        If a layer cannot be made; the message names it.
    """
    x = as_input(original.sample, original.shape, original.bits)
    layers, factor, width = [], None, original.bits
    for part, rule in zip(original.parts, rules, strict=True):
        last = part is original.parts[-1]
        mean, sigma = spread(part.sums)
        weights = part.weights if factor is None else columns(part.weights, factor)
        weights = weights.flatten(1) / (sigma.square().mean().sqrt() if last else sigma[:, None])
        try:
            layer = _layer(part, rule, width, None if last else bits, options or {})
            _begin(layer, x, weights, part.sums)
        except InputError as error:
            raise InputError(f"layer `{part.name}`: {error}") from None
        own = _place(layer, x, mean, sigma)
        layers.append(layer)
        x, width, factor = layer(x), bits, sigma / own
    model = nn.Sequential(*layers).eval()
    try:
        describe(model, original.shape)
    except InputError as error:
        raise InputError(f"the converted network cannot be exported: {error}") from None
    return model


def _layer(part, rule, width, bits, options):
    dense, conv = LAYERS[rule]
    own = {name: options[name] for name in OPTIONS.get(rule, ()) if name in options}
    own |= {"input_bits": width, "output_bits": bits, "target": TARGET if bits else LOGITS}
    outputs, inputs = part.weights.shape[:2]
    if part.dense:
        return dense(inputs, outputs, **own)
    window = {"stride": part.stride, "padding": part.padding}
    return conv(inputs, outputs, part.weights.shape[2], **window, **own)


def _begin(layer, x, weights, wanted):
    """Set the parameters of a layer, such that its sums for x are most like those that are wanted."""
    if not (weights.isfinite().all() and wanted.isfinite().all()):
        raise InputError("its weights or its sums are not finite numbers")
    sizes = weights.abs().flatten()
    sizes = sizes[sizes > 0].sort().values
    if not len(sizes):
        raise InputError("all its weights are 0")
    best = -math.inf
    for quantile in QUANTILES:
        scaled = weights / sizes[math.ceil(quantile * len(sizes)) - 1]
        p = layer.synapse.starting(scaled)
        likeness = _likeness(layer.total(x, p), wanted)
        if likeness > best:
            best = likeness
            for name, value in p.items():
                layer.p[name].copy_(value)


def _likeness(sums, wanted):
    """Mean correlation over the outputs."""
    a, b = (s.transpose(0, 1).flatten(1) for s in (sums, wanted))
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    product = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-12)
    return product.mean().item()


def _place(layer, x, mean, sigma):
    """Set mean, scale and bias of a layer by its sums for x, and return the spread of each of its scaled sums."""
    own_mean, own = spread(layer.total(x, layer.kept()))
    pooled = own.square().mean().sqrt()
    layer.mean.copy_(own_mean)
    layer.sigma.copy_(pooled)
    layer.scale.copy_(torch.round(torch.log2(pooled / layer.target)))
    own = own * 2.0 ** -layer.scale.item()
    if layer.output_bits is None:
        unit = own.square().mean().sqrt() / sigma.square().mean().sqrt()
        layer.bias.copy_(mean * unit)
        layer.temper.copy_(-torch.log(unit))
    else:
        layer.bias.copy_((mean / sigma * own).clamp(max=MIDDLE))
    layer.eval()
    return own
