"""Synapses that the threshold synapse is compared with: weights, and AdderNet's distance."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..errors import InputError
from .functions import adder, through
from .synapses import Synapse, nearest
from .windows import FLAT

__all__ = ["Adder", "Mac", "Shift", "Ternary"]


@dataclass(frozen=True)
class _Weight(Synapse):
    """A synapse whose term is weight * x. The gradient is that of the product, straight through the rounding."""

    def quantise(self, p):
        """The rounded weights, [outputs, inputs]: integers times 2^-fraction."""
        raise NotImplementedError

    def total(self, x, p, seen=FLAT):
        return seen.product(x, through(p["p"], self.quantise(p["p"].detach())))


@dataclass(frozen=True)
class Ternary(_Weight):
    """Weights -1, 0 and +1."""

    rule: ClassVar[str] = "ternary"

    def stored(self, bits):
        return 2

    def quantise(self, p):
        return p.sign() * nearest(p.abs(), 1)

    def arrays(self, p, bits):
        return {"sign": self.quantise(p["p"]).long()}

    def parameter(self, bits):
        return None


@dataclass(frozen=True)
class Shift(_Weight):
    """Weights 0, +-1/8, +-1/4, +-1/2 and +-1, whichever is nearest to p (as in DeepShift, arXiv 1905.13298)."""

    rule: ClassVar[str] = "shift"
    fraction: ClassVar[int] = 3

    def stored(self, bits):
        return 4

    def _size(self, p):
        edges = p.new_tensor([1 / 16, 3 / 16, 3 / 8, 3 / 4])
        return torch.bucketize(p.abs(), edges, right=True)

    def quantise(self, p):
        return p.sign() * p.new_tensor([0, 1, 2, 4, 8])[self._size(p)] / 8

    def arrays(self, p, bits):
        size = self._size(p["p"])
        sign = torch.where(size > 0, p["p"].sign(), 0).long()
        return {"sign": sign, "exponent": (size - 1).clamp(min=0)}

    def parameter(self, bits):
        return "u2"


@dataclass(frozen=True)
class Mac(_Weight):
    """Weights of `weight_bits` bits, two's complement, from -1 to just below 1."""

    rule: ClassVar[str] = "mac"
    weight_bits: int = 4

    def __post_init__(self):
        if not 2 <= self.weight_bits <= 8:
            raise InputError(f"`weight_bits` must be 2 to 8, not {self.weight_bits}")

    @property
    def fraction(self):
        return self.weight_bits - 1

    def stored(self, bits):
        return self.weight_bits

    def quantise(self, p):
        one = 1 << self.fraction
        return nearest(p, one).clamp(-one, one - 1) / one

    def arrays(self, p, bits):
        return {"weight": (self.quantise(p["p"]) * (1 << self.fraction)).long()}

    def parameter(self, bits):
        return f"s{self.weight_bits}"


@dataclass(frozen=True)
class Adder(Synapse):
    """AdderNet: the term is -abs(x - w), with w in the input's format of `bits` bits."""

    rule: ClassVar[str] = "addernet"
    lowest: ClassVar[float] = 0.0
    bits: int = 4

    def stored(self, bits):
        return self.bits

    def initial(self, outputs, inputs):
        return {"p": torch.rand(outputs, inputs) * self.spread}

    def starting(self, weights):
        return super().starting((weights + 1) / 2)

    def quantise(self, p):
        one = 1 << self.bits
        return nearest(p, one).clamp(0, one - 1) / one

    def total(self, x, p, seen=FLAT):
        return adder(seen.columns(x), through(p["p"], self.quantise(p["p"].detach())))

    def arrays(self, p, bits):
        return {"weight": (self.quantise(p["p"]) * (1 << bits)).long()}

    def parameter(self, bits):
        return f"u{bits}"
