"""Synapses: how the real parameters of a layer become integers, and the sum that they give.

A synapse knows nothing of layers, and a layer nothing of rules. Inputs are in [0, 1): x = integer * 2^-b.
A result is an integer * 2^-(b + fraction).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..errors import InputError
from .functions import bank, mix, through

__all__ = ["Gain", "Synapse", "Threshold", "nearest"]


@dataclass(frozen=True)
class Synapse:
    """One trainable rule.

    Attributes
    ----------
    rule : str
        Name in `tnhw.synapse.RULES`.
    fraction : int
        Bits of a term below those of x.
    stored : int
        Bits that one synapse takes in a memory, with a code for "absent" where the rule has one.
    highest : float
        Largest real parameter; the smallest is `lowest`.
    slow : dict of str to float
        Parameters that learn slower than the others: share of the learning rate.
    """

    rule: ClassVar[str]
    gain: ClassVar[bool] = False
    fraction: ClassVar[int] = 0
    lowest: ClassVar[float] = -1.0
    highest: ClassVar[float] = 1.0
    slow: ClassVar[dict] = {}

    spread: float = 1.0

    @property
    def stored(self):
        raise NotImplementedError

    def initial(self, outputs, inputs):
        """Real parameters at the start, float32 [outputs, inputs] each; `p` is uniform in +-spread."""
        return {"p": (2 * torch.rand(outputs, inputs) - 1) * self.spread}

    def total(self, x, p):
        """Sum of terms [n, outputs] of x [n, inputs]; `p` holds the real parameters by name."""
        raise NotImplementedError

    def arrays(self, p, bits):
        """Integer arrays [outputs, inputs] of a kernel whose input is ``u<bits>``."""
        raise NotImplementedError

    def parameter(self, bits):
        """Format of the magnitude field, or None."""
        raise NotImplementedError

    def clamp_(self, p):
        """Real parameters back into their range, in place."""
        p["p"].clamp_(self.lowest, self.highest)


def nearest(values, steps):
    """Values in units of 1 / steps, rounded; ties go up."""
    return torch.floor(values * steps + 0.5)


@dataclass(frozen=True)
class Threshold(Synapse):
    """One real p gives sign and threshold: m = floor(K|p| + 1/2) / K, theta = (1 - m) * 2^b, s = sign(p).

    The gradient is the mean of the exact straight-through one and that of the product m * s * x.

    Parameters
    ----------
    levels : int
        K.
    min_level : int
        Levels below are absent. With K = 8, 2 leaves 14 signed levels and "absent": a code of 4 bits.
    """

    rule: ClassVar[str] = "threshold"
    levels: int = 8
    min_level: int = 1

    def __post_init__(self):
        if self.levels < 1 or self.levels & (self.levels - 1):
            raise InputError(f"`levels` must be a power of two, not {self.levels}")
        if not 1 <= self.min_level <= self.levels:
            raise InputError(f"`min_level` must be 1 to {self.levels}, not {self.min_level}")

    @property
    def stored(self):
        return (2 * (self.levels + 1 - self.min_level)).bit_length()

    def _level(self, p):
        level = nearest(p.abs(), self.levels).clamp(max=self.levels)
        return torch.where(level < self.min_level, 0, level)

    def total(self, x, p):
        p = p["p"]
        level = self._level(p.detach())
        m, sign = level / self.levels, torch.where(level > 0, p.detach().sign(), 0)
        thresholds = 1 - torch.arange(self.min_level, self.levels + 1) / self.levels
        index = (level.long() - self.min_level).clamp(min=0)
        exact = bank(x, sign, through(-p * sign, 1 - m), index, thresholds)
        return mix(exact, x @ through(p, sign * m).T)

    def arrays(self, p, bits):
        if 1 << bits < self.levels:
            raise InputError(f"{self.levels} levels need an input of more than {bits} bits")
        level = self._level(p["p"]).long()
        theta = ((self.levels - level) << bits) // self.levels
        sign = torch.where(level > 0, p["p"].sign(), 0).long()
        return {"sign": sign, "theta": theta.clamp(max=(1 << bits) - 1)}

    def parameter(self, bits):
        return f"u{bits}"


@dataclass(frozen=True)
class Gain(Synapse):
    """Level and gain: sum of g * max(x - theta, 0), g in {0, +-1/4, +-1/2, +-1} nearest to p.

    The threshold is a second parameter, one of `levels` multiples of 1 / levels. Gradients are exact.
    The integer gain is e = 0, 1, 2 for 1/4, 1/2, 1.
    """

    rule: ClassVar[str] = "threshold"
    gain: ClassVar[bool] = True
    fraction: ClassVar[int] = 2
    slow: ClassVar[dict] = {"t": 0.3}
    levels: int = 8

    @property
    def stored(self):
        return 3 + (self.levels - 1).bit_length()

    def initial(self, outputs, inputs):
        return super().initial(outputs, inputs) | {"t": torch.zeros(outputs, inputs)}

    def _quantise(self, p):
        edges = torch.tensor([1 / 8, 3 / 8, 3 / 4])
        gain = torch.tensor([0, 1 / 4, 1 / 2, 1])[torch.bucketize(p["p"].abs(), edges, right=True)]
        return gain * p["p"].sign(), nearest(p["t"], self.levels).clamp(0, self.levels - 1)

    def total(self, x, p):
        gain, level = self._quantise({name: value.detach() for name, value in p.items()})
        thresholds = torch.arange(self.levels) / self.levels
        theta = through(p["t"], level / self.levels)
        return bank(x, through(p["p"], gain), theta, level.long(), thresholds)

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
