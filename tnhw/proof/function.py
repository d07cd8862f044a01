"""Function: an emitted kernel's result equals the definition, for all inputs and parameters.

`docs/proof.md` has the argument. Here as one formula of the vector and its parameters, and the ranges that
both methods need; `lemmas` takes the sum apart.
"""

from dataclasses import replace
from itertools import product

import z3

from .circuit import at_bits
from .solver import Refuted, Undecided

__all__ = ["Failure", "parameters_of", "prove_range", "prove_whole"]

AT_ONCE = 60  # seconds for a formula that may be split


class Failure(Exception):
    """A step of the proof fails: the design is wrong, or the proof does not fit it.

    Attributes
    ----------
    values : dict of str to int
        Values of the unrolled circuit's variables that the step fails for, if a solver found some.
    output : int
    """

    def __init__(self, text, output, values=None):
        super().__init__(text)
        self.output, self.values = output, values or {}


def prove_whole(binding, solver):
    """Every element of the result as one formula against the reference.

    Raises
    ------
    Failure
        With values for which they differ.
    Undecided
        If the solver gave up, or for parameters whose fold is not in the module.
    """
    reference = binding.reference
    if reference.storage == "memory" or reference.folded:
        raise Undecided("a folded bias is not in the module as a whole: prove it by lemmas")
    for output in range(reference.outputs):
        element = binding.run.whole(
            binding.run.at(binding.element(output), binding.end), binding.end
        )
        n = reference.width + reference.inputs.bit_length() + 2
        total = z3.BitVecVal(0, n)
        given = []
        for input in range(reference.inputs):
            values = parameters_of(binding, output, input)
            given.append(reference.legal(values))
            term = reference.contribution(input, binding.x(input), values)
            total = total + z3.SignExt(n - reference.width, term)
        if reference.storage == "constant":
            total = total + reference.constant_bias(output)
        elif (bias := binding.bias(output)) is not None:
            total = total + reference.bias.widen(bias, n)
        if reference.clamps:
            total = _clamp_exact(reference, total + reference.half)
        claim = element == z3.Extract(reference.output.bits - 1, 0, total)
        try:
            what = f"output {output} equals the reference"
            _prove_claim(binding, output, claim, what, given, solver)
        except Refuted as refuted:
            raise Failure(
                f"output {output} differs from the reference", output, refuted.values
            ) from None
    prove_range(binding, solver)


def _prove_claim(binding, output, claim, what, given, solver):
    """At once, or, where that takes long and there are shifts by a variable, one case for all signs."""
    cases = list(_by_signs(binding, output, claim))
    if len(cases) > 1 and AT_ONCE:
        short = replace(solver, limit=min(solver.limit, AT_ONCE))  # counts in the same account
        try:
            return short.prove(claim, what, "whole", given=given)
        except Undecided:
            pass
    for known, own in cases:
        solver.prove(own, what, "whole", given=[*given, *known])


def _by_signs(binding, output, claim):
    """(conditions, claim) that together are a claim: one for all signs, where there are shifts by a variable.

    Together with unknown signs such shifts are hard for solvers.
    """
    signs = []
    for input in range(binding.reference.inputs):
        values = parameters_of(binding, output, input)
        amount, sign = values.get("exponent"), values.get("sign")
        if amount is not None and sign is not None and not z3.is_bv_value(amount):
            signs.append(z3.simplify(sign))
    for choice in product((0, 1), repeat=len(signs)):
        known, own = [], claim
        for sign, value in zip(signs, choice, strict=True):
            value = z3.BitVecVal(value, 1)
            known.append(sign == value)
            own = at_bits(own, sign, value)
        yield known, own


def _clamp_exact(reference, value):
    """As `Reference.clamp`, of a number of any width that holds it."""
    n = value.size() + abs(reference.shift) + reference.output.bits
    value = z3.SignExt(n - value.size(), value)
    value = value >> reference.shift if reference.shift >= 0 else value << -reference.shift
    low, high = z3.BitVecVal(reference.output.low, n), z3.BitVecVal(reference.output.high, n)
    return z3.If(value < low, low, z3.If(value > high, high, value))


def parameters_of(binding, output, input):
    """Fields of one synapse's parameters: constants, or parts of its word."""
    reference = binding.reference
    if reference.storage == "constant":
        return reference.of_arrays(output, input)
    return reference.of_word(binding.word(output, input))


def prove_range(binding, solver):
    """The formats that the generator claims hold every z: no wrap is visible.

    Each term's bounds are proven; their sum is exact arithmetic.
    """
    reference = binding.reference
    x = z3.BitVec("x", reference.x.bits)
    bounds = {}
    for output in range(reference.outputs):
        low = high = reference.half
        for input in range(reference.inputs):
            if reference.storage == "constant":
                values = reference.of_arrays(output, input)
                key = tuple(value.as_long() for value in values.values())
            else:
                values = reference.of_word(z3.BitVec("p", reference.word_bits))
                key = ()
            if key not in bounds:
                own = values if reference.storage == "constant" else None
                bounds[key] = reference.bounds(own)
                term = reference.term(x, values)
                claim = z3.And(term >= bounds[key][0], term <= bounds[key][1])
                solver.prove(claim, "bounds of a term", "ranges", given=[reference.legal(values)])
            least, most = bounds[key]
            if input >= reference.adding:
                least, most = -most, -least
            low, high = low + least, high + most
        if reference.storage == "constant":
            bias = reference.constant_bias(output)
            low, high = low + bias, high + bias
        elif reference.bias:
            low, high = low + reference.bias.low, high + reference.bias.high
        for number, name, use in (
            (reference.sum, "sum", True),
            (reference.output, "output", not reference.clamps),
        ):
            if use and not number.low <= low <= high <= number.high:
                raise Failure(
                    f"output {output}: results of {low} .. {high} do not fit the format `{name}` "
                    f"{number.text}",
                    output,
                )
