"""Affine forms: a constant and a weighted sum of bits, found by evaluation and then proven.

The weights are *guessed*: the expression is evaluated at zero and with every single bit set. A solver then proves
that the guess holds for all values modulo ``2**width``. A guess that is not proven is not used.
"""

import random
from dataclasses import dataclass

import z3

from .solver import Refuted
from .walk import support

__all__ = ["Affine", "affine_of", "runs", "total"]

_TRIALS = 6


@dataclass(frozen=True)
class Affine:
    """``constant + sum of weight * bit``, modulo ``2**width``.

    Attributes
    ----------
    constant : int
        0 .. ``2**width - 1``.
    weights : dict of (str, int) to int
        The weight of each bit (variable name, bit number), as the residue of least magnitude.
    width : int
    """

    constant: int
    weights: dict
    width: int


def affine_of(expression, solver, what):
    """The `Affine` form of a bit-vector expression, proven for all values, or None if it is not affine.

    `what` says in words what the expression is, for messages.
    """
    width = expression.size()
    variables = support(expression)
    if any(not z3.is_bv(variable) for variable, _ in variables.values()):
        return None

    def at(values):
        pairs = [
            (variable, z3.BitVecVal(values.get(name, 0), variable.size()))
            for name, (variable, _) in variables.items()
        ]
        return z3.simplify(z3.substitute(expression, *pairs)).as_long()

    constant = at({})
    weights = {}
    for name, (_, bits) in variables.items():
        for bit in sorted(bits):
            weight = (at({name: 1 << bit}) - constant) % (1 << width)
            if weight:
                weights[name, bit] = weight - (1 << width) * (weight > 1 << (width - 1))
    random_ = random.Random(0)
    for _ in range(_TRIALS):
        values = {name: random_.getrandbits(v.size()) for name, (v, _) in variables.items()}
        guess = constant + sum(w * (values[n] >> b & 1) for (n, b), w in weights.items())
        if (at(values) - guess) % (1 << width):
            return None
    form = Affine(constant, weights, width)
    variables = {name: variable for name, (variable, _) in variables.items()}
    try:
        solver.prove(expression == total(form, variables), what, "adder nodes")
    except Refuted:
        return None
    return form


def runs(weights, modulus=None):
    """Group bits that together are a number: list of (name, low bit, count of bits, weight, signed).

    `weights` are as in `Affine`, and are compared modulo `modulus` if there is one. The weight in the result is
    that of the lowest bit.
    """

    def same(a, b):
        return not (a - b) % modulus if modulus else a == b

    found = []
    for name, bit in sorted(weights):
        weight = weights[name, bit]
        if found:
            last = found[-1]
            if last[0] == name and last[1] + last[2] == bit and not last[4]:
                next_ = last[3] << last[2]
                if same(weight, next_) or same(weight, -next_):
                    found[-1] = (*last[:2], last[2] + 1, last[3], not same(weight, next_))
                    continue
        found.append((name, bit, 1, weight, False))
    return found


def total(form, variables, width=None):
    """An affine form as a z3 expression of `width` bits, by default as many as the form has."""
    width = width or form.width
    result = z3.BitVecVal(form.constant, width)
    for name, low, count, weight, signed in runs(form.weights):
        result = result + weight * part(variables[name], low, count, signed, width)
    return result


def part(variable, low, count, signed, width):
    """Bits ``low`` to ``low + count - 1`` of a variable as a number of `width` bits, modulo ``2**width``."""
    value = z3.Extract(low + count - 1, low, variable)
    if count >= width:
        return z3.Extract(width - 1, 0, value)
    return (z3.SignExt if signed else z3.ZeroExt)(width - count, value)
