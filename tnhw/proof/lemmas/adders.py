"""Sums of full and half adders, taken apart in exact integers.

Full and half adders stay outside the circuit, so that every number between them is a bit of its own. A bit's
weight moves from what an adder gives to what it takes: 2 w co + w s = w (a + b + c). What is left are bits that no
adder gives.
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

MAX_PRODUCTS = 1000  # of bits, in one bit between adders


def adders_in(text):
    """Those of the modules that a Verilog text has."""
    return tuple(re.findall(rf"(?m)^module (\w+__(?:{'|'.join(ADDERS)}))\b", text))


def _kind(module):
    return module.rpartition("__")[2]


def prove_adders(text, names, solver):
    """Each of these modules is what it is taken for."""
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
        An expression of the circuit with what is known at that time.
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
            raise Undecided("adders give bits to each other in a circle") from None

    def _given_by(self, expressions):
        """Adders whose bits are read."""
        names = support(*expressions).keys() & self._circuit.inputs.keys()
        return {name.rpartition(".")[0] for name in names} & self._circuit.cells.keys()

    def apart(self, bits, modulus, whole):
        """A weighted sum of bits as a constant and other weighted bits, modulo a power of two.

        Parameters
        ----------
        bits : list of (z3 bit, int)
        modulus : int
        whole : callable
            Whether a bit that no adder gives may stay as it is. Others are taken apart: an adder that adds a
            constant is made of single gates.

        Returns
        -------
        int
        list of (z3 bit, int)

        Raises
        ------
        Undecided
            If a bit is used otherwise than as a number.
        """
        self._modulus, self._whole = modulus, whole
        self._given, self._products, self._constant = defaultdict(int), defaultdict(int), 0
        self._leaves = {}
        self._atoms = {}  # held, since z3 gives a number again when nobody holds its expression
        self._known, self._meanings = {}, {}
        for bit, weight in bits:
            self._add(bit, weight)
        for cell in self._order:
            low, high = (self._given.pop(f"{cell}.{port}", 0) for port in ("s", "co"))
            if (high - 2 * low) % self._modulus:
                raise Undecided(f"sum and carry of `{cell}` do not count as they should")
            for pin in self._pins[cell]:
                self._add(pin, low)
        self._settle()
        leaves = [(bit, weight % self._modulus) for bit, weight in self._leaves.values()]
        return self._constant % self._modulus, [(bit, w) for bit, w in leaves if w]

    def _add(self, bit, weight):
        """Note a bit."""
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
        """What a bit between adders adds; products of bits are noted."""
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
        """A bit as a sum of products of others: a + b - 2ab for `xor`, and so on.

        Returns
        -------
        dict of frozenset of int to int
            Numbers of the multiplied bits in `_atoms`, and a factor.
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
        """A bit by itself, or what it is of others: equal, inverse, or a product of what it reads."""
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
        """Products of bits, as functions of what they read: they cancel, or they may stay as they are."""
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
        """The bits of a wide gate: what may stand together, which Yosys and z3 have put into one gate."""
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
    """Name of a gate and the bits that it takes; None if it is another."""
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
    """What it reads, bit by bit: list of (variable's name, number, bit)."""
    return [
        (name, k, z3.simplify(z3.Extract(k, k, as_bits(variable))))
        for name, (variable, places) in support(expression).items()
        for k in places
    ]
