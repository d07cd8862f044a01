"""Threshold Neuron synapse: s * (max(x - theta, 0) << e).

A reconstruction of Zheng et al., *Threshold Neuron*, arXiv 2412.13902 (2024): a learned threshold is subtracted from
the input, negative differences count as 0, and terms of excitatory synapses are added, those of inhibitory ones
subtracted.

Three forms of the gates give the same term:

``subtract``
    d = x - theta, and 0 instead if d is negative.
``max``
    max(x - theta, 0) = max(x, theta) - theta: a comparison and a multiplexer, with -s * theta in the remainder.
``complement``
    As `subtract`, but the word has ~theta instead, in the field ``not_theta``. As x - theta is x + ~theta + 1, a carry
    chain whose LUTs have only two free inputs (iCE40) then needs no inverters in front of it.

If all thresholds are multiples of ``2**step``, as in a network with few levels, a synapse stores ``theta >> step`` and
compares only the upper bits of x: :meth:`Threshold.compact`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from ..format import Format
from ..rule import Addend, Rule, at_least, gate, inversion, negate_if, normal_shares, ripples, signs

__all__ = ["Threshold"]

MAX_GAIN = 2
NO_GAIN = 3  # value of the gain field for an absent synapse, if there is a `step`


@dataclass(frozen=True)
class Threshold(Rule):
    """The rule `threshold`; see the module.

    Parameters
    ----------
    step : int or None
        If given, all thresholds are multiples of ``2**step`` and not negative; for form ``max`` and unsigned x.
    cells : bool
        Whether the gates are for standard cells: comparisons in the form ``max`` are then chains of majorities.
    signed : bool
        Whether a synapse has a sign; otherwise s is 0 or 1 and terms are never negative.
    """

    name = "threshold"
    formula = "s · max(x − θ, 0)"
    arrays = ("theta", "sign", "gain")
    has_gain = True
    forms = ("subtract", "max", "complement")

    step: int | None = None
    cells: bool = False
    signed: bool = True

    def on_cells(self) -> Rule:
        return replace(self, cells=True)

    def without_sign(self) -> Rule:
        return replace(self, signed=False)

    def compact(self, arrays: Sequence[Mapping[str, np.ndarray]]) -> Rule:
        if self.form != "max" or self.input.signed:
            return self
        used = {0}
        for own in arrays:
            theta = own["theta"][self._here(own)]
            used |= set(np.unique(theta).tolist())
        if min(used) < 0:
            return self
        step = 0
        while step < self.input.bits - 1 and not any(theta % (2 << step) for theta in used):
            step += 1
        absent = self.input.max >> step
        while not self.gain and absent in {theta >> step for theta in used}:
            if step == 0:
                return self
            step, absent = step - 1, self.input.max >> (step - 1)
        return replace(self, step=step)

    def holds(self, arrays: Mapping[str, np.ndarray]) -> bool:
        if self.step is None:
            return True
        theta = arrays["theta"][self._here(arrays)]
        level = theta >> self.step
        free = self.gain or not (level == self.input.max >> self.step).any()
        return bool((theta == level << self.step).all() and (theta >= 0).all() and free)

    def nearest(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        if self.step is None:
            return arrays
        highest = (self.input.max >> self.step) - (not self.gain)
        level = np.clip(arrays["theta"] >> self.step, 0, highest)
        theta = np.where(self._here(arrays), level << self.step, arrays["theta"])
        return {**arrays, "theta": theta}

    def _here(self, arrays: Mapping[str, np.ndarray]) -> Any:
        """Which synapses have a term for some x."""
        return (arrays["sign"] != 0) & (arrays["theta"] < self.input.max)

    @classmethod
    def choose_form(cls, wired: bool, remainder_is_free: bool) -> str | None:
        return "max" if remainder_is_free and not wired else "subtract"

    @property
    def stores_present(self) -> bool:
        """Whether the word has a field that says that a synapse is present.

        There is none if theta can hold the largest input: an absent synapse is then stored with that threshold.
        """
        return self.step is None and not self.parameter.holds(self.input.max)

    @property
    def _field(self) -> str:
        return "not_theta" if self.form == "complement" else "theta"

    def _theta(self, p: data.View) -> Any:
        return ~p.not_theta if self.form == "complement" else p.theta

    def _difference(self, x: Value, p: data.View) -> Value:
        """x - theta, signed."""
        if self.form != "complement":
            return x - p.theta
        # The ones below the lowest bits make the carry into the chain; no family's synthesis adds an adder for them.
        minus = p.not_theta if self.parameter.signed else Cat(p.not_theta, Const(1, 1)).as_signed()
        shape = (x + minus + 1).shape()
        wide = [Cat(Const(1, 1), _extended(v, shape.width)) for v in (x, minus)]
        return (wide[0] + wide[1])[1 : shape.width + 1].as_signed()

    @property
    def fields(self) -> dict[str, Format]:
        theta = self.parameter
        if self.step is not None:
            theta = Format(self.input.bits - self.step)
        fields = {self._field: theta}
        if self.signed:
            fields["sign"] = Format(1)
        if self.gain:
            fields["gain"] = Format(2)
        if self.stores_present:
            fields["present"] = Format(1)
        return fields

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        lowest = -1 if self.signed else 0
        ranges = {"theta": (self.parameter.min, self.parameter.max), "sign": (lowest, 1)}
        return ranges | ({"gain": (0, MAX_GAIN)} if self.gain else {})

    def typical(
        self, rng: np.random.Generator, shape: tuple[int, ...], signed: bool = True
    ) -> dict[str, np.ndarray]:
        """Half-normal thresholds, distributed as inputs are, so that about half of the terms are 0; no gain."""
        ranges, shares = self.ranges, normal_shares(rng, shape, signed)
        theta = np.rint(np.abs(rng.normal(0, self.input.max / 3, shape)))
        arrays = {"theta": np.clip(theta, *ranges["theta"]).astype(np.int64), "sign": signs(shares)}
        return arrays | ({"gain": np.zeros(shape, np.int64)} if self.gain else {})

    @classmethod
    def parameter_of(cls, bits: int) -> Format:
        return Format(bits - 1)

    def encode(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        theta, sign = arrays["theta"], arrays["sign"]
        absent = sign == 0
        if self.step is not None:
            absent = ~self._here(arrays)
            sign = np.where(absent, 0, sign)
            theta = np.where(absent, 0 if self.gain else self.input.max, theta) >> self.step
            encoded = {"theta": theta, "sign": (sign < 0).astype(np.int64)}
            if self.gain:
                encoded["gain"] = np.where(absent, NO_GAIN, arrays["gain"])
            return encoded
        encoded = {"theta": theta, "sign": (sign < 0).astype(np.int64)}
        if self.gain:
            encoded["gain"] = arrays["gain"]
        if self.stores_present:
            encoded["present"] = (~absent).astype(np.int64)
        else:
            encoded["theta"] = np.where(absent, self.input.max, theta)
        if self.form == "complement":
            theta = encoded.pop("theta")
            encoded["not_theta"] = self.parameter.min + self.parameter.max - theta
        return encoded

    def term(self, x: np.ndarray | int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        rectified = np.maximum(np.subtract(x, arrays["theta"], dtype=np.int64), 0)
        return arrays["sign"] * (rectified << arrays.get("gain", 0))

    def interval(self, arrays: Mapping[str, np.ndarray] | None = None) -> tuple[Any, Any]:
        if arrays is None:
            top = max(self.input.max - self.parameter.min, 0) << (MAX_GAIN if self.gain else 0)
            return -top * self.signed, top
        rises_from = np.maximum(self.input.min - arrays["theta"], 0) << arrays.get("gain", 0)
        rises_to = np.maximum(self.input.max - arrays["theta"], 0) << arrays.get("gain", 0)
        ends = arrays["sign"] * rises_from, arrays["sign"] * rises_to
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def _rectified(self) -> Any:
        """Format of the rectified difference, or of max(x, theta), before gain and sign."""
        if self.step is not None:
            return self.input
        if self.form == "max":
            low = max(self.input.min, self.parameter.min)
            return Format.of_interval(low, max(self.input.max, self.parameter.max))
        return Format.of_interval(0, max(self.input.max - self.parameter.min, 1))

    @property
    def _inverted(self) -> Any:
        """Constant that has to be added to a term that is inverted because its sign is negative."""
        bits = self._rectified.bits + (MAX_GAIN if self.gain else 0)
        return inversion(bits, self._rectified.signed)

    def _scale(self, value: Value, p: data.View) -> Any:
        """`value` shifted left by the gain field, with enough bits for the largest gain."""
        if not self.gain:
            return value
        if self.step is not None:
            present = ~p.gain.all()
            value = value & present.replicate(len(value))
        gained = Mux(p.gain[1], value << 2, Mux(p.gain[0], value << 1, value))
        gained = gained[: len(value) + MAX_GAIN]
        return gained.as_signed() if value.shape().signed else gained

    def addends(self, x: Value, p: data.View) -> tuple[list[Addend], int]:
        rectified = self._rectified
        if self.step is not None:
            # The largest level stands for an absent synapse: there x never exceeds theta.
            high = x[self.step :]
            if self.cells:
                yields = ripples(Cat(Const(1, 1), high), Cat(Const(0, 1), p.theta))
                yields = yields if self.gain else yields & ~p.theta.all()
            else:
                yields = at_least(high, p.theta, below_top=not self.gain)
            low = x[: self.step] & yields.replicate(self.step)
            value = Cat(low, Mux(yields, high, p.theta))
        elif self.form == "max":
            more = ripples(x, p.theta) if self.cells else x > p.theta
            value = Mux(more, x, p.theta)[: rectified.bits]
            value = value.as_signed() if rectified.signed else value
        else:
            difference = self._difference(x, p)
            value = gate(~difference[-1], difference[: rectified.bits])
        if self.stores_present:
            value = gate(p.present, value)
        value = self._scale(value, p)
        return [Addend(negate_if(p.sign, value) if self.signed else value)], 0

    def remainder_addends(self, p: data.View) -> tuple[list[Addend], int]:
        if self.form != "max":
            return [Addend(p.sign, self._inverted)] if self.signed else [], 0
        # For an excitatory synapse -theta, which is ~theta and a constant; for an inhibitory one theta.
        theta = Cat(Const(0, self.step), p.theta) if self.step else p.theta
        theta = self._scale(theta, p)
        if not self.signed:
            return [Addend(gate(p.present, theta) if self.stores_present else theta, -1)], 0
        constant = inversion(len(theta), theta.shape().signed)
        either = negate_if(~p.sign, theta)
        sign = Addend(p.sign, self._inverted - constant)
        if self.stores_present:
            return [Addend(gate(p.present, either)), sign, Addend(p.present, constant)], 0
        return [Addend(either), sign], constant

    def remainder(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        encoded = self.encode(arrays)
        remainder = encoded["sign"] * self._inverted
        if self.form == "max":
            theta = encoded["theta"] << (self.step or 0) << arrays.get("gain", 0)
            remainder = remainder + np.where(encoded["sign"] == 1, theta, -theta)
        return np.where(encoded.get("present", 1) == 1, remainder, 0)

    def constant_addends(self, x: Value, values: Mapping[str, int]) -> tuple[list[Addend], int]:
        theta, sign = values["theta"], values["sign"]
        weight = sign << values.get("gain", 0)
        if sign == 0 or theta >= self.input.max:
            return [], 0
        if theta <= self.input.min:
            return [Addend(x, weight)], -theta * weight
        if self.form == "max":
            return [Addend(Mux(x > theta, x, theta), weight, self.input.max)], -theta * weight
        highest = self.input.max - theta
        difference = x - theta
        rectified = gate(~difference[-1], difference[: highest.bit_length()])
        return [Addend(rectified, weight, highest)], 0

    def active(self, x: Value, p: data.View) -> Value:
        if self.step is not None:
            present = ~p.gain.all() if self.gain else ~p.theta.all()
            return (x > Cat(Const(0, self.step), p.theta)) & present
        above = x > self._theta(p)
        return above & p.present if self.stores_present else above


def _extended(value: Value, width: int) -> Value:
    """`value` extended to `width` bits, by its sign or by zeros."""
    top = value[-1] if value.shape().signed else Const(0, 1)
    return Cat(value, top.replicate(width - len(value)))
