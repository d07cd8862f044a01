"""From sums with their biases to results: what happens to the sums that leave an engine in one cycle.

A *plan* says what happens to the sums of one layer, and has the constants of its output channels. Layers of an engine
whose plans are of the same `kind` share gates; the constants of all of them are then rows of one table.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...synapse import Format
from ..summing.requantise import Requantise
from .wired import Wired, WiredScale, WiredShift, WiredStaircase

__all__ = ["Plan", "Results", "ScalePlan", "ShiftPlan", "StaircasePlan", "later"]

BLOCK_ROM_BITS = 1024


@dataclass(frozen=True)
class Plan(ABC):
    """What happens to the sums of one layer.

    Attributes
    ----------
    output : Format
        Format of a result.
    channels : int
        Number of output channels.
    latency : int
        Registers from the sums to the results.
    kind : hashable
        Equal for layers that can share gates.
    """

    output: Format
    channels: int

    @property
    def latency(self) -> int:
        return 0

    @property
    @abstractmethod
    def kind(self) -> Hashable: ...

    def memories(self, drain: int) -> list[tuple[int, int]]:
        """Words and bits of each memory of constants, for `drain` results in a cycle."""
        return []

    @abstractmethod
    def gates(self, sum_format: Format, plans: Sequence["Plan"], drain: int) -> "Results":
        """The gates of this kind in an engine whose layers have the given plans, for `drain` sums in a cycle."""

    @abstractmethod
    def wired(self, sum_format: Format, channel: int) -> Wired:
        """The gates of one channel alone, with its constants in them, for a sum in each cycle."""


class Results(wiring.Component):
    """Gates of one kind of plan.

    Members
    -------
    enable : In(1)
        Registers move.
    valid : In(1)
        There are sums; only then a table is read, as their row may be unknown otherwise.
    z : In
        Sums.
    row : In
        Their row of the table: the rows of all layers in order, each with one beat of channels.
    y : Out
        Results, `latency` registers later.
    """

    def __init__(self, sum_format, output, rows, drain):
        super().__init__(
            {
                "enable": In(1),
                "valid": In(1),
                "z": In(ArrayLayout(sum_format.shape, drain)),
                "row": In(range(max(2, rows))),
                "y": Out(ArrayLayout(output.shape, drain)),
            }
        )


def later(m, value, enable, name, registers=1, *, reset_less=True):
    """A value some registers later, which move when `enable` is high."""
    for number in range(1, registers + 1):
        own = name if registers == 1 else f"{name}_{number}"
        register = Signal(len(value), name=own, reset_less=reset_less)
        with m.If(enable):
            m.d.sync += register.eq(value)
        value = register
    return value


def _rows(plans, drain, kind, entry, empty):
    """The table of a kind of plan: a list of rows with `drain` entries each.

    `entry` gives that of a plan's channel. There is `empty` in rows of other kinds, and where a row has fewer channels.
    """
    rows = []
    for plan in plans:
        for first in range(0, plan.channels, drain):
            there = range(first, min(first + drain, plan.channels))
            own = [entry(plan, channel) for channel in there] if plan.kind == kind else []
            rows.append(own + [empty] * (drain - len(own)))
    return rows


def _memory(m, name, words, bits, enable, address):
    """A ROM with a register at its output; returns what it reads."""
    style = {"rom_style": "block"} if len(words) * bits >= BLOCK_ROM_BITS else {}
    m.submodules[name] = memory = Memory(
        shape=bits, depth=max(2, len(words)), init=words, attrs=style
    )
    read = memory.read_port()
    m.d.comb += [read.en.eq(enable), read.addr.eq(address)]
    return read.data


# ---- Shift ----


@dataclass(frozen=True)
class ShiftPlan(Plan):
    """A shift and a clamp (see `Requantise`), or nothing at all if `clamps` is false."""

    shift: int
    clamps: bool

    @property
    def kind(self) -> Hashable:
        return "shift", self.shift, self.output if self.clamps else None

    def gates(self, sum_format: Format, plans: Sequence[Plan], drain: int) -> Results:
        return Shifted(self, sum_format, plans, drain)

    def wired(self, sum_format: Format, channel: int) -> Wired:
        return WiredShift(sum_format, self.output, self.shift, self.clamps)


class Shifted(Results):
    def __init__(self, plan, sum_format, plans, drain):
        self._plan, self._sum_format, self._drain = plan, sum_format, drain
        output = plan.output if plan.clamps else sum_format
        super().__init__(sum_format, output, 1, drain)

    def elaborate(self, platform):
        m = Module()
        for k in range(self._drain):
            if not self._plan.clamps:
                m.d.comb += self.y[k].eq(self.z[k])
                continue
            part = Requantise(self._sum_format, self._plan.shift, self._plan.output)
            m.submodules[f"requantise_{k}"] = part
            m.d.comb += [part.z.eq(self.z[k]), self.y[k].eq(part.y)]
        return m


# ---- Staircase ----


@dataclass(frozen=True)
class StaircasePlan(Plan):
    """Thresholds of each channel, and whether it falls; see `tnhw.network.requantisers.Staircase`."""

    step_format: Format
    steps: tuple[tuple[int, ...], ...]
    falling: tuple[int, ...]

    @property
    def latency(self) -> int:
        return self.output.bits

    @property
    def kind(self) -> Hashable:
        return "staircase", self.output

    def memories(self, drain: int) -> list[tuple[int, int]]:
        rows = -(-self.channels // drain)
        levels = [(rows << level, self.step_format.bits) for level in range(self.output.bits)]
        return levels * drain

    def gates(self, sum_format: Format, plans: Sequence[Plan], drain: int) -> Results:
        return Bisection(self, sum_format, plans, drain)

    def wired(self, sum_format: Format, channel: int) -> Wired:
        return WiredStaircase(sum_format, self.output, self.steps[channel], self.falling[channel])


class Bisection(Results):
    """A binary search in a pipeline: one comparator and one memory for each bit of the result, from the highest down.

    The memory of a level has for each channel the thresholds that are the middle of what may be left there. What the
    levels before found is the lower part of its address.
    """

    def __init__(self, plan, sum_format, plans, drain):
        self._plan, self._sum_format, self._drain = plan, sum_format, drain
        own = [other for other in plans if other.kind == plan.kind]
        steps = [plan.step_format for plan in own]
        self._step = Format.of_interval(
            min(step.min for step in steps), max(step.max for step in steps)
        )
        self._falls = any(any(plan.falling) for plan in own)
        count = (1 << plan.output.bits) - 1
        self._rows = _rows(
            plans, drain, plan.kind, lambda p, c: (p.steps[c], p.falling[c]), ((0,) * count, 0)
        )
        super().__init__(sum_format, plan.output, len(self._rows), drain)

    def _words(self, lane, level):
        """Contents of the memory of a level: for each row, the thresholds in order of what was found before."""
        bits, step = self._plan.output.bits, self._step.bits
        words = []
        for row in self._rows:
            steps, falling = row[lane]
            for found in range(1 << level):
                middle = (found << (bits - level)) + (1 << (bits - level - 1)) - 1
                word = self._step.encode(steps[middle])
                if self._falls and level == 0:
                    word |= falling << step
                words.append(word)
        return words

    def elaborate(self, platform):
        m = Module()
        bits, step = self._plan.output.bits, self._step
        row, valid = self.row, self.valid
        z = [self.z[lane] for lane in range(self._drain)]
        found = [Const(0, 0)] * self._drain
        falls = [Const(0, 1)] * self._drain
        for level in range(bits):
            later_row = Signal.like(self.row, name=f"row_{level}", reset_less=True)
            later_valid = Signal(name=f"valid_{level}")
            with m.If(self.enable):
                m.d.sync += [later_row.eq(row), later_valid.eq(valid)]
            for lane in range(self._drain):
                name = f"{lane}_{level}"
                words = self._words(lane, level)
                falling = self._falls and level == 0
                data = _memory(
                    m, f"steps_{name}", words, step.bits + falling, self.enable & valid,
                    Cat(found[lane], row),
                )  # fmt: skip
                later_z = Signal(self._sum_format.shape, name=f"z_{name}", reset_less=True)
                with m.If(self.enable):
                    m.d.sync += later_z.eq(z[lane])
                threshold = Signal(step.shape, name=f"threshold_{name}")
                reached = Signal(name=f"reached_{name}")
                m.d.comb += [
                    threshold.eq(data[: step.bits]),
                    reached.eq(later_z >= threshold),
                ]
                if falling:
                    falls[lane] = data[step.bits]
                elif level and self._falls:
                    falls[lane] = later(m, falls[lane], self.enable, f"falls_{name}")
                before = found[lane]
                if level:
                    before = later(m, before, self.enable, f"found_{name}")
                # The first bit found is the highest of the result.
                found[lane] = Cat(reached, before)
                z[lane] = later_z
            row, valid = later_row, later_valid
        for lane in range(self._drain):
            flips = falls[lane].replicate(bits)
            if self._plan.output.signed:  # the smallest code has the sign bit alone
                flips = flips ^ Const(1 << (bits - 1), bits)
            m.d.comb += self.y.as_value().word_select(lane, bits).eq(found[lane] ^ flips)
        return m


# ---- Scale ----


@dataclass(frozen=True)
class ScalePlan(Plan):
    """A multiplier and an offset for each channel; see `tnhw.network.requantisers.Scale`."""

    shift: int
    clamps: bool
    scaled: Format
    multiplier: tuple[int, ...]
    offset: tuple[int, ...]

    @property
    def latency(self) -> int:
        return 3

    @property
    def kind(self) -> Hashable:
        return "scale", self.shift, self.clamps, self.output

    def memories(self, drain: int) -> list[tuple[int, int]]:
        formats = (Format.of_interval(min(c), max(c)) for c in (self.multiplier, self.offset))
        return [(-(-self.channels // drain), sum(number.bits for number in formats))] * drain

    def gates(self, sum_format: Format, plans: Sequence[Plan], drain: int) -> Results:
        return Scaled(self, sum_format, plans, drain)

    def wired(self, sum_format: Format, channel: int) -> Wired:
        factor, offset = self.multiplier[channel], self.offset[channel]
        return WiredScale(
            sum_format, self.output, self.scaled, factor, offset, self.shift, self.clamps
        )


class Scaled(Results):
    """A multiplication and an addition, with a register behind the table, the product and the sum."""

    def __init__(self, plan, sum_format, plans, drain):
        self._plan, self._sum_format, self._drain = plan, sum_format, drain
        own = [other for other in plans if other.kind == plan.kind]
        factors = [value for other in own for value in other.multiplier]
        offsets = [value for other in own for value in other.offset]
        self._factor = Format.of_interval(min(factors), max(factors))
        self._offset = Format.of_interval(min(offsets), max(offsets))
        self._scaled = Format.of_interval(
            min(other.scaled.min for other in own), max(other.scaled.max for other in own)
        )
        self._rows = _rows(
            plans, drain, plan.kind, lambda p, c: (p.multiplier[c], p.offset[c]), (factors[0], offsets[0])
        )  # fmt: skip
        super().__init__(sum_format, plan.output, len(self._rows), drain)

    def elaborate(self, platform):
        m = Module()
        factor, offset, scaled = self._factor, self._offset, self._scaled
        for lane in range(self._drain):
            words = [
                factor.encode(row[lane][0]) | offset.encode(row[lane][1]) << factor.bits
                for row in self._rows
            ]
            data = _memory(
                m, f"scales_{lane}", words, factor.bits + offset.bits, self.enable & self.valid,
                self.row,
            )  # fmt: skip
            z = Signal(self._sum_format.shape, name=f"z_{lane}", reset_less=True)
            multiplier = Signal(factor.shape, name=f"multiplier_{lane}")
            added = Signal(offset.shape, name=f"added_{lane}", reset_less=True)
            product = Signal(scaled.shape, name=f"product_{lane}", reset_less=True)
            total = Signal(scaled.shape, name=f"total_{lane}", reset_less=True)
            m.d.comb += multiplier.eq(data[: factor.bits])
            with m.If(self.enable):
                m.d.sync += [
                    z.eq(self.z[lane]),
                    product.eq(z * multiplier),  # modulo the width of the total, which is exact
                    added.eq(data[factor.bits :]),
                    total.eq(product + added),
                ]
            if not self._plan.clamps:
                m.d.comb += self.y[lane].eq(total)
                continue
            part = Requantise(scaled, self._plan.shift, self._plan.output)
            m.submodules[f"requantise_{lane}"] = part
            m.d.comb += [part.z.eq(total), self.y[lane].eq(part.y)]
        return m
