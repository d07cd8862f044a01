"""Sums of full and half adders, taken apart in exact integers.

Full and half adders stay outside the circuit, so that every number between them is a bit of its own. A bit's
weight moves from what an adder gives to what it takes: 2 w co + w s = w (a + b + c). What is left are bits that no
adder gives.
"""

import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import z3

from .circuit import of_verilog, support
from .solver import Undecided

__all__ = ["ADDERS", "Adders", "adders_in", "prove_adders"]

#: Modules of `tnhw.arch.cells`, and the bits that each adds.
ADDERS = {"tnhw_fa": ("a", "b", "c"), "tnhw_ha": ("a", "b")}


def adders_in(text):
    """Those of the modules that a Verilog text has."""
    return tuple(name for name in ADDERS if re.search(rf"(?m)^module {name}\b", text))


def prove_adders(text, names, solver):
    """Each of these modules is what it is taken for."""
    for name in names:
        circuit = of_verilog(text, name)
        taken = [z3.ZeroExt(1, _bit(circuit.inputs[port])) for port in ADDERS[name]]
        low, high = (_bit(circuit.wire(port)) for port in ("s", "co"))
        given = z3.Concat(high, low)
        solver.prove(given == sum(taken[1:], taken[0]), f"`{name}` adds its bits", "adders")


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
            cell: [z3.simplify(_bit(at(circuit.wire(f"{cell}.{port}")))) for port in ADDERS[module]]
            for cell, module in circuit.cells.items()
        }
        before = {cell: self._given_by(pins) for cell, pins in self._pins.items()}
        try:
            self._order = list(TopologicalSorter(before).static_order())[::-1]
        except CycleError:
            raise Undecided("adders give bits to each other in a circle") from None

    def _given_by(self, expressions):
        """Adders whose bits are read."""
        names = {name for e in expressions for name in support(e) if name in self._circuit.inputs}
        return {name.rpartition(".")[0] for name in names} & self._circuit.cells.keys()

    def apart(self, value, whole):
        """A number as a constant and weighted bits, modulo its width.

        Parameters
        ----------
        value : z3 bit vector
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
        self._modulus, self._whole = 1 << value.size(), whole
        self._given, self._products, self._constant = defaultdict(int), defaultdict(int), 0
        self._leaves = {}
        self._kept = []  # z3 gives a number again when nobody holds its expression
        for k in range(value.size()):
            self._add(z3.simplify(z3.Extract(k, k, value)), 1 << k)
        for cell in self._order:
            low, high = (self._given.pop(f"{cell}.{port}", 0) for port in ("s", "co"))
            if (high - 2 * low) % self._modulus:
                raise Undecided(f"sum and carry of `{cell}` do not count as they should")
            for pin in self._pins[cell]:
                self._add(pin, low)
        if any(weight % self._modulus for weight in self._products.values()):
            raise Undecided("two bits are used otherwise than as numbers that are added")
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
        """What a gate adds: a + b - 2ab for `xor`, ab for `and`, and so on; products are noted."""
        gate, children = _gate(bit)
        if gate == "not":
            self._constant += weight
            return [(children[0], -weight)]
        if gate == "xor" and not 2 * weight % self._modulus:
            return [(child, weight) for child in children]
        if gate in ("or", "and") and len(children) > 2:
            children = self._grouped(bit)
        if len(children) != 2 or gate is None:
            raise Undecided(f"a bit of a sum is used as a condition: {bit}")
        singles, product = {"xor": (1, -2), "or": (1, -1), "and": (0, 1)}[gate]
        more = [(child, singles * weight) for child in children]
        (c0, s0, x0), (c1, s1, x1) = map(_atom, children)
        self._kept += [x0, x1]
        weight *= product
        self._constant += weight * c0 * c1
        more += [(x1, weight * c0 * s1), (x0, weight * s0 * c1)]
        self._products[frozenset((x0.get_id(), x1.get_id()))] += weight * s0 * s1
        return more

    def _grouped(self, bit):
        """The bits of a wide gate: what may stand together, which Yosys and z3 have put into one gate."""
        bit = bit.arg(0) if z3.is_app_of(bit, z3.Z3_OP_ITE) else bit
        groups = []
        for child in bit.children():
            for group in groups:
                joined = z3.simplify(_bit(bit.decl()(group[0], child)))
                if not self._given_by([joined]) and self._whole(joined):
                    group[0] = bit.decl()(group[0], child)
                    break
            else:
                groups.append([child])
        return [z3.simplify(_bit(group[0])) for group in groups]


def _gate(bit):
    """Name of a gate and the bits that it takes; None if it is another."""
    kinds = {
        z3.Z3_OP_BNOT: "not", z3.Z3_OP_NOT: "not", z3.Z3_OP_BXOR: "xor", z3.Z3_OP_XOR: "xor",
        z3.Z3_OP_BOR: "or", z3.Z3_OP_OR: "or", z3.Z3_OP_BAND: "and", z3.Z3_OP_AND: "and",
    }  # fmt: skip
    if z3.is_app_of(bit, z3.Z3_OP_ITE) and bit.arg(1).eq(z3.BitVecVal(1, 1)) and bit.arg(2).eq(
        z3.BitVecVal(0, 1)
    ):  # fmt: skip
        bit = bit.arg(0)
    if z3.is_eq(bit) and (z3.is_bool(bit.arg(0)) or bit.arg(0).size() == 1):
        return "not", [_bit(bit.arg(0)) ^ _bit(bit.arg(1))]
    return kinds.get(bit.decl().kind()), [_bit(child) for child in bit.children()]


def _atom(bit):
    """(c, s, x) with bit = c + s x, without inversions."""
    constant, sign = 0, 1
    while _gate(bit)[0] == "not":
        constant, sign, bit = constant + sign, -sign, _gate(bit)[1][0]
    return constant, sign, bit


def _bit(value):
    """A Boolean, or a vector of one bit, as a vector of one bit."""
    if not z3.is_bool(value):
        return value
    if z3.is_eq(value) and z3.is_bv_value(value.arg(1)) and value.arg(1).size() == 1:
        return value.arg(0) if value.arg(1).as_long() else ~value.arg(0)
    return z3.If(value, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
