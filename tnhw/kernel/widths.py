"""The rule of a kernel with its formats, and the exact formats of sums and results that follow."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import PrivateAttr

from ..support.config import Record
from ..synapse import RULES, Format, Rule
from . import own_keys
from .keys import Keys

__all__ = ["Widths"]


class Widths(Keys):
    """Keys with their rule and the parameter arrays, and the smallest formats that hold all sums and results."""

    _arrays: dict[str, np.ndarray] | None = PrivateAttr(None)
    _own: dict[str, Record] = PrivateAttr(default_factory=dict)

    @property
    def arrays(self) -> dict[str, np.ndarray] | None:
        """The kernel's own parameters, or None: a dict of int64 arrays that cannot be written to."""
        return dict(self._arrays) if self._arrays is not None else None

    @property
    def initialised(self) -> bool:
        """Whether the kernel has parameters of its own, so that it computes without a load."""
        return self._arrays is not None

    @property
    def rule_keys(self) -> Record | None:
        """The keys that belong to its rule, or None; see `tnhw.kernel.own_keys`."""
        return self._own.get("rule")

    @property
    def architecture_keys(self) -> Record | None:
        """The keys that belong to its architecture, or None; see `tnhw.kernel.own_keys`."""
        return self._own.get("architecture")

    @cached_property
    def synapse(self) -> Rule:
        """The rule with this kernel's formats, in the form that it chooses."""
        cls = RULES[self.rule]
        form: str | None = self.form
        if form == "auto":
            wired = self.storage == "constant" and self.architecture != "serial"
            form = cls.choose_form(wired, self.storage != "ports" or self.folded)
        own = own_keys.given({"rule": self.rule_keys} if self.rule_keys else {})
        rule = cls(self.input, self.parameter, self.gain, form, **own)
        if self.excitatory is not None:
            rule = rule.without_sign()
        if self.arithmetic == "heap":
            rule = rule.on_cells()
            return rule.in_logic() if self.form == "auto" else rule
        return rule

    @cached_property
    def sum_interval(self) -> tuple[int, int]:
        """Exact range of z, both ends included: for its own parameters if they are constant, else for all."""
        if self.storage == "constant":
            assert self._arrays is not None
            low, high = self.synapse.interval(self._arrays)
            bias: Any = self._arrays["bias"].astype(object)
            low = low.astype(object).sum(axis=1) + bias
            high = high.astype(object).sum(axis=1) + bias
            return min(low), max(high)
        low, high = (int(end) for end in self.synapse.interval())
        bias, adding = self.bias_format, sum(sign > 0 for sign in self.polarity)
        subtracting = self.inputs - adding
        return (
            low * adding - high * subtracting + (bias.min if bias else 0),
            high * adding - low * subtracting + (bias.max if bias else 0),
        )

    @property
    def z_format(self) -> Format:
        """The smallest format that holds every z."""
        return Format.of_interval(*self.sum_interval)

    @property
    def sum_format(self) -> Format:
        """The smallest format that holds every z plus the rounding constant: that of the accumulator."""
        return Format.of_interval(*(end + self.half for end in self.sum_interval))

    @property
    def output_format(self) -> Format:
        """Format of y."""
        return self.output or self.z_format

    @property
    def port_bias(self) -> Format | None:
        """Format of the bias in stream `i`, or None."""
        if self.folded:
            return Format(self.sum_format.bits)
        return self.bias_format if self.storage == "ports" else None
