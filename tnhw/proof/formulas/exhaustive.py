"""Formulas with a product, decided by trying all values: solvers are slow at them, and short operands have few."""

import numpy as np
import z3

from .compiled import compiled
from .walk import support, terms

__all__ = ["MAX_BITS", "computable", "counter_example", "has_product", "over_bits"]

MAX_BITS = 20
CHUNK = 1 << 15


def has_product(expression):
    """Whether an expression multiplies two variables."""
    return any(
        not any(map(z3.is_bv_value, term.children())) for term in terms(expression, z3.Z3_OP_BMUL)
    )


def computable(expression):
    """Whether numpy's integers of 64 bits hold each number in an expression."""
    return all(
        z3.is_bool(term) or (z3.is_bv(term) and term.size() < 63) for term in terms(expression)
    )


def over_bits(expressions, fixed=()):
    """The same expressions over a variable of one bit, ``name [k]``, for each bit that they read.

    Parameters
    ----------
    expressions : list of z3 expressions
    fixed : dict of str to (int, int), optional
        Variables of which only one bit is read and has a fixed value: (number of the bit, value).

    Returns
    -------
    list of z3 expressions
    list of str
        Names of their variables, sorted.
    """
    fixed, replaced = dict(fixed), []
    for name, (variable, bits) in support(*expressions).items():
        if not z3.is_bv(variable):
            bit = z3.BitVec(f"{name} [0]", 1) == 1
            replaced.append((variable, z3.BoolVal(bool(fixed[name][1])) if name in fixed else bit))
            continue
        pieces = [z3.BitVecVal(0, 1)] * variable.size()
        for k in bits:
            pieces[k] = z3.BitVec(f"{name} [{k}]", 1)
        if name in fixed:
            pieces[fixed[name][0]] = z3.BitVecVal(fixed[name][1], 1)
        whole = z3.Concat(*reversed(pieces)) if len(pieces) > 1 else pieces[0]
        replaced.append((variable, whole))
    made = [z3.simplify(z3.substitute(e, *replaced)) for e in expressions]
    return made, sorted(support(*made))


def counter_example(condition, names):
    """Values of the one-bit variables `names` for which a condition is true, or None if there are none."""
    run = compiled([condition], names)
    for start in range(0, 1 << len(names), CHUNK):
        numbers = np.arange(start, min(start + CHUNK, 1 << len(names)))
        (found,) = run(*((numbers >> k) & 1 for k in range(len(names))))
        wrong = np.flatnonzero(np.broadcast_to(found, numbers.shape))
        if len(wrong):
            return {name: int(numbers[wrong[0]] >> k & 1) for k, name in enumerate(names)}
    return None
