"""From the synapses of a layer to its leaves, and to sums that share what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Signal, Value

from ...synapse import Format, Rule
from ..engine.results import Plan
from ..summing.sharing import Digit, adder_bits, common
from ..summing.terms import Terms
from ..summing.tree import signed_digits
from .adders import Adders, Operand
from .functions import Function, grouped, joined, terms_of

__all__ = ["Neurons", "Sums"]

MAX_PAIRS = 1 << 20  # pairs of digits that are compared at once when sums are shared


@dataclass(frozen=True)
class Neurons:
    """A layer whose parameters never change, as the gates need it.

    Attributes
    ----------
    rule : Rule
    inputs : int
        Inputs of the layer, for all its positions.
    sources : int array [positions, synapses]
        Which input each synapse of an output sees; -1 where it contributes no term.
    inverted : bool array [synapses]
        Whether a synapse sees the complement ``max + min - x`` of its input.
    arrays : dict of int arrays
        Parameters of the rule [channels, synapses].
    bias : list of int
        One for each channel, with the rounding constant.
    sum_format : Format
        Format of a sum with its bias.
    plan : Plan
        What happens to the sums of each channel.
    """

    rule: Rule
    inputs: int
    sources: np.ndarray
    inverted: np.ndarray
    arrays: Mapping[str, np.ndarray]
    bias: list[int]
    sum_format: Format
    plan: Plan

    @property
    def channels(self) -> int:
        return len(self.bias)

    @property
    def positions(self) -> int:
        return len(self.sources)

    @property
    def outputs(self) -> int:
        """Sums of the layer: the channels at the first position, then those at the next one."""
        return self.positions * self.channels


class Sums:
    """The sums of a layer, planned.

    Parameters
    ----------
    neurons : Neurons
    x : list of Value
        The inputs.

    Attributes
    ----------
    adders : Adders
    codes : list of Value
        The bits of each group of inputs whose bits together address tables.
    tables : dict of int to (int, tuple of int)
        For each leaf that is a table, its group and its values.
    terms : Terms
        The gates of inputs that are too wide for tables.
    lanes : dict of int to Signal
        For each leaf that is one of the `terms`, its register.
    totals : list of Operand
        Each sum modulo ``2**sum_format.bits``.
    """

    def __init__(self, neurons: Neurons, x: list[Value]) -> None:
        self._neurons = neurons
        self.adders = Adders()
        self.tables: dict[int, tuple[int, tuple[int, ...]]] = {}
        self.terms = Terms(neurons.rule, False)
        self.lanes: dict[int, Signal] = {}
        self._groups = grouped(neurons.rule.input, neurons.inputs)
        self.codes = [Cat(x[k] for k in group) for group in self._groups]
        self._where: list[int] = []  # for each leaf, the group or input that it comes from
        rows, constants = self._from_tables() if self._groups else self._from_gates(x)
        self._totals(rows, constants)

    # Leaves

    def _from_tables(self) -> tuple[list[list[Digit]], list[int]]:
        """The digits of each sum and its constant, for narrow inputs."""
        neurons, leaves = self._neurons, dict[Any, int]()
        rows: list[list[Digit]] = []
        constants = []
        together = len(self._groups[0])
        seen = [np.unique(own[own >= 0] // together).tolist() for own in neurons.sources]
        for row, terms in enumerate(self._terms_by_code()):
            digits, constant = list[Digit](), neurons.bias[row % neurons.channels]
            for number in seen[row // neurons.channels]:
                group = self._groups[number]
                function = Function.of(joined(terms[group.start : group.stop]))
                constant += function.constant
                if not function.table:
                    continue
                key = number, function.table
                if key not in leaves:
                    leaves[key] = self._leaf(max(function.table), number)
                    self.tables[leaves[key]] = number, function.table
                digits.append(Digit(leaves[key], function.shift, function.sign))
            rows.append(digits)
            constants.append(constant)
        return rows, constants

    def _terms_by_code(self):
        """For each sum, the terms of each input for each code of it: yields int arrays [inputs, codes]."""
        neurons, names = self._neurons, list(self._neurons.arrays)
        parameters = np.stack([neurons.arrays[name] for name in names], axis=-1)
        distinct, index = np.unique(parameters.reshape(-1, len(names)), axis=0, return_inverse=True)
        table = terms_of(neurons.rule, [dict(zip(names, own, strict=True)) for own in distinct.tolist()])  # fmt: skip
        index = index.reshape(parameters.shape[:2])
        for sources in neurons.sources:
            there = sources >= 0
            for channel in range(neurons.channels):
                own = table[index[channel]]
                # The complement of an input has the complement of its code.
                own = np.where(neurons.inverted[:, None], own[:, ::-1], own)
                total = np.zeros((neurons.inputs, table.shape[1]), np.int64)
                np.add.at(total, sources[there], own[there])
                yield total

    def _from_gates(self, x: list[Value]) -> tuple[list[list[Digit]], list[int]]:
        """The digits of each sum and its constant, by the gates of the rule."""
        neurons, leaves = self._neurons, dict[int, int]()
        rows: list[list[Digit]] = []
        constants = []
        for sources in neurons.sources:
            for channel in range(neurons.channels):
                digits, constant = list[Digit](), neurons.bias[channel]
                for k, source in enumerate(sources.tolist()):
                    if source < 0:
                        continue
                    values = {name: int(a[channel, k]) for name, a in neurons.arrays.items()}
                    inverted = bool(neurons.inverted[k])
                    seen = ~x[source] if inverted else x[source]
                    name = f"{source}{'n' * inverted}_{len(rows)}"
                    made, owed = self.terms.constant(seen, values, name)
                    constant += owed
                    for signal, leaf in made:
                        if id(signal) not in leaves:
                            leaves[id(signal)] = self._leaf(leaf.high, source)
                            self.lanes[leaves[id(signal)]] = signal
                        number, sign = leaves[id(signal)], -1 if leaf.negative else 1
                        for shift, digit in signed_digits(leaf.scale):
                            digits.append(Digit(number, shift, sign * digit))
                rows.append(_merged(digits))
                constants.append(constant)
        return rows, constants

    def _leaf(self, high: int, where: int) -> int:
        self._where.append(where)
        return self.adders.leaf(high)

    # Sums

    def _totals(self, rows: list[list[Digit]], constants: list[int]) -> None:
        """Plan all sums: share pairs, then add what is left of each."""
        adders, width = self.adders, self._neurons.sum_format.bits
        kept = self._kept(rows)
        rows = self._shared(rows)
        self.totals: list[Operand] = []
        for digits, constant, own in zip(rows, constants, kept, strict=True):
            constant -= sum(d.sign * adders.offsets[d.value] << d.shift for d in digits)
            wide = None
            if own is not None:
                group, table = self.tables[own.value]
                function = Function(table, own.shift, own.sign, constant)
                wide, constant = adders.leaf((1 << width) - 1), 0
                self.tables[wide] = group, function.values(0, 1 << width)
            self.totals.append(adders.total(digits, constant, width, wide))

    def _kept(self, rows: list[list[Digit]]) -> list[Digit | None]:
        """Take a table out of each sum, to which the constant of the sum is added: it then needs no adder.

        It is one that few sums have, so that little is lost for sharing.
        """
        users = Counter(digit.value for row in rows for digit in row)
        kept: list[Digit | None] = []
        for row in rows:
            own = [digit for digit in row if digit.value in self.tables]
            best = min(
                own,
                key=lambda d: (users[d.value], -self.adders.bits(d.value), d.value),
                default=None,
            )
            if best is not None:
                row.remove(best)
            kept.append(best)
        return kept

    def _shared(self, rows: list[list[Digit]]) -> list[list[Digit]]:
        """The same sums with the pairs that they have in common as values of their own."""
        adders = self.adders
        ranges = [(0, high) for high in adders.highs]
        pairs = sum(len(row) ** 2 for row in rows) // 2
        longest = max(map(len, rows), default=0)
        deepest = max(0, longest - 1).bit_length()  # what the longest sum needs in any case
        blocks, count = max(1, -(-pairs // MAX_PAIRS)), 1 + max(self._where, default=0)
        found: list[list[Digit]] = [[] for _ in rows]
        for block in range(blocks):
            places = range(block * count // blocks, (block + 1) * count // blocks)
            some = [[d for d in row if self._where[d.value] in places] for row in rows]
            some, made, ranges = common(
                some, ranges, adder_bits, levels=adders.levels, deepest=deepest
            )
            for pair in made:
                adders.pair(*pair)
            for row, digits in zip(found, some, strict=True):
                row += digits
        return found


def _merged(digits: list[Digit]) -> list[Digit]:
    """The same digits, with those of one value as one number in signed digits."""
    weights = Counter[int]()
    for digit in digits:
        weights[digit.value] += digit.sign << digit.shift
    return [Digit(v, shift, sign) for v, w in weights.items() for shift, sign in signed_digits(w)]
