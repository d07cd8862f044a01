"""Shifts by a variable, replaced by free numbers: a sum of many shifts is hard for a solver, a sum of numbers is not.

Each shift in the gates is replaced by a variable, and the term in the reference that it belongs to by the same
variable with its sign. Two things are proven separately: that the term is the shift with its sign, and the range of
the shift. A claim that then holds for all numbers in the range holds for all shifts.
"""

import z3

from .solver import Refuted
from .walk import support, terms

__all__ = ["without_shifts"]


def without_shifts(expression, synapses, reference, solver):
    """Replace the shifts in the gates and in the terms of the reference by variables.

    Parameters
    ----------
    expression : z3 expression
        The gates of an output.
    synapses : list of (z3 expression, dict)
        For each synapse, its term by the reference, and the fields of its parameter.
    reference : Reference
    solver : Solver

    Returns
    -------
    (z3 expression, list of z3 expression, list of z3 condition) or None
        The gates, the terms, and what is known of the variables. None if not every synapse has exactly one shift
        by a variable, or one of the two lemmas fails.
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
    """Conditions on a shift: its range, and that it is zero if the synapse is absent."""
    top = reference.magnitude.high
    low, high = (
        z3.BitVecVal(end << top, shift.size())
        for end in (min(reference.x.low, 0), max(reference.x.high, 0))
    )
    yield z3.And(shift >= low, shift <= high) if reference.x.signed else z3.ULE(shift, high)
    if "present" in fields:
        yield z3.Implies(fields["present"] == 0, shift == 0)
