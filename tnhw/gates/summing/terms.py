"""From synapses to the leaves of sums: the interface between rules and architectures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.hdl._ast import Operator, Slice
from amaranth.lib import data

from ...synapse import Addend, Rule
from .reuse import with_wires
from .tree import normalise

__all__ = ["Terms", "direct", "lane_constant"]


def lane_constant(rule):
    """Constant that the bias must have for each synapse whose parameter is known at run time only.

    It comes from the gates: from flipped and inverted addends. The remainder of the rule comes in addition.
    """
    addends, constant = rule.addends(
        Signal(rule.input.shape), rule.word(Signal(rule.word_bits, name="p"))
    )
    return constant + normalise(addends)[1]


def direct(value):
    """An element of a payload as a slice of the payload's signal itself, instead of a slice of a slice.

    Amaranth copies the nets of every slice once for each use, so with slices of wide slices the work would grow with
    the square of a kernel's inputs.
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
    """Makes the leaves of sums, synapse by synapse, and the registers in front of them.

    Equal values of one input have one register, which outputs share: if there are few different thresholds, the
    outputs of a constant kernel share one bank of rectifiers.

    Parameters
    ----------
    rule : Rule
    build_remainder : bool
        Whether gates add the remainder, which depends on the parameter only.
    """

    def __init__(self, rule: Rule, build_remainder: bool) -> None:
        self._rule = rule
        self._build_remainder = build_remainder
        self._lanes: dict[tuple[str, str], tuple[Signal, Value]] = {}

    @property
    def lanes(self) -> list[tuple[Signal, Value]]:
        """The registers, and the value that each takes: list of (signal, value)."""
        return list(self._lanes.values())

    def connected(self, m: Module) -> list[tuple[Signal, Value]]:
        """The same as `lanes`, with wires in `m` for what is used several times: fewer gates to write, the same circuit."""
        found = []
        for signal, value in self.lanes:
            made, wires = with_wires(value)
            m.d.comb += [wire.eq(part) for wire, part in wires]
            found.append((signal, made))
        return found

    def runtime(self, x: Value, p: Any, name: str, polarity: int = 1) -> Any:
        """The leaves of a synapse with the parameter word `p`; with `polarity` -1 its term is subtracted.

        Returns
        -------
        list of (Signal, Leaf)
        int
            Constant that must be added to the leaves.
        """
        addends, constant = self._rule.addends(x, p)
        if self._build_remainder:
            more, owed = self._rule.remainder_addends(p)
            addends, constant = [*addends, *more], constant + owed
        addends = [replace(addend, weight=polarity * addend.weight) for addend in addends]
        return self._lane(addends, polarity * constant, name)

    def shared(self, x: Value, words: Sequence[Any], names: Sequence[str]) -> list[Any]:
        """The leaves of one input's synapses with several outputs that share gates: a list for each output."""
        entries = self._rule.shared_addends(x, words)
        return [self._lane(*entry, name)[0] for entry, name in zip(entries, names, strict=True)]

    def constant(self, x: Value, values: Mapping[str, int], name: str) -> Any:
        """The leaves and the constant, as from `runtime`, of a synapse whose parameter is constant."""
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
