"""Trained networks as `convert` needs them: weights for each layer, sums on a sample, and logits for any input."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..data.encoding import Encoder
from ..errors import InputError

__all__ = ["SAMPLE", "Original", "Part", "columns", "of_network", "spread", "steps"]

SAMPLE = 1000  # inputs on which the sums of layers are known
FLOOR = 1e-3  # of the largest standard deviation: no other one is taken as less
LOGITS = 4.0  # standard deviation of logits that have no scale of their own, as that of trained networks is


@dataclass(frozen=True)
class Part:
    """A layer with weights, together with everything elementwise behind it up to the clip at 0.

    Attributes
    ----------
    name : str
        What `keep` and messages call it.
    weights : float32 Tensor [outputs, inputs], or [outputs, channels, kernel, kernel]
        With the scale of each output behind the layer folded in; their common scale is arbitrary. The inputs of a
        dense layer behind a convolution have channels first.
    sums : float32 Tensor [SAMPLE, outputs], or [SAMPLE, outputs, height, width]
        What is clipped at 0 for the inputs of the sample; of the last layer, the logits.
    stride, padding : int
        Of a convolution.
    """

    name: str
    weights: torch.Tensor
    sums: torch.Tensor
    stride: int = 1
    padding: int = 0

    @property
    def dense(self):
        return self.weights.ndim == 2


@dataclass(frozen=True)
class Original:
    """A trained network.

    Attributes
    ----------
    parts : tuple of Part
    shape : tuple of int
        Shape of an input of the converted network: (features,), or (height, width, channels).
    bits : int
        Bits of an unsigned input of the converted network.
    integers : callable
        From inputs of the original [n, ...] to integers of the converted network, int64 [n, prod(shape)].
    logits : callable
        From inputs of the original to its logits, float32 array [n, classes].
    sample : int64 array [SAMPLE, prod(shape)]
        Integers of the sample.
    encoder : Encoder or None
        From real inputs to integers, for the card.
    facts : dict
        For the card: what the original was.
    """

    parts: tuple[Part, ...]
    shape: tuple[int, ...]
    bits: int
    integers: Callable
    logits: Callable
    sample: np.ndarray
    encoder: Encoder | None
    facts: dict

    @property
    def classes(self):
        return self.parts[-1].weights.shape[0]


def spread(sums):
    """Mean and standard deviation of each output of sums [n, outputs, ...]: two Tensors [outputs]."""
    flat = sums.transpose(0, 1).flatten(1)
    deviation = flat.std(1, correction=0)
    return flat.mean(1), deviation.clamp(min=max(FLOOR * deviation.max().item(), 1e-9))


def columns(weights, factor):
    """Weights with the inputs of each channel times a factor; a dense layer may have several inputs a channel."""
    if weights.ndim == 4:
        return weights * factor[:, None, None]
    return weights * factor.repeat_interleave(weights.shape[1] // len(factor))


def steps(x, bits):
    """Where the nearest of 2^bits numbers changes, which lie evenly from the smallest of x to the largest."""
    low, high = float(x.min()), float(x.max())
    if not low < high:
        raise InputError(f"`x` holds one number only, {low:g}")
    return (low + (np.arange(1, 1 << bits) - 0.5) * (high - low) / ((1 << bits) - 1)).astype(
        np.float32
    )


def of_network(network, x, *, encoder=None, logits=None, bits=None):
    """A network of tnhw, which may be an imported one.

    Parameters
    ----------
    network : tnhw.network.Network
        Of any rules: the weight of a synapse is the slope of its term from the smallest input to the largest.
    x : array [n, ...]
        Inputs like those that it will get: integers, or real numbers with an encoder.
    encoder : Encoder, optional
        From real inputs to its integers.
    logits : callable, optional
        Logits for inputs x [n, ...], float array [n, classes]. Default: its own sums, at a scale that trained networks have.
    bits : int, optional
        Bits of inputs of the converted network, which then come of real inputs in equal steps from the smallest to the
        largest number in `x`. Default: inputs as the network has them, from 0 up.

    Raises
    ------
    InputError
        If it gives no class, or a layer has a form that `tnhw.train` has not; the message names the layer.
    """
    if network.result != "class":
        raise InputError(
            f"network {network.name}: its result is a vector; only networks that give a class are converted"
        )
    if network.card.get("branches"):
        raise InputError(
            f"network {network.name}: its graph has branches, whose layers carry values for others; only networks without are converted"
        )
    low = network.input.min

    def own(x):
        return network.check_x(x if encoder is None or x.dtype.kind != "f" else encoder.encode(x))

    sample = own(x[:SAMPLE])
    parts, shape, values = [], network.shape, sample
    for layer in network.layers:
        part, values = _part(layer, shape, values)
        parts.append(part)
        shape = layer.out_shape if layer.keys.kind == "conv" else layer.out_shape[2:]
    if logits is None:
        _, sigma = spread(parts[-1].sums)
        unit = LOGITS / float(sigma.square().mean().sqrt())

        def logits(x):
            return (network.golden(own(x)) * unit).astype(np.float32)

    parts[-1] = replace(parts[-1], sums=torch.as_tensor(logits(x[:SAMPLE])).float())
    facts = {"original": network.title}
    if bits is not None:
        _real(network, x, encoder)
        made = Encoder(0, steps(x, bits), encoder.order)
        return Original(
            tuple(parts),
            network.shape,
            bits,
            made.encode,
            logits,
            made.encode(x[:SAMPLE]),
            made,
            facts,
        )
    shifted = encoder and replace(encoder, low=encoder.low - low)
    if low:
        facts["inputs"] = f"those of the original, {network.input}, minus {low}"
    return Original(
        tuple(parts), network.shape, network.input.bits, lambda x: own(x) - low, logits, sample - low, shifted,
        facts,
    )  # fmt: skip


def _real(network, x, encoder):
    if encoder is None or x.dtype.kind != "f":
        raise InputError(
            f"network {network.name}: takes integers as they are; `input_bits` is for real inputs, so leave it out"
        )


def _part(layer, shape, values):
    """A layer of a network for the results of the layer before it, and its own results."""
    z = layer.sums(values)
    results = layer.requantiser.golden(z)
    slope, offset = _line(z.reshape(-1, z.shape[-1]), results.reshape(-1, z.shape[-1]))
    low = 0 if layer.keys.output is None else layer.output_format.min
    sums = torch.as_tensor(z * slope + offset - low).float().movedim(-1, 1)
    weights = torch.as_tensor(_slopes(layer) * slope[:, None]).float()
    if layer.keys.kind == "conv":
        stride, padding = _square(layer)
        weights = weights.view(layer.keys.outputs, *layer.taps, layer.in_shape[2])
        return Part(layer.name, weights.permute(0, 3, 1, 2), sums, stride, padding), results
    if len(shape) == 3:
        height, width, channels = shape
        weights = weights.view(-1, height, width, channels).permute(0, 3, 1, 2).flatten(1)
    return Part(layer.name, weights.contiguous(), sums.flatten(1)), results


def _slopes(layer):
    """Weights of a layer, [outputs, inputs]: what a term gains from the smallest input to the largest, a step of x."""
    rule, arrays, ends = layer.kernel.synapse, layer.kernel.arrays, layer.input
    slopes = (rule.term(ends.max, arrays) - rule.term(ends.min, arrays)) / (ends.max - ends.min)
    if layer.keys.complement:  # at each tap, the channels and then their complements
        halves = slopes.reshape(len(slopes), -1, 2, layer.channels // 2)
        slopes = (halves[:, :, 0] - halves[:, :, 1]).reshape(len(slopes), -1)
    return slopes


def _line(z, y):
    """For each channel the line that is nearest to its results y [n, channels]: slope and offset, [channels] each.

    Results at their ends are left out if the others are several. A falling staircase has a negative slope.
    """
    slope, offset = np.ones(z.shape[1]), np.zeros(z.shape[1])
    for channel in range(z.shape[1]):
        a, b = z[:, channel].astype(float), y[:, channel].astype(float)
        inner = (b > b.min()) & (b < b.max())
        if inner.any() and np.ptp(b[inner]):
            a, b = a[inner], b[inner]
        variance = a.var()
        slope[channel] = ((a - a.mean()) * (b - b.mean())).mean() / variance if variance else 0.0
        offset[channel] = b.mean() - slope[channel] * a.mean()
    return slope, offset


def _square(layer):
    """Stride and padding of a convolution, if they are the same in all directions."""
    strides, pads, dilations = {*layer.strides}, {*layer.pads}, {*layer.dilations}
    if len({*layer.taps}) > 1 or len(strides) > 1 or len(pads) > 1 or dilations != {1}:
        raise InputError(
            f"layer `{layer.name}`: its window is not the same in both directions ({layer.taps[0]} x {layer.taps[1]}, stride "
            f"{layer.strides}, padding {layer.pads}, dilation {layer.dilations}), and only square ones are trained"
        )
    return strides.pop(), pads.pop()
