"""Shifts by a variable as free numbers: a sum of many shifts is hard for a solver, and a sum of numbers is not.

A shift in the gates is replaced by a variable, and the term that it makes in the reference by the same variable
with its sign. That each term is this, and the range of the shift, is proven apart. What then holds for all numbers
of the range holds for all shifts.
"""

import z3

from .solver import Refuted
from .walk import support, terms

__all__ = ["without_shifts"]


def without_shifts(expression, synapses, reference, solver):
    """The gates and the reference's terms with a variable for each shift.

    Parameters
    ----------
    expression : z3 expression
    synapses : list of (z3 expression, dict)
        Each one's term, and the fields of its parameter.
    reference : Reference
    solver : Solver

    Returns
    -------
    z3 expression
    list of z3 expression
    list of z3 condition
        What is known of the variables.

    None, if not every synapse has a shift by a variable.
    """
    shifts, pairs, made, known = _shifts(expression), [], [], []
    for number, (term, fields) in enumerate(synapses):
        own = [shift for shift in shifts if _reads(shift) <= _reads(term)]
        if len(own) != 1 or "exponent" not in fields:
            return None
        (shift,) = own
        variable = z3.BitVec(f"shift {number}", shift.size())
        legal = [reference.legal(fields)]
        try:
            what = f"the term of synapse {number} is its shift"
            solver.prove(term == _term(shift, fields, reference), what, "shifts", given=legal)
            for fact in _facts(shift, fields, reference):
                solver.prove(fact, f"range of the shift of synapse {number}", "shifts", given=legal)
        except Refuted:
            return None
        pairs.append((shift, variable))
        made.append(_term(variable, fields, reference))
        known += [*legal, *_facts(variable, fields, reference)]
    return z3.substitute(expression, *pairs), made, known


def _shifts(expression):
    return [term for term in terms(expression, z3.Z3_OP_BSHL) if not z3.is_bv_value(term.arg(1))]


def _reads(expression):
    return {(name, bit) for name, (_, bits) in support(expression).items() for bit in bits}


def _term(shift, fields, reference):
    extend = z3.SignExt if reference.x.signed else z3.ZeroExt
    value = extend(reference.width - shift.size(), shift)
    return z3.If(fields["sign"] == 1, -value, value) if "sign" in fields else value


def _facts(shift, fields, reference):
    """Its range, and that it is zero where there is no synapse."""
    top = reference.magnitude.high
    low, high = (
        z3.BitVecVal(end << top, shift.size())
        for end in (min(reference.x.low, 0), max(reference.x.high, 0))
    )
    yield z3.And(shift >= low, shift <= high) if reference.x.signed else z3.ULE(shift, high)
    if "present" in fields:
        yield z3.Implies(fields["present"] == 0, shift == 0)
