"""Registers that take a product, compared between the Verilog and its netlist for every value of what they read.

Solvers do not decide whether a product in gates equals the product in a formula. A register of the first stage of a
pipeline reads few bits, so all of their values can be tried, without a solver.
"""

import re
from itertools import product

import z3

from ..formulas.exhaustive import MAX_BITS, computable, counter_example, has_product, over_bits
from ..formulas.solver import Undecided
from ..formulas.values import as_bits
from ..formulas.walk import support

__all__ = ["Differs", "compare", "with_products"]

MAX_CONTROLS = 6
UNNAMED = re.compile(r"(.*\.)?_\d+_")  # Yosys numbers these in each file from the start


class Differs(Exception):
    """A register of the netlist takes another value than that of the Verilog."""


def with_products(circuit):
    """Names of the registers whose next value contains a product of two variables."""
    return [name for name, value in circuit.next.items() if has_product(value)]


def compare(gold, gate, names):
    """Compare registers of two circuits for all values of what they read.

    Both circuits read the same registers; those of `gate` are single bits ``name [k]`` of wires of `gold`.

    Parameters
    ----------
    gold, gate : Circuit
        The Verilog and its netlist.
    names : list of str
        Registers of `gold`.

    Returns
    -------
    list of str
        All names that the registers have.
    int
        Number of values that were tried.

    Raises
    ------
    Differs
        If a register differs for some values.
    Undecided
        If the netlist has no such register, or it reads too many bits.
    """
    wires = _names(gold)
    renamed, nexts = _in_terms_of(gate, wires)
    count, known = 0, []
    for name in names:
        own = [wire for wire, value in wires.items() if value.eq(gold.registers[name])]
        width = gold.registers[name].size()
        bits = [next((nexts[a, k] for a in own if (a, k) in nexts), None) for k in range(width)]
        if None in bits:
            raise Undecided(f"the netlist has no register `{name}` of a product")
        other = z3.substitute(z3.Concat(*reversed(bits)) if width > 1 else bits[0], *renamed)
        count += _same(gold.next[name], other, name)
        known += own
    return known, count


def _names(circuit):
    """Wires that are registers, or parts of a register: dict of name to expression."""
    found = dict(circuit.registers)
    for name, wire in circuit.wires.items():
        if z3.is_eq(wire) and wire.arg(1).eq(z3.BitVecVal(1, 1)):
            wire = wire.arg(0)  # Yosys writes a single bit as a condition
        inner = wire.arg(0) if z3.is_app_of(wire, z3.Z3_OP_EXTRACT) else wire
        if z3.is_bv(inner) and inner.decl().name() in circuit.registers:
            found[name] = wire
    return found


def _in_terms_of(gate, names):
    """Substitutions that write the registers of `gate` as wires `names`, and the next value of each (wire, bit)."""
    renamed, nexts = [], {}
    for full, register in gate.registers.items():
        name, low = full, 0
        if found := re.fullmatch(r"(.*) \[(?:\d+:)?(\d+)\]", full):
            name, low = found[1], int(found[2])
        if name not in names or z3.is_array(register) or UNNAMED.fullmatch(name):
            continue
        value = gate.next[full]
        register, value = as_bits(register), as_bits(value)
        size = register.size()
        renamed.append(
            (
                gate.registers[full],
                _as(gate.registers[full], z3.Extract(low + size - 1, low, names[name])),
            )
        )
        for k in range(size):
            nexts[name, low + k] = value if size == 1 else z3.Extract(k, k, value)
    return renamed, nexts


def _as(variable, value):
    return value if z3.is_bv(variable) else value == 1


def _same(one, other, name):
    """Compare two expressions for all values of their variables; returns how many were tried."""
    reads = support(one, other).values()
    controls = [(v, next(iter(bits))) for v, bits in reads if len(bits) == 1]
    if len(controls) > MAX_CONTROLS:
        raise Undecided(f"`{name}` has {len(controls)} conditions: too many to try all")
    count = 0
    for values in product((0, 1), repeat=len(controls)):
        fixed = {v.decl().name(): (k, bit) for (v, k), bit in zip(controls, values, strict=True)}
        (a, b), free = over_bits([one, other], fixed)
        if a.eq(b):
            count += 1
            continue
        if len(free) > MAX_BITS or not computable(a != b):
            raise Undecided(f"`{name}` reads {len(free)} bits: too many to try all values")
        if wrong := counter_example(a != b, free):
            raise Differs(f"`{name}` takes another value where {wrong}")
        count += 1 << len(free)
    return count
