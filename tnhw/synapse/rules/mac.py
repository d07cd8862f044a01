"""Multiply-accumulate synapse: w * x, with which the other rules are compared.

Seven forms of the gates give the same term:

``product``
    One multiplication, which a DSP block can compute.
``booth``, ``booth_and_or``, ``digits``
    Radix-4 Booth rows, of three kinds (:mod:`tnhw.synapse.booth`). The architecture adds the rows, like all addends; the
    constants that inversions need are in the remainder. With registered terms this is a multiplier of two stages, which
    takes the least logic. The first kind suits LUTs, the second standard cells; the third stores three bits for two of w.
``rows``
    A row of AND gates for each bit of w (Baugh-Wooley, if a bit heap adds them). Rows that are added are instead
    subtracted as complements: NAND gates are smaller than AND gates in standard cells.
``sign_magnitude``
    w is stored as a sign and a magnitude, so it cannot be the lowest value of its format. x is inverted if w is negative, and
    there is a row of AND gates for each bit of the magnitude; what the inversion lacks is in the remainder.
``split``
    Two small products: of x with the lower and with the upper half of w.

The product of x and ``(w2 << f) + w1`` contains both x * w1 and x * w2. With narrow formats one DSP block can
therefore serve two outputs: :meth:`Mac.in_blocks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from amaranth.hdl import Const, Value
from amaranth.lib import data

from ...errors import InputError
from ..booth import Booth
from ..format import Format
from ..rule import Addend, Rule, gate, inversion, negate_if, normal_shares, scaled

__all__ = ["Mac"]

BOOTH = {
    "booth": "multiplexer",
    "booth_and_or": "and-or",
    "digits": "stored",
}  # forms with rows of Booth: their kinds
BLOCK_BITS = 16  # bits of a factor that the DSP blocks of every family take


@dataclass(frozen=True)
class Mac(Rule):
    """The rule `mac`; see the module.

    Parameters
    ----------
    pairs : bool
        Whether two outputs share a product, in the form ``product``.
    """

    name = "mac"
    formula = "w · x"
    arrays = ("weight",)
    forms = ("product", "booth", "booth_and_or", "digits", "rows", "sign_magnitude", "split")

    pairs: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form == "sign_magnitude" and not (
            self.parameter.signed and self.parameter.bits > 1
        ):
            raise InputError(
                f'form "sign_magnitude" of rule `mac` needs a signed `parameter` of at least 2 bits, not {self.parameter}; for '
                'weights that are never negative the form "rows" has the same gates'
            )

    @classmethod
    def choose_form(cls, wired: bool, remainder_is_free: bool) -> str | None:
        return "product"

    def in_logic(self) -> Rule:
        return self if self.input.bits == 1 else replace(self, form="booth")

    def in_blocks(self) -> Rule:
        x, w = self.input, self.parameter
        fits = max(x.bits + w.bits + w.bits + 1, x.bits + 1) <= BLOCK_BITS
        return replace(self, form="product", pairs=fits)

    @property
    def multiplies(self) -> bool:
        return self.form not in (*BOOTH, "sign_magnitude")

    @property
    def shared_by(self) -> int:
        return 2 if self.pairs else 1

    def shared_addends(
        self, x: Value, words: Sequence[data.View]
    ) -> list[tuple[list[Addend], int]]:
        if not self.pairs:
            return [self.addends(x, p) for p in words]
        shape = (x * words[0].weight).shape()
        factor = words[0].weight
        if len(words) > 1:
            factor = (factor + (words[1].weight << shape.width))[: shape.width + len(factor) + 1]
            factor = factor.as_signed() if self.parameter.signed else factor
        product = x * factor
        entries, borrow = [], Const(0, 1)
        for k in range(len(words)):
            part = product[k * shape.width : (k + 1) * shape.width]
            addends = [Addend(part.as_signed() if shape.signed else part)]
            if shape.signed:  # a negative part below has borrowed one from this part
                addends.append(Addend(borrow))
                borrow = part[-1]
            entries.append((addends, 0))
        return entries

    @property
    def fields(self) -> dict[str, Format]:
        if self.form == "sign_magnitude":
            return {"magnitude": Format(self.parameter.bits - 1), "sign": Format(1)}
        if self.form == "digits":
            return self._booth.fields
        return {"weight": self.parameter}

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        low = -self.parameter.max if self.form == "sign_magnitude" else self.parameter.min
        return {"weight": (low, self.parameter.max)}

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        """Normal weights; in an unsigned format, negative ones become 0."""
        return {"weight": scaled(normal_shares(rng, shape, signed), *self.ranges["weight"])}

    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        weight = arrays["weight"]
        if self.form == "sign_magnitude":
            return {"magnitude": np.abs(weight), "sign": (weight < 0).astype(np.int64)}
        if self.form == "digits":
            return self._booth.encode(weight)
        return {"weight": weight}

    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.multiply(arrays["weight"], x, dtype=np.int64)

    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        if arrays is None:
            corners = [
                x * w for x in (self.input.min, self.input.max) for w in self.ranges["weight"]
            ]
            return min(corners), max(corners)
        ends = arrays["weight"] * self.input.min, arrays["weight"] * self.input.max
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def _booth(self) -> Booth:
        return Booth(self.input, self.parameter, BOOTH[str(self.form)])

    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        if self.form == "sign_magnitude":
            return self._and_rows(negate_if(p.sign, x), p.magnitude, signed=False)
        if self.form in BOOTH:
            return self._booth.rows(x, p), 0
        weight = p.weight
        if self.form == "rows":
            return self._and_rows(x, weight, self.parameter.signed)
        if self.form == "split" and len(weight) > 1:
            half = len(weight) // 2
            upper = weight[half:].as_signed() if self.parameter.signed else weight[half:]
            return [Addend(x * weight[:half]), Addend(x * upper, 1 << half)], 0
        return [Addend(x * weight)], 0

    def _and_rows(self, x: Value, weight: Value, signed: bool) -> tuple[list[Addend], int]:
        """A row for each bit of `weight`; if it is `signed`, that of its top bit is subtracted."""
        rows, constant = [], 0
        for k, bit in enumerate(weight.as_unsigned()):
            row = gate(bit, x)
            if signed and k == len(weight) - 1:
                rows.append(Addend(row, -(1 << k)))
                continue
            inverted = ~row.as_unsigned()
            if self.input.signed:
                rows.append(Addend(inverted.as_signed(), -(1 << k)))
                constant -= 1 << k
            else:
                rows.append(Addend(inverted, -(1 << k)))
                constant += ((1 << len(row)) - 1) << k
        return rows, constant

    def remainder_addends(self, p: data.View) -> tuple[list[Addend], int]:
        if self.form in BOOTH:
            return self._booth.corrections(p), 0
        if self.form == "sign_magnitude":
            return [Addend(gate(p.sign, p.magnitude), self._flipped)], 0
        return [], 0

    def remainder(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        weight = arrays["weight"]
        if self.form in BOOTH:
            return self._booth.correction(weight)
        if self.form == "sign_magnitude":
            return np.where(weight < 0, -weight * self._flipped, 0)
        return np.zeros_like(weight, np.int64)

    @property
    def _flipped(self) -> int:
        """Constant that has to be added to an inverted x, which then is -x."""
        return inversion(self.input.bits, self.input.signed)

    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        return [Addend(x, values["weight"])] if values["weight"] else [], 0

    def active(self, x: Value, p: data.View) -> Value:
        return x.any()
