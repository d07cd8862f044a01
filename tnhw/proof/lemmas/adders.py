"""Sums made of full and half adders, reduced to weighted bits in exact integers.

Full and half adders are left out of the circuit, so that every bit between them is a variable. Weights move from the
outputs of an adder to its inputs: 2 w co + w s = w (a + b + c). In the end only bits are left that are not outputs of
adders.
"""

import math
import operator
import re
from collections import defaultdict
from functools import reduce
from graphlib import CycleError, TopologicalSorter

import z3

from ..formulas.circuit import of_verilog
from ..formulas.polynomial import ONE, of_values, times, total
from ..formulas.solver import Undecided
from ..formulas.values import as_bits
from ..formulas.walk import support

__all__ = ["ADDERS", "Adders", "adders_in", "prove_adders"]

#: Modules of `tnhw.gates.summing.primitives` without the kernel's name, and the bits that each adds.
ADDERS = {"tnhw_fa": ("a", "b", "c"), "tnhw_ha": ("a", "b")}

MAX_PRODUCTS = 1000  # most products of bits in the polynomial of one bit between adders


def adders_in(text):
    """Names of the modules of full and half adders in a Verilog text."""
    return tuple(re.findall(rf"(?m)^module (\w+__(?:{'|'.join(ADDERS)}))\b", text))


def _kind(module):
    return module.rpartition("__")[2]


def prove_adders(text, names, solver):
    """Prove that each of these modules adds its input bits: a + b (+ c) = 2 co + s.

    Raises
    ------
    Refuted, Undecided
    """
    for name in names:
        circuit = of_verilog(text, name)
        taken = [z3.ZeroExt(1, as_bits(circuit.inputs[port])) for port in ADDERS[_kind(name)]]
        low, high = (as_bits(circuit.wire(port)) for port in ("s", "co"))
        given = z3.Concat(high, low)
        solver.prove(given == sum(taken[1:], taken[0]), f"`{_kind(name)}` adds its bits", "adders")


