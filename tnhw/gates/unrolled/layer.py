"""The gates of a layer that takes a vector in each cycle."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from ..engine.results import later
from ..summing.terms import direct
from .adders import Adder
from .functions import Products
from .planning import Neurons, Sums

__all__ = ["Layer"]


class Layer(wiring.Component):
    """All sums and results of a layer, with registers behind each table, each adder and each step of the results.

    ::

        x --> tables or gates of the rule --> shared sums --> sums --> results --> y

    It has no handshake: a vector moves one register in each cycle. All values of a vector are in the same level of the
    pipeline at the same time, so a value that is needed later goes through registers.

    Parameters
    ----------
    neurons : Neurons

    Attributes
    ----------
    levels : int
        Adders on the longest way.
    latency : int
        Cycles from `x` to `y`.

    Members
    -------
    x : In
        All inputs.
    y : Out
        All results.
    """

    def __init__(self, neurons: Neurons) -> None:
        self._neurons = neurons
        rule, plan = neurons.rule, neurons.plan
        super().__init__(
            {
                "x": In(ArrayLayout(rule.input.shape, neurons.inputs)),
                "y": Out(ArrayLayout(plan.output.shape, neurons.outputs)),
            }
        )
        self._sums = Sums(neurons, [direct(self.x[k]) for k in range(neurons.inputs)])
        levels = self._sums.adders.levels
        self.levels = max(levels[total.value] for total in self._sums.totals)
        self._results = [
            plan.wired(neurons.sum_format, k % neurons.channels) for k in range(neurons.outputs)
        ]
        self._after = max(result.latency for result in self._results)

    @property
    def latency(self) -> int:
        return 1 + self.levels + self._after

    @property
    def adders(self) -> int:
        """How many adders make the sums."""
        sums = self._sums.adders
        own = (sums.adders.get(value) for value in self._used())
        return sum(adder is not None and not sums.joins(adder) for adder in own)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._signals: dict[tuple[int, int], Value] = {}
        self._leaves(m)
        self._adders(m)
        width = self._neurons.sum_format
        for k, (total, result) in enumerate(zip(self._sums.totals, self._results, strict=True)):
            value = Cat(Const(0, total.shift), self._at(m, total.value, self.levels))[: width.bits]
            z = Signal(width.shape, name=f"z_{k}")
            m.d.comb += z.eq(value)
            m.submodules[f"result_{k}"] = result
            m.d.comb += result.z.eq(z)
            y = later(m, result.y, 1, f"y_{k}", self._after - result.latency)
            m.d.comb += self.y[k].eq(y)
        return m

    def _used(self) -> list[int]:
        """The values that are part of a sum, in order."""
        adders, used = self._sums.adders.adders, set[int]()
        ahead = [total.value for total in self._sums.totals]
        while ahead:
            value = ahead.pop()
            if value not in used:
                used.add(value)
                if value in adders:
                    ahead += [adders[value].low, adders[value].high]
        return sorted(used)

    def _leaves(self, m: Module) -> None:
        """Registers of the tables, and of the terms of wide inputs."""
        sums, lanes, products = self._sums, {}, dict[int, Products]()
        for value in self._used():
            if value in sums.tables:
                group, table = sums.tables[value]
                if group not in products:
                    products[group] = Products(m, sums.codes[group], f"inputs_{group}")
                signal = Signal(sums.adders.bits(value), name=f"table_{value}", reset_less=True)
                m.d.sync += signal.eq(products[group].table(table))
                self._signals[value, 0] = signal
            elif value in sums.lanes:
                self._signals[value, 0] = lanes[id(sums.lanes[value])] = sums.lanes[value]
        for signal, made in sums.terms.connected(m):
            if id(signal) in lanes:
                m.d.sync += signal.eq(made)

    def _at(self, m: Module, value: int, level: int) -> Value:
        """A value in a level of the pipeline, that in which it is first there or a later one."""
        adders = self._sums.adders
        if value in adders.constants:
            return Const(adders.constants[value], adders.bits(value))
        if (value, level) not in self._signals:
            adder = adders.adders.get(value)
            if adder is not None and adders.joins(adder):
                low = self._at(m, adder.low, level)
                gap = Const(0, adder.distance - len(low))
                made: Value = Cat(low, gap, self._at(m, adder.high, level))
            else:
                before = self._at(m, value, level - 1)
                made = Signal(len(before), name=f"sum_{value}_{level}", reset_less=True)
                m.d.sync += made.eq(before)
            self._signals[value, level] = made
        return self._signals[value, level]

    def _adders(self, m: Module) -> None:
        """All adders, level by level.

        On devices whose carry cells add two bits, an adder of an odd number of bits leaves half a cell unused. So two
        of these become one chain, the second above the first.
        """
        adders, levels = self._sums.adders, self._sums.adders.levels
        kinds = defaultdict(list)
        for value in self._used():
            adder = adders.adders.get(value)
            if adder is not None and not adders.joins(adder):
                self._signals[value, levels[value]] = Signal(
                    adder.bits, name=f"sum_{value}", reset_less=True
                )
                kinds[levels[value], adder.subtracts].append((value, adder))
        for (level, subtracts), members in sorted(kinds.items()):
            alone: list[Any] = []
            for value, adder in members:
                ready = value, adder, *self._operands(m, adder, level - 1)
                odd = (adder.bits - adder.distance) % 2 and not adder.wraps
                (alone if odd else []).append(ready)
                if not odd:
                    self._chain(m, [ready], subtracts)
            for k in range(0, len(alone), 2):
                self._chain(m, alone[k : k + 2], subtracts)

    def _operands(self, m: Module, adder: Adder, level: int) -> tuple[Value, Value, Value]:
        """The bits that pass an adder by, and the two numbers that it adds, of equal width."""
        low, high = self._at(m, adder.low, level), self._at(m, adder.high, level)
        bits, distance = adder.bits - adder.distance, adder.distance
        below = _fit(low[:distance], distance)
        if adder.offset:
            low = Cat(_fit(low, adder.bits - 1), Const(1, 1))
        return below, _fit(low[distance:], bits), _fit(high, bits)

    def _chain(self, m: Module, members: Any, subtracts: bool) -> None:
        """One adder for its members, each of which is above the one before and takes no carry from it."""
        left, right = (Cat(one[k] for one in members) for k in (3, 4))
        total, at = left - right if subtracts else left + right, 0
        if len(members) > 1:
            wire = Signal(len(left), name=f"chain_{members[0][0]}")
            m.d.comb += wire.eq(total)
            total = wire
        for value, _, below, own, _ in members:
            level = self._sums.adders.levels[value]
            m.d.sync += self._signals[value, level].eq(Cat(below, total[at : at + len(own)]))
            at += len(own)


def _fit(value: Value, bits: int) -> Value:
    """The lowest bits of an unsigned value, or zeros above it."""
    return value[:bits] if len(value) >= bits else Cat(value, Const(0, bits - len(value)))
