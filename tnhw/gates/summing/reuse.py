"""A wire for each part of an expression that is used more than once.

Amaranth writes the gates of a part again for every use of it, and those of its own parts with it: a comparison whose
result selects each bit of a value is written once a bit. With wires, the work is that of the parts.
"""

from collections import Counter

from amaranth.hdl import Signal, Value
from amaranth.hdl._ast import Operator, Part, Slice, SwitchValue
from amaranth.hdl._xfrm import ValueTransformer

__all__ = ["with_wires"]


def with_wires(value: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
    """The same value, and the wires that it reads, each with its own value.

    The wires have no names: the emitted Verilog names them by what they compute.
    """
    counter = _Counter()
    counter.on_value(value)
    namer = _Namer(counter.uses)
    return namer.on_value(value), namer.wires


class _Counter(ValueTransformer):
    """Counts the parts that use each part."""

    def __init__(self) -> None:
        self.uses: Counter[int] = Counter()

    def on_value(self, value: Value) -> Value:
        self.uses[id(value)] += 1
        if self.uses[id(value)] == 1:
            super().on_value(value)
        return value


class _Namer(ValueTransformer):
    """Gives wires to the parts that several others use."""

    def __init__(self, uses: Counter[int]) -> None:
        self.wires: list[tuple[Signal, Value]] = []
        self._uses = uses
        self._done: dict[int, Value] = {}

    def on_value(self, value: Value) -> Value:
        key = id(value)
        if key not in self._done:
            made = super().on_value(value)
            if self._uses[key] > 1 and _has_gates(value):
                wire = Signal(made.shape(), name="")
                self.wires.append((wire, made))
                made = wire
            self._done[key] = made
        return self._done[key]


def _has_gates(value: Value) -> bool:
    """Whether a value is more than a name for bits."""
    while isinstance(value, Slice):
        value = value.value
    return isinstance(value, (Operator, Part, SwitchValue))