class Adders:
    """The adders of a circuit that was read without them, at one time.

    Parameters
    ----------
    circuit : Circuit
    at : callable
        Puts what is known at that time into an expression of the circuit.

    Raises
    ------
    Undecided
        If adders depend on each other in a loop.
    """

    def __init__(self, circuit, at):
        self._circuit = circuit
        self._pins = {
            cell: [
                z3.simplify(as_bits(at(circuit.wire(f"{cell}.{port}"))))
                for port in ADDERS[_kind(module)]
            ]
            for cell, module in circuit.cells.items()
        }
        before = {cell: self._given_by(pins) for cell, pins in self._pins.items()}
        try:
            self._order = list(TopologicalSorter(before).static_order())[::-1]
        except CycleError:
            raise Undecided("adders take bits of each other in a loop") from None

    def _given_by(self, expressions):
        """Names of the adders whose outputs are read."""
        names = support(*expressions).keys() & self._circuit.inputs.keys()
        return {name.rpartition(".")[0] for name in names} & self._circuit.cells.keys()

    def apart(self, bits, modulus, whole):
        """Reduce a weighted sum of bits to a constant and other weighted bits, modulo a power of two.

        Parameters
        ----------
        bits : list of (z3 bit, int)
            Bits and their weights.
        modulus : int
        whole : callable
            Whether a bit that is not an output of an adder may stay as it is. Other bits are expanded: an adder
            that adds a constant is made of single gates.

        Returns
        -------
        int
            The constant.
        list of (z3 bit, int)
            Bits and their weights.

        Raises
        ------
        Undecided
            If a bit is used in another way than as a number that is added.
        """
        self._modulus, self._whole = modulus, whole
        self._given, self._products, self._constant = defaultdict(int), defaultdict(int), 0
        self._leaves = {}
        self._atoms = {}  # keeps expressions alive: z3 uses the id of a freed one again
        self._known, self._meanings = {}, {}
        for bit, weight in bits:
            self._add(bit, weight)
        for cell in self._order:
            low, high = (self._given.pop(f"{cell}.{port}", 0) for port in ("s", "co"))
            if (high - 2 * low) % self._modulus:
                raise Undecided(f"the carry of `{cell}` does not count twice as much as its sum")
            for pin in self._pins[cell]:
                self._add(pin, low)
        self._settle()
        leaves = [(bit, weight % self._modulus) for bit, weight in self._leaves.values()]
        return self._constant % self._modulus, [(bit, w) for bit, w in leaves if w]

    def _add(self, bit, weight):
        """Add a weighted bit to the sum."""
        stack = [(bit, weight)]
        while stack:
            bit, weight = stack.pop()
            weight %= self._modulus
            if not weight:
                continue
            if z3.is_bv_value(bit):
                self._constant += weight * bit.as_long()
            elif z3.is_const(bit) and self._given_by([bit]):
                self._given[bit.decl().name()] += weight
            elif not self._given_by([bit]) and self._whole(bit):
                known = self._leaves.get(bit.get_id(), (bit, 0))[1]
                self._leaves[bit.get_id()] = bit, known + weight
            else:
                stack += self._opened(bit, weight)

    def _opened(self, bit, weight):
        """The weighted bits that a bit between adders stands for; constants and products of bits are recorded."""
        more = []
        for atoms, factor in self._polynomial(
            bit, self._modulus // math.gcd(weight, self._modulus)
        ).items():
            if not atoms:
                self._constant += factor * weight
            elif len(atoms) == 1:
                more.append((self._atoms[next(iter(atoms))], factor * weight))
            else:
                self._products[atoms] += factor * weight
        return more

    def _polynomial(self, bit, modulus):
        """A bit as a polynomial of others: a + b - 2ab for `xor`, and so on.

        Returns
        -------
        dict of frozenset of int to int
            For each product, the keys of its bits in `_atoms`, and its coefficient.
        """
        if z3.is_bv_value(bit):
            return {frozenset(): bit.as_long()}
        gate, children = _gate(bit)
        if gate == "not":
            return total((1, ONE), (-1, self._polynomial(children[0], modulus)), modulus=modulus)
        given = self._given_by([bit])
        if (z3.is_const(bit) and given) or (not given and self._whole(bit)):
            return self._atom(bit, modulus)
        if gate is None:
            raise Undecided(f"a bit of a sum is used as a condition: {bit}")
        if gate in ("or", "and"):
            children = self._grouped(bit)
        singles, products = {"xor": (1, -2), "or": (1, -1), "and": (0, 1)}[gate]
        result, *others = (self._polynomial(child, modulus) for child in children)
        for other in others:
            both = times(result, other) if products % modulus else {}
            result = total((singles, result), (singles, other), (products, both), modulus=modulus)
            if len(result) > MAX_PRODUCTS:
                raise Undecided("bits of a sum are used otherwise than as numbers that are added")
        return result

    def _atom(self, bit, modulus):
        """The polynomial of a bit that is not expanded: itself, or a known bit or product, equal or inverse."""
        if bit.get_id() not in self._known:
            self._known[bit.get_id()] = self._meaning(bit)
        return total((1, self._known[bit.get_id()]), modulus=modulus)

    def _meaning(self, bit):
        self._atoms[bit.get_id()] = bit
        alone = {frozenset([bit.get_id()]): 1}
        try:
            meaning = of_values(bit)
        except Undecided:  # it reads too much to be compared
            return alone
        inverse = total((1, ONE), (-1, meaning))
        for polynomial, factor in ((meaning, 1), (inverse, -1)):
            if len(polynomial) == 1:
                read = {f"{name} [{k}]": one for name, k, one in _single_bits(bit)}
                self._atoms |= {one.get_id(): one for one in read.values()}
                numbers = frozenset(read[name].get_id() for name in next(iter(polynomial)))
                return total((1, ONE if factor < 0 else {}), (factor, {numbers: 1}))
        if (known := self._meanings.get(frozenset(inverse.items()))) is not None:
            return total((1, ONE), (-1, known))
        return self._meanings.setdefault(frozenset(meaning.items()), alone)

    def _settle(self):
        """Write recorded products as polynomials of what they read: they must cancel, or be bits that may stay."""
        left = total((1, self._products), modulus=self._modulus)
        atoms = {number: of_values(self._atoms[number]) for number in set().union(*left)}
        products = ((w, reduce(times, (atoms[n] for n in numbers))) for numbers, w in left.items())
        bits = {}
        for number in atoms:
            bits |= {f"{name} [{k}]": one for name, k, one in _single_bits(self._atoms[number])}
        for numbers, weight in total(*products, modulus=self._modulus).items():
            bit = reduce(
                operator.and_, (bits[name] for name in sorted(numbers)), z3.BitVecVal(1, 1)
            )
            bit = z3.simplify(bit)
            if not (z3.is_bv_value(bit) or self._whole(bit)) or self._given_by([bit]):
                raise Undecided("two bits are used otherwise than as numbers that are added")
            self._add(bit, weight)

    def _grouped(self, bit):
        """The inputs of a wide gate, in groups that may stay whole: Yosys and z3 merge gates in a row into one."""
        bit = bit.arg(0) if z3.is_app_of(bit, z3.Z3_OP_ITE) else bit
        groups, stack = [], [bit]
        while stack:
            child = stack.pop()
            if child.decl().kind() == bit.decl().kind():
                stack += child.children()
                continue
            for group in groups:
                joined = z3.simplify(as_bits(bit.decl()(group[0], child)))
                if not self._given_by([joined]) and self._whole(joined):
                    group[0] = bit.decl()(group[0], child)
                    break
            else:
                groups.append([child])
        return [z3.simplify(as_bits(group[0])) for group in groups]


def _gate(bit):
    """Kind of a gate (``not``, ``xor``, ``or``, ``and``, or None for any other), and the bits that it takes."""
    kinds = {
        z3.Z3_OP_BNOT: "not", z3.Z3_OP_NOT: "not", z3.Z3_OP_BXOR: "xor", z3.Z3_OP_XOR: "xor",
        z3.Z3_OP_BOR: "or", z3.Z3_OP_OR: "or", z3.Z3_OP_BAND: "and", z3.Z3_OP_AND: "and",
        z3.Z3_OP_BADD: "xor", z3.Z3_OP_BMUL: "and",  # of single bits
    }  # fmt: skip
    if z3.is_app_of(bit, z3.Z3_OP_ITE) and bit.arg(1).eq(z3.BitVecVal(1, 1)) and bit.arg(2).eq(
        z3.BitVecVal(0, 1)
    ):  # fmt: skip
        bit = bit.arg(0)
    if z3.is_app_of(bit, z3.Z3_OP_ITE) and bit.arg(1).eq(z3.BitVecVal(0, 1)) and bit.arg(2).eq(
        z3.BitVecVal(1, 1)
    ):  # fmt: skip
        return "not", [as_bits(bit.arg(0))]
    if z3.is_eq(bit) and (z3.is_bool(bit.arg(0)) or bit.arg(0).size() == 1):
        return "not", [as_bits(bit.arg(0)) ^ as_bits(bit.arg(1))]
    return kinds.get(bit.decl().kind()), [as_bits(child) for child in bit.children()]


def _single_bits(expression):
    """The bits that an expression reads: list of (variable's name, number of the bit, bit)."""
    return [
        (name, k, z3.simplify(z3.Extract(k, k, as_bits(variable))))
        for name, (variable, places) in support(expression).items()
        for k in places
    ]
