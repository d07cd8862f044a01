"""Function: the result of an emitted kernel equals the definition, for all inputs and parameters.

`docs/proof.md` has the argument. This module proves it as one formula of the vector and its parameters, and proves
the ranges that both methods need. `sums` splits the sum into lemmas instead.
"""

import z3

from ..formulas.shifts import without_shifts
from ..formulas.solver import Refuted, Undecided

__all__ = ["Failure", "parameters_of", "prove_range", "prove_whole"]


class Failure(Exception):
    """A step of the proof fails: the design is wrong, or has a form that the proof does not fit.

    Attributes
    ----------
    values : dict of str to int
        Values of the unrolled circuit's variables for which the step fails, if a solver found some.
    output : int
        Index of the output.
    """

    def __init__(self, text, output, values=None):
        super().__init__(text)
        self.output, self.values = output, values or {}


def prove_whole(binding, solver):
    """Prove that every element of the result, as one formula, equals the reference.

    Raises
    ------
    Failure
        If they differ for some values.
    Undecided
        If the solver does not decide it, or the bias includes remainders, which the module does not compute.
    """
    reference = binding.reference
    if reference.storage == "memory" or reference.folded:
        raise Undecided("the remainders in a folded bias are not in the module: prove it by lemmas")
    for output in range(reference.outputs):
        element = binding.run.whole(
            binding.run.at(binding.element(output), binding.end), binding.end
        )
        element = z3.simplify(element)
        fields = [parameters_of(binding, output, input) for input in range(reference.inputs)]
        terms = [
            reference.contribution(input, binding.x(input), values)
            for input, values in enumerate(fields)
        ]
        given = [reference.legal(values) for values in fields]
        what = f"output {output} equals the reference"
        cut = without_shifts(element, list(zip(terms, fields, strict=True)), reference, solver)
        if cut is not None:
            gates, numbers, known = cut
            try:
                claim = gates == _result(binding, output, numbers)
                solver.prove(claim, what, "whole", given=known)
                continue
            except Refuted:  # perhaps only for numbers that are not values of a shift
                pass
        try:
            claim = element == _result(binding, output, terms)
            solver.prove(claim, what, "whole", given=given)
        except Refuted as refuted:
            values = _with_synapses(claim, what, given, fields, solver) or refuted.values
            raise Failure(f"output {output} differs from the reference", output, values) from None
    prove_range(binding, solver)


def _with_synapses(claim, what, given, fields, solver):
    """Values for which a claim is false with all synapses present, or None.

    Such values are real parameters: in the arrays of a kernel an absent synapse has no sign.
    """
    there = [values["present"] == 1 for values in fields if "present" in values]
    try:
        solver.prove(claim, what, "whole", given=[*given, *there])
    except Refuted as refuted:
        return refuted.values
    except Undecided:
        pass
    return None


def _result(binding, output, terms):
    """The output that the reference gives for these terms: their sum with bias, rounding and clamp."""
    reference = binding.reference
    n = reference.width + reference.inputs.bit_length() + 2
    total = z3.BitVecVal(0, n)
    for term in terms:
        total = total + z3.SignExt(n - reference.width, term)
    if reference.storage == "constant":
        total = total + reference.constant_bias(output)
    elif (bias := binding.bias(output)) is not None:
        total = total + reference.bias.widen(bias, n)
    if reference.clamps:
        total = _clamp_exact(reference, total + reference.half)
    return z3.Extract(reference.output.bits - 1, 0, total)


def _clamp_exact(reference, value):
    """The same as `Reference.clamp`, for a sum of any width that is wide enough for it."""
    n = value.size() + abs(reference.shift) + reference.output.bits
    value = z3.SignExt(n - value.size(), value)
    value = value >> reference.shift if reference.shift >= 0 else value << -reference.shift
    low, high = z3.BitVecVal(reference.output.low, n), z3.BitVecVal(reference.output.high, n)
    return z3.If(value < low, low, z3.If(value > high, high, value))


def parameters_of(binding, output, input):
    """Fields of one synapse's parameter: constants, or parts of its word; dict of str to z3 expression."""
    reference = binding.reference
    if reference.storage == "constant":
        return reference.of_arrays(output, input)
    return reference.of_word(binding.word(output, input))


def prove_range(binding, solver):
    """Prove that the formats of sum and output hold every value, so that no wrap is visible.

    The solver proves the bounds of each term; adding them is exact arithmetic.

    Raises
    ------
    Failure
        If a value may not fit.
    Refuted, Undecided
        If the bounds of a term are wrong, or the solver does not decide them.
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
