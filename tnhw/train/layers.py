"""Layers for `torch.nn.Sequential`: sum, centre, scale by a power of two, requantise.

A layer takes activations in [0, 1) that are multiples of 2^-input_bits, and gives activations that are multiples of
2^-output_bits. The last layer of a classifier has ``output_bits=None`` and gives its sums, scaled as logits.
No separate rectifier or pooling is needed: requantisation clips at 0, and a stride replaces pooling.

During training the mean of the sums of a batch is subtracted, and they are scaled by 2^-k, with k such that their
standard deviation is about `target`; a learned bias is added. `freeze` makes mean and k constants. From then on
(and in evaluation) the forward pass gives what the exported integers give, times a power of two.
"""

import torch
from torch import nn

from ..errors import InputError
from .functions import power, rounded
from .processes import moments
from .weights import Adder
from .windows import FLAT, Window

__all__ = ["EXACT", "Conv2d", "Layer", "Linear"]

MOMENTUM = 0.1
EXACT = 1 << 24  # integers up to here are exact in float32


class Layer(nn.Module):
    """What dense and convolutional layers share.

    Parameters
    ----------
    synapse : Synapse
    inputs : int
        Synapses of one output, without those that `complement` adds.
    outputs : int
    input_bits, output_bits : int
        Bits of unsigned activations; `output_bits` is None for a layer that gives logits.
    complement : bool
        Whether every input x also has a second synapse, which takes the complement max - x.
    target : float
        Standard deviation that the scaled sums should have.
    bias : float, optional
        Initial value of the scaled bias. Default: 0.3, or 0 for logits.

    Attributes
    ----------
    keep : Tensor
        1 for a synapse that may be present, 0 for one that is pruned.
    mean, scale : Tensor
        Mean of the sums of each output, [outputs], and k.
    frozen : bool
        Whether they are constants.
    temper : Parameter
        Logarithm of a learned scale of the logits. It does not change the class, and is not exported.
    """

    def __init__(
        self, synapse, inputs, outputs, *, input_bits=4, output_bits=4, complement=False, target=0.3,
        bias=None,
    ):  # fmt: skip
        super().__init__()
        for name, value in {"inputs": inputs, "outputs": outputs, "input_bits": input_bits}.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"`{name}` must be a positive integer, not {value!r}")
        if input_bits < synapse.least_bits:
            raise InputError(
                f"a threshold of {synapse.levels} levels needs an input of at least {synapse.least_bits} bits, not {input_bits}; "
                "give more bits, or fewer `levels`"
            )
        self.synapse, self.inputs, self.outputs = synapse, inputs * (1 + complement), outputs
        self.input_bits, self.output_bits = input_bits, output_bits
        self.complement, self.target = complement, target
        self.fraction = input_bits + synapse.fraction
        self.p = nn.ParameterDict(synapse.initial(outputs, self.inputs))
        start = bias if bias is not None else 0.3 if output_bits else 0.0
        self.bias = nn.Parameter(torch.full((outputs,), float(start)))
        self.temper = nn.Parameter(torch.tensor(0.0), requires_grad=output_bits is None)
        self.register_buffer("keep", torch.ones(outputs, self.inputs))
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("sigma", torch.tensor(-1.0))
        self.register_buffer("scale", torch.tensor(0.0))
        self.frozen = False

    @property
    def sizes(self):
        """Synapses, and the bits that hardware stores for them."""
        synapses = self.p["p"].numel()
        return synapses, synapses * self.synapse.stored(self.input_bits)

    def arrange(self, sums, x):
        """Bring sums [rows, outputs] into the shape of the layer's result for the input x. A dense layer has one row for a
        vector, a convolution one for each position of its window."""
        raise NotImplementedError

    def total(self, x, p):
        """Sums without bias for inputs x and real parameters by name, in the shape of the layer's result."""
        return self.arrange(self.synapse.total(x, p, self.seen), x)

    def kept(self):
        """Real parameters by name, [outputs, inputs] each; `p` of a pruned synapse is 0."""
        return {name: p if name == "t" else p * self.keep for name, p in self.p.items()}

    def accumulate(self, x):
        """Sums with bias, [n, outputs, ...]: integers times 2^-fraction. Once the layer is frozen, the integers are z of
        the exported network."""
        if self.complement:
            x = torch.cat([x, 1 - 2.0**-self.input_bits - x], 1)
        z = self.synapse.total(x, self.kept(), self.seen)
        mean = self._centre(z) if self.training and not self.frozen else self.mean
        offset = self.bias * power(self.scale) - mean
        return self.arrange(z + rounded(offset * 2**self.fraction) / 2**self.fraction, x)

    def forward(self, x):
        v = self.accumulate(x) * power(-self.scale)
        if self.output_bits is None:
            return v * self.temper.exp()
        one = 2**self.output_bits
        return rounded(v * one).clamp(0, one - 1) / one

    def _centre(self, z):
        mean, sigma = moments(z)
        with torch.no_grad():  # no branch on a value, which the CPU would have to wait for
            first = self.sigma < 0
            self.sigma.copy_(torch.where(first, sigma, self.sigma.lerp(sigma, MOMENTUM)))
            self.mean.copy_(torch.where(first, mean, self.mean.lerp(mean, MOMENTUM)))
            wanted = torch.log2(self.sigma.clamp(min=1e-6) / self.target)
            far = (wanted - self.scale).abs() > 0.6  # hysteresis of 0.1: k does not alternate
            self.scale.copy_(torch.where(first | far, torch.round(wanted), self.scale))
        return mean

    def freeze(self):
        """Make mean and k constants."""
        self.frozen = True

    def get_extra_state(self):
        """What a state dict holds besides tensors of the layer: whether mean and k are constants."""
        return torch.tensor(self.frozen)

    def set_extra_state(self, state):
        self.frozen = bool(state)

    @torch.no_grad()
    def clamp_(self):
        """Clamp the real parameters to their range, in place."""
        self.synapse.clamp_(self.p)

    @torch.no_grad()
    def prune_(self, share):
        """Make the `share` of the synapses with the smallest abs(p) absent; they stay absent.

        Raises
        ------
        InputError
            If the rule has no absent synapse.
        """
        if isinstance(self.synapse, Adder):
            raise InputError("an AdderNet synapse has no absent form: `prune` must be 0")
        size = self.p["p"].abs() * self.keep
        count = round(share * size.numel())
        if count:
            self.keep.copy_(size > size.flatten().kthvalue(count).values)


class Linear(Layer):
    """Dense layer: [n, inputs] or anything that flattens to it, to [n, outputs]."""

    kind = "dense"
    seen = FLAT

    def arrange(self, sums, x):
        return sums

    def accumulate(self, x):
        return super().accumulate(x.flatten(1))


class Conv2d(Layer):
    """Convolution, [n, channels, h, w] to [n, outputs, oh, ow]. Padding is with zeros, which give no term.

    Parameters
    ----------
    channels : int
        Channels of the input.
    kernel, stride, padding : int
        Size of the square window, and stride and padding in both directions.
    """

    kind = "conv"

    def __init__(self, synapse, channels, outputs, kernel=3, *, stride=1, padding=0, **options):
        if padding and isinstance(synapse, Adder):
            raise InputError("an AdderNet synapse has a term where x is 0: `padding` must be 0")
        super().__init__(synapse, channels * kernel**2, outputs, **options)
        self.channels, self.kernel, self.stride, self.padding = channels, kernel, stride, padding
        self.seen = Window(kernel, stride, padding)

    def arrange(self, sums, x):
        return sums.view(len(x), *self.seen.size(x), self.outputs).permute(0, 3, 1, 2)
