"""What a kernel's synapses add up to: the seam between a rule and an architecture."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from amaranth.hdl import Signal, Value
from amaranth.hdl._ast import Operator, Slice
from amaranth.lib import data

from ...synapse import Addend, Rule
from .tree import normalise

__all__ = ["Terms", "direct", "lane_constant"]


def lane_constant(rule):
    """Constant that one runtime synapse owes to the bias, apart from the remainder of the rule."""
    addends, constant = rule.addends(
        Signal(rule.input.shape), rule.word(Signal(rule.word_bits, name="p"))
    )
    return constant + normalise(addends)[1]


def direct(value):
    """An element of a payload as a slice of the payload's signal, not of a slice of it.

    Amaranth copies the nets of every slice that it meets, once for each use: slices of wide slices take the
    square of a kernel's inputs.
    """
    if isinstance(value, data.View):
        return data.View(value.shape(), direct(value.as_value()))
    if isinstance(value, Operator) and value.operator == "s":
        return direct(value.operands[0]).as_signed()
    start, stop = 0, len(value)
    while isinstance(value, Slice):
        start, stop, value = start + value.start, stop + value.start, value.value
    return value[start:stop]


class Terms:
    """Leaves of one output's sum, gathered synapse by synapse.

    Equal values of one input are registered once and shared between outputs: with few distinct
    thresholds, the outputs of a constant kernel share one bank of rectifiers.

    Parameters
    ----------
    rule : Rule
    build_remainder : bool
        Whether the remainder that depends on the parameters is summed in gates.
    """

    def __init__(self, rule: Rule, build_remainder: bool) -> None:
        self._rule = rule
        self._build_remainder = build_remainder
        self._lanes: dict[tuple[str, str], tuple[Signal, Value]] = {}

    @property
    def lanes(self) -> list[tuple[Signal, Value]]:
        """Registered values: list of (signal, value)."""
        return list(self._lanes.values())

    def runtime(self, x: Value, p: Any, name: str, polarity: int = 1) -> Any:
        """Leaves and constant of a synapse with the parameter word `p`; `polarity` -1 subtracts it."""
        addends, constant = self._rule.addends(x, p)
        if self._build_remainder:
            more, owed = self._rule.remainder_addends(p)
            addends, constant = [*addends, *more], constant + owed
        addends = [replace(addend, weight=polarity * addend.weight) for addend in addends]
        return self._lane(addends, polarity * constant, name)

    def shared(self, x: Value, words: Sequence[Any], names: Sequence[str]) -> list[Any]:
        """Leaves of one input's synapses with several outputs, as many as the rule shares gates between."""
        entries = self._rule.shared_addends(x, words)
        return [self._lane(*entry, name)[0] for entry, name in zip(entries, names, strict=True)]

    def constant(self, x: Value, values: Mapping[str, int], name: str) -> Any:
        """Leaves and constant of a synapse whose parameters are integers."""
        return self._lane(*self._rule.constant_addends(x, values), name)

    def _lane(self, addends: list[Addend], constant: int, name: str) -> tuple[list[Any], int]:
        leaves, owed = normalise(addends)
        registered: list[Any] = []
        for value, leaf in leaves:
            key = (name.split("_")[0], repr(value))
            if key not in self._lanes:
                signal = Signal(len(value), name=f"lane_{name}_{len(registered)}", reset_less=True)
                self._lanes[key] = (signal, value)
            registered.append((self._lanes[key][0], leaf))
        return registered, constant + owed
