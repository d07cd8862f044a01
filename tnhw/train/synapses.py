"""Synapses: how the real parameters of a layer become integers, and what sums they give.

A synapse depends on no layer, and a layer on no rule. Inputs are in [0, 1): x = integer * 2^-b, for b bits.
A sum is an integer * 2^-(b + fraction).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..errors import InputError
from .functions import through
from .windows import FLAT

__all__ = ["Gain", "Synapse", "Threshold", "nearest"]


@dataclass(frozen=True)
class Synapse:
    """One trainable rule.

    Attributes
    ----------
    rule : str
        Name in `tnhw.synapse.RULES`.
    fraction : int
        Number of fractional bits that a term has more than x.
    lowest, highest : float
        Range of the real parameter p.
    slow : dict of str to float
        Share of the learning rate, for parameters that learn slower than the others.
    spread : float
        The real parameter p starts uniform in +-spread (AdderNet: 0 to spread).
    """

    rule: ClassVar[str]
    gain: ClassVar[bool] = False
    fraction: ClassVar[int] = 0
    lowest: ClassVar[float] = -1.0
    highest: ClassVar[float] = 1.0
    slow: ClassVar[dict] = {}

    spread: float = 1.0

    def stored(self, bits):
        """Bits that one synapse, whose input has `bits` bits, takes in a memory, with a code for "absent" where there is one."""
        raise NotImplementedError

    @property
    def least_bits(self):
        """Bits that an input needs at least, so that every parameter is an integer."""
        return 1

    def initial(self, outputs, inputs):
        """Random initial parameters by name, float32 [outputs, inputs] each."""
        return {"p": (2 * torch.rand(outputs, inputs) - 1) * self.spread}

    def starting(self, weights):
        """Parameters by name that come nearest to weights, float32 [outputs, inputs], from about -1 to 1; larger ones
        are clamped."""
        return {"p": weights.clamp(self.lowest, self.highest)}

    def total(self, x, p, seen=FLAT):
        """Sums of terms, float32 [rows, outputs], for the real parameters `p` by name and an input x, of which each row of
        sums sees what `seen` says (`tnhw.train.windows`); by default it sees one of x [rows, inputs]."""
        raise NotImplementedError

    def arrays(self, p, bits):
        """Integer parameter arrays by name, [outputs, inputs] each, of a kernel whose input is ``u<bits>``."""
        raise NotImplementedError

    def parameter(self, bits):
        """Format of the parameter of a kernel whose input is ``u<bits>``, or None if the rule has only signs."""
        raise NotImplementedError

    def clamp_(self, p):
        """Clamp the real parameters to their range, in place."""
        p["p"].clamp_(self.lowest, self.highest)


def _check_levels(levels):
    if levels < 1 or levels & (levels - 1):
        raise InputError(f"`levels` must be a power of two, not {levels}")


def nearest(values, steps):
    """Values in units of 1 / steps, rounded; ties go up."""
    return torch.floor(values * steps + 0.5)


@dataclass(frozen=True)
class Threshold(Synapse):
    """One real p gives sign and threshold: m = floor(K|p| + 1/2) / K, theta = (1 - m) * 2^b, s = sign(p).

    The gradient is the mean of two: that of the exact term, straight through the rounding, and that of the product
    m * s * x.

    Parameters
    ----------
    levels : int
        K, a power of two.
    min_level : int
        A synapse with a lower level is absent. With K = 8, ``min_level=2`` leaves 14 signed levels and "absent", a
        code of 4 bits.
    """

    rule: ClassVar[str] = "threshold"
    levels: int = 8
    min_level: int = 1

    def __post_init__(self):
        _check_levels(self.levels)
        if not 1 <= self.min_level <= self.levels:
            raise InputError(f"`min_level` must be 1 to {self.levels}, not {self.min_level}")

    def stored(self, bits):
        thetas = self.arrays(
            {"p": torch.arange(self.min_level, self.levels + 1) / self.levels}, bits
        )["theta"]
        useful = len({theta for theta in thetas.tolist() if theta < (1 << bits) - 1})
        return (2 * useful).bit_length()  # each with two signs, and "absent"

    @property
    def least_bits(self):
        return max(1, (self.levels - 1).bit_length())

    def _level(self, p):
        level = nearest(p.abs(), self.levels).clamp(max=self.levels)
        return torch.where(level < self.min_level, 0, level)

    def total(self, x, p, seen=FLAT):
        p = p["p"]
        level = self._level(p.detach())
        m, sign = level / self.levels, torch.where(level > 0, p.detach().sign(), 0)
        levels = torch.arange(self.min_level, self.levels + 1, device=p.device)
        index = (level.long() - self.min_level).clamp(min=0)
        theta, product = through(-p * sign, 1 - m), through(p, sign * m)
        return seen.bank(x, sign, theta, index, 1 - levels / self.levels, product)

    def arrays(self, p, bits):
        level = self._level(p["p"]).long()
        theta = ((self.levels - level) << bits) // self.levels
        sign = torch.where(level > 0, p["p"].sign(), 0).long()
        return {"sign": sign, "theta": theta.clamp(max=(1 << bits) - 1)}

    def parameter(self, bits):
        return f"u{bits}"


@dataclass(frozen=True)
class Gain(Synapse):
    """Level and gain: the term is g * max(x - theta, 0), with the g of {0, +-1/4, +-1/2, +-1} that is nearest to p.

    The threshold is a second parameter `t`, rounded to one of `levels` multiples of 1 / levels. Gradients are those of
    the exact term, straight through the rounding. The integer gain is e = 0, 1, 2 for 1/4, 1/2, 1.
    """

    rule: ClassVar[str] = "threshold"
    gain: ClassVar[bool] = True
    fraction: ClassVar[int] = 2
    slow: ClassVar[dict] = {"t": 0.3}
    levels: int = 8

    def __post_init__(self):
        _check_levels(self.levels)

    def stored(self, bits):
        return 3 + (self.levels - 1).bit_length()

    @property
    def least_bits(self):
        return max(1, (self.levels - 1).bit_length())

    def initial(self, outputs, inputs):
        return super().initial(outputs, inputs) | {"t": torch.zeros(outputs, inputs)}

    def starting(self, weights):
        return super().starting(weights) | {"t": torch.zeros_like(weights)}

    def _quantise(self, p):
        edges, sizes = (
            p["p"].new_tensor([1 / 8, 3 / 8, 3 / 4]),
            p["p"].new_tensor([0, 1 / 4, 1 / 2, 1]),
        )
        gain = sizes[torch.bucketize(p["p"].abs(), edges, right=True)]
        return gain * p["p"].sign(), nearest(p["t"], self.levels).clamp(0, self.levels - 1)

    def total(self, x, p, seen=FLAT):
        gain, level = self._quantise({name: value.detach() for name, value in p.items()})
        thresholds = torch.arange(self.levels, device=level.device) / self.levels
        theta = through(p["t"], level / self.levels)
        return seen.bank(x, through(p["p"], gain), theta, level.long(), thresholds)

    def arrays(self, p, bits):
        gain, level = self._quantise(p)
        theta = torch.where(gain == 0, (1 << bits) - 1, (level.long() << bits) // self.levels)
        exponent = torch.log2(torch.where(gain == 0, 0.25, gain.abs()) * 4)
        return {"sign": gain.sign().long(), "theta": theta, "gain": exponent.long()}

    def parameter(self, bits):
        return f"u{bits}"

    def clamp_(self, p):
        super().clamp_(p)
        p["t"].clamp_(0, 1 - 1 / self.levels)
