"""Sums of many small integers: normalisation to unsigned operands, and a balanced adder tree.

Every addend becomes an unsigned operand and a constant: the top bit of a signed one is flipped, a subtracted one is
inverted. The constants are added to the bias. Therefore no node extends a sign, and a node is exactly as wide as its
largest value, or as the result if that is narrower: nodes may wrap modulo ``2**width``, as the result does too.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AdderTree", "Leaf", "normalise", "signed_digits"]


@dataclass(frozen=True)
class Leaf:
    """One input of a tree: an unsigned value of 0 .. `high` with the weight ``2**shift * odd``.

    A `negative` leaf has the weight ``-(2**shift * odd)``. Leaves with the same `odd` are added first and multiplied
    once. A `static` leaf does not change while vectors are in the tree, so it needs no registers until it is added to
    a value that does.
    """

    high: int
    shift: int = 0
    odd: int = 1
    negative: bool = False
    static: bool = False

    @property
    def scale(self):
        """The weight without its sign."""
        return self.odd << self.shift


def normalise(addends):
    """Convert addends to unsigned leaves.

    Returns
    -------
    list of (Value, Leaf)
    int
        Constant that must be added to the sum of the leaves.
    """
    leaves, constant = [], 0
    for addend in addends:
        if addend.weight == 0:
            continue
        value, high = addend.value, addend.high
        bits = len(value)
        if value.shape().signed:
            offset = 1 << (bits - 1)
            value = Cat(value[:-1], ~value[-1])
            high = (1 << bits) - 1 if high is None else high + offset
            constant -= addend.weight * offset
        high = (1 << bits) - 1 if high is None else high
        value = value[: high.bit_length()]
        odd = abs(addend.weight)
        shift = (odd & -odd).bit_length() - 1
        leaves.append((value, Leaf(high, shift, odd >> shift, addend.weight < 0)))
    return leaves, constant


@dataclass(frozen=True)
class _Operand:
    value: Value
    shift: int
    high: int
    static: bool = False

    @property
    def top(self):
        return self.shift + len(self.value)


def signed_digits(number):
    """Canonical signed digits of an integer: list of (shift, +1 or -1)."""
    digits, shift = [], 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)
            digits.append((shift, digit))
            number -= digit
        number >>= 1
        shift += 1
    return digits


def _count(bits):
    """The number of ones among two to four bits, as logic without adders."""
    parity = bits[0]
    for bit in bits[1:]:
        parity = parity ^ bit
    pairs = Const(0, 1)
    for k, bit in enumerate(bits):
        for other in bits[k + 1 :]:
            pairs = pairs | (bit & other)
    if len(bits) < 4:
        return Cat(parity, pairs)
    full = bits[0] & bits[1] & bits[2] & bits[3]
    return Cat(parity, pairs & ~full, full)


class Reduction:
    """The nodes of a balanced tree that adds leaves, level by level, and what they leave to be added.

    Parameters
    ----------
    inputs : list of (Value, Leaf)
    width, constant
        As for `AdderTree`.

    Attributes
    ----------
    nodes : list of list of (Signal, Value)
        For each level, the signals of its nodes, and what each is to be.
    result : Value
        The sum, of the signals of the last level.
    owed : int
        As for `AdderTree`.
    """

    def __init__(
        self, inputs: list[tuple[Value, Leaf]], width: int, constant: int | None = None
    ) -> None:
        self._width = width
        self._constant = constant
        self._constant_is_free = bool(constant and constant % (1 << width))
        self.owed: int
        self.nodes: list[list[tuple[Signal, Value]]]
        self.result: Value
        self._reduce(inputs, 0)
        if constant is not None:
            if total := (constant + self.owed) % (1 << width):
                self._reduce(inputs, total)
            self.owed = 0

    def _group(self, leaves):
        """Operands in groups, by the factor with which the sum of a group is multiplied."""
        odds = defaultdict(list)
        for value, leaf in leaves:
            odds[leaf.odd].append((value, leaf))
        groups = {}
        for odd, members in sorted(odds.items()):
            sign = -1 if odd > 1 and all(leaf.negative for _, leaf in members) else 1
            group = groups.setdefault(sign * odd, [])
            for value, leaf in members:
                high = leaf.high
                if leaf.negative and sign > 0:
                    high = (1 << high.bit_length()) - 1
                    value = ~value
                    self.owed -= odd * high << leaf.shift
                    # Now a constant has to be added anyway, so further constants cost nothing.
                    self._constant_is_free = self._constant is not None
                group.append(self._clip(_Operand(value, leaf.shift, high, leaf.static)))
        return {multiple: [o for o in group if o] for multiple, group in groups.items()}

    def _clip(self, operand):
        """`operand` without bits above the width of the result; None if nothing is left."""
        bits = self._width - operand.shift
        if bits <= 0 or operand.high == 0:
            return None
        if len(operand.value) <= bits:
            return operand
        return _Operand(operand.value[:bits], operand.shift, (1 << bits) - 1, operand.static)

    def _multiply(self, operand, multiple):
        """Operands whose sum is `multiple` times one operand."""
        for shift, digit in signed_digits(multiple):
            shift += operand.shift
            if digit > 0:
                yield _Operand(operand.value, shift, operand.high)
            elif self._constant_is_free:
                high = (1 << len(operand.value)) - 1
                self.owed -= high << shift
                yield _Operand(~operand.value, shift, high)
            elif shift < self._width:
                bits = self._width - shift
                negated = -operand.value
                extended = Cat(negated, negated[-1].replicate(max(0, bits - len(negated))))
                yield _Operand(extended[:bits], shift, (1 << bits) - 1)

    def _reduce(self, inputs, constant):
        self.owed, self.nodes = 0, []
        groups = self._group(inputs)
        main = groups.pop(1, [])
        if constant:
            shift = (constant & -constant).bit_length() - 1
            main.append(_Operand(Const(constant >> shift), shift, constant >> shift, True))
        while True:
            for multiple in [m for m, group in groups.items() if len(group) <= 1]:
                for operand in groups.pop(multiple):
                    main += [o for o in map(self._clip, self._multiply(operand, multiple)) if o]
            main = _pack(main)
            if len(main) <= 1 and not groups:
                break
            nodes = []
            main = self._level(main, nodes)
            groups = {multiple: self._level(group, nodes) for multiple, group in groups.items()}
            self.nodes.append(nodes)
        self.result = Cat(Const(0, main[0].shift), main[0].value) if main else Const(0, 1)

    def _level(self, operands, nodes):
        """Make one level of adders, and append its (signal, value) pairs to `nodes`."""
        results, rest = [], []
        bits = defaultdict(list)
        for operand in operands:
            (bits[operand.shift] if operand.high == 1 else rest).append(operand)
        for shift, members in sorted(bits.items()):
            for k in range(0, len(members), 4):
                few = [operand.value for operand in members[k : k + 4]]
                if len(few) == 1:
                    rest.append(members[k])
                else:
                    results.append(_Operand(_count(few), shift, len(few)))
        rest.sort(key=lambda operand: operand.top)
        for k in range(0, len(rest) - 1, 2):
            results.append(self._add(rest[k], rest[k + 1]))
        if len(rest) % 2:
            results.append(rest[-1])
        return [self._node(operand, nodes) for operand in filter(None, map(self._clip, results))]

    def _node(self, operand, nodes):
        if operand.static:
            return operand
        signal = Signal(
            len(operand.value), name=f"level{len(self.nodes)}_{len(nodes)}", reset_less=True
        )
        nodes.append((signal, operand.value))
        return _Operand(signal, operand.shift, operand.high)

    @staticmethod
    def _add(a, b):
        if a.shift > b.shift:
            a, b = b, a
        low = b.shift - a.shift
        high = a.high + (b.high << low)
        total = a.value[low:] + b.value
        below = Cat(a.value[:low], Const(0, max(0, low - len(a.value))))
        value = Cat(below, total)[: high.bit_length()]
        return _Operand(value, a.shift, high)


class AdderTree(wiring.Component):
    """Balanced, optionally pipelined sum of unsigned leaves, modulo ``2**width``.

    Parameters
    ----------
    leaves : list of Leaf
    width : int
        Width of the result in bits.
    registered : bool
        Whether there are registers after each level, so that one adder is between registers.
    constant : int or None
        Added to the sum. With None, the user of the tree must add :attr:`owed` elsewhere; the tree then negates
        values, where it can, in ways that need no constant.

    Attributes
    ----------
    levels : int
        Adder levels; the latency in cycles if `registered`.
    owed : int
        Constant that is missing from :attr:`total`; 0 unless `constant` is None.

    Members
    -------
    enable : In(1)
        The registers take new values.
    leaf_K : In(unsigned)
        Leaf number K.
    total : Out(unsigned(width))
    """

    def __init__(
        self, leaves: Any, width: int, *, registered: bool = True, constant: int | None = None
    ) -> None:
        self._leaves = list(leaves)
        self._width = width
        self._registered = registered
        super().__init__(
            {"enable": In(1), "total": Out(width)}
            | {f"leaf_{k}": In(max(1, leaf.high.bit_length())) for k, leaf in enumerate(leaves)}
        )
        inputs = [(getattr(self, f"leaf_{k}"), leaf) for k, leaf in enumerate(leaves)]
        self._plan = Reduction(inputs, width, constant)

    @property
    def width(self) -> int:
        return self._width

    @property
    def registered(self) -> bool:
        return self._registered

    @property
    def levels(self) -> int:
        return len(self._plan.nodes)

    @property
    def owed(self) -> int:
        return self._plan.owed

    @property
    def leaf_bits(self) -> Any:
        """For each leaf, its number of bits, and whether it is static."""
        return [(max(1, leaf.high.bit_length()), leaf.static) for leaf in self._leaves]

    @property
    def nodes(self) -> Any:
        """For each level and each of its nodes: its number of bits, and what it adds, each as (level, number).

        The leaves are level -1. A node that adds one value only is a delay.
        """
        known = {f"leaf_{number}": (-1, number) for number in range(len(self._leaves))}
        found = []
        for level, nodes in enumerate(self._plan.nodes):
            found.append(
                [
                    (len(signal), sorted(known[s.name] for s in value._rhs_signals()))
                    for signal, value in nodes
                ]
            )
            for number, (signal, _) in enumerate(nodes):
                known[signal.name] = (level, number)
        return found

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for nodes in self._plan.nodes:
            for signal, value in nodes:
                if self._registered:
                    with m.If(self.enable):
                        m.d.sync += signal.eq(value)
                else:
                    m.d.comb += signal.eq(value)
        m.d.comb += self.total.eq(self._plan.result)
        return m


def _pack(operands):
    """Merge operands that have no bit position in common: wires instead of an adder."""
    packed = []
    for operand in sorted(operands, key=lambda o: (o.shift, o.top)):
        for k, below in enumerate(packed):
            gap = operand.shift - below.top
            if gap >= 0:
                value = Cat(below.value, Const(0, gap), operand.value)
                high = below.high + (operand.high << (operand.shift - below.shift))
                static = below.static and operand.static
                packed[k] = _Operand(value, below.shift, high, static)
                break
        else:
            packed.append(operand)
    return packed
