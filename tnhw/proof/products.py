"""Registers that take a product, in the Verilog and in its netlist: equal for every value of what they read.

Solvers do not decide that a product in gates is the product in a formula. A register of the first stage reads
few bits, so that all of their values are tried: no solver, and no sample.
"""

import re
from itertools import product

import numpy as np
import z3

from .circuit import support
from .compiled import compiled
from .solver import Undecided

__all__ = ["Differs", "compare", "with_products"]

MAX_BITS = 20  # of operands
MAX_CONTROLS = 6
CHUNK = 1 << 15


class Differs(Exception):
    """A register of the netlist is another one's than that of the Verilog."""


def with_products(circuit):
    """Names of the registers whose next value has a product of two variables in it."""
    return [name for name, value in circuit.next.items() if _has_product(value)]


def compare(gold, gate, names):
    """Compare registers of two circuits for all values of what they read.

    Both read the same registers: those of `gate` are bits ``name [k]`` of wires of `gold`.

    Parameters
    ----------
    gold, gate : Circuit
        Of the Verilog, and of a netlist, bit by bit.
    names : list of str
        Registers of `gold`.

    Returns
    -------
    list of str
        The names that the registers have.
    int
        Values that were tried.

    Raises
    ------
    Differs
    Undecided
        If the netlist has no such register, or one reads too much.
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


def _has_product(expression):
    seen, stack = set(), [expression]
    while stack:
        term = stack.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_app_of(term, z3.Z3_OP_BMUL) and not any(map(z3.is_bv_value, term.children())):
            return True
        stack.extend(term.children())
    return False


def _names(circuit):
    """Wires that are registers, or parts of one: dict of name to expression."""
    found = dict(circuit.registers)
    for name, wire in circuit.wires.items():
        if z3.is_eq(wire) and wire.arg(1).eq(z3.BitVecVal(1, 1)):
            wire = wire.arg(0)  # Yosys writes a single bit as a condition
        inner = wire.arg(0) if z3.is_app_of(wire, z3.Z3_OP_EXTRACT) else wire
        if z3.is_bv(inner) and inner.decl().name() in circuit.registers:
            found[name] = wire
    return found


def _in_terms_of(gate, names):
    """Replacements that write `gate` in other registers; and the next value of each (wire, bit) of it."""
    renamed, nexts = [], {}
    for full, register in gate.registers.items():
        name, low = full, 0
        if found := re.fullmatch(r"(.*) \[(?:\d+:)?(\d+)\]", full):
            name, low = found[1], int(found[2])
        if name not in names or z3.is_array(register):
            continue
        value = gate.next[full]
        if not z3.is_bv(register):
            register, value = _bit(register), _bit(value)
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


def _bit(condition):
    return z3.If(condition, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def _as(variable, value):
    return value if z3.is_bv(variable) else value == 1


def _same(one, other, name):
    """Compare two expressions for all values of their variables; returns how many."""
    reads = {}
    for expression in (one, other):
        for key, (variable, bits) in support(expression).items():
            reads.setdefault(key, (variable, set()))[1].update(bits)
    controls = [(v, next(iter(bits))) for v, bits in reads.values() if len(bits) == 1]
    if len(controls) > MAX_CONTROLS:
        raise Undecided(f"`{name}` has {len(controls)} conditions: too many to try all")
    count = 0
    for values in product((0, 1), repeat=len(controls)):
        fixed = {
            v.decl().name(): (k, value) for (v, k), value in zip(controls, values, strict=True)
        }
        free, replaced = [], []
        for key, (variable, bits) in reads.items():
            if not z3.is_bv(variable):
                replaced.append((variable, z3.BoolVal(bool(fixed[key][1]))))
                continue
            pieces = []
            for k in range(variable.size()):
                if key in fixed:
                    pieces.append(z3.BitVecVal(fixed[key][1] if k == fixed[key][0] else 0, 1))
                elif k in bits:
                    pieces.append(z3.BitVec(f"{key} [{k}]", 1))
                else:
                    pieces.append(z3.BitVecVal(0, 1))
            whole = z3.Concat(*reversed(pieces)) if len(pieces) > 1 else pieces[0]
            replaced.append((variable, whole))
        pair = [z3.simplify(z3.substitute(e, *replaced)) for e in (one, other)]
        free = sorted(set(support(pair[0])) | set(support(pair[1])))
        if pair[0].eq(pair[1]):
            count += 1
            continue
        if len(free) > MAX_BITS:
            raise Undecided(f"`{name}` reads {len(free)} bits: too many to try all values")
        _try_all(pair, free, name)
        count += 1 << len(free)
    return count


def _try_all(pair, free, name):
    run = compiled(pair, free)
    for start in range(0, 1 << len(free), CHUNK):
        numbers = np.arange(start, min(start + CHUNK, 1 << len(free)))
        a, b = run(*((numbers >> k) & 1 for k in range(len(free))))
        wrong = np.flatnonzero(np.broadcast_to(np.not_equal(a, b), numbers.shape))
        if len(wrong):
            values = {key: int(numbers[wrong[0]] >> k & 1) for k, key in enumerate(free)}
            raise Differs(f"`{name}` takes another value where {values}")
