"""Formulas of a proof, each by itself: sums of bits, polynomials, shifts, a solver, a circuit over time."""

import random
from itertools import product

import pytest

z3 = pytest.importorskip("z3", reason="the extra `proof` is not installed")

from tnhw.proof.formulas import exhaustive, polynomial  # noqa: E402
from tnhw.proof.formulas import solver as solvers  # noqa: E402
from tnhw.proof.formulas.affine import Affine, affine_of, runs, total  # noqa: E402
from tnhw.proof.formulas.circuit import Circuit, at_bits  # noqa: E402
from tnhw.proof.formulas.compiled import compiled  # noqa: E402
from tnhw.proof.formulas.exhaustive import counter_example, over_bits  # noqa: E402
from tnhw.proof.formulas.shifts import without_shifts  # noqa: E402
from tnhw.proof.formulas.solver import Refuted, Solver, Undecided  # noqa: E402
from tnhw.proof.formulas.unroll import Unrolled, origin  # noqa: E402
from tnhw.proof.formulas.walk import support  # noqa: E402
from tnhw.proof.reference import Reference  # noqa: E402

A, B = z3.BitVec("a", 4), z3.BitVec("b", 4)


def value(expression, **values):
    """An expression's number where variables have these."""
    pairs = [(v, z3.BitVecVal(values[n], v.size())) for n, (v, _) in support(expression).items()]
    return z3.simplify(z3.substitute(expression, *pairs)).as_long()


# ---- Affine forms ----


def wide(x, bits=8, signed=False):
    return (z3.SignExt if signed else z3.ZeroExt)(bits - x.size(), x)


@pytest.mark.parametrize("signed", [False, True])
def test_weights_of_a_sum(signed):
    form = affine_of(wide(A, signed=signed) - 3 * wide(B) + 5, Solver("z3"), "test")
    top = -8 if signed else 8
    weights = {("a", k): w for k, w in enumerate([1, 2, 4, top])}
    weights |= {("b", k): -3 << k for k in range(4)}
    assert form == Affine(5, weights, 8)
    assert runs(form.weights) == [("a", 0, 4, 1, signed), ("b", 0, 4, -3, False)]


def test_a_form_has_the_values_of_its_expression():
    expression = 7 * wide(A) - wide(z3.Extract(2, 1, B)) + 200
    form = affine_of(expression, Solver("z3"), "test")
    again = total(form, {"a": A, "b": B})
    for a, b in product(range(16), repeat=2):
        assert value(expression, a=a, b=b) == value(again, a=a, b=b)


@pytest.mark.parametrize("expression", [
    wide(A & B), wide(A) * wide(B), z3.If(A > B, wide(A), wide(B)), wide(A + B),
    wide(A) + wide(z3.If(z3.And(A == 13, B == 11), z3.BitVecVal(1, 4), z3.BitVecVal(0, 4))),
], ids=["and", "product", "maximum", "a sum that wraps", "one pair of values"])  # fmt: skip
def test_what_is_no_sum(expression):
    """The last differs from a sum for one pair of values of 256, which a solver finds."""
    assert affine_of(expression, Solver("z3"), "test") is None


def test_runs_modulo():
    """Weights that are equal modulo a power of two are one number, and its top bit may be a sign."""
    weights = {("x", 0): 1, ("x", 1): 2, ("x", 2): 12}
    assert runs(weights) == [("x", 0, 2, 1, False), ("x", 2, 1, 12, False)]
    assert runs(weights, 8) == [("x", 0, 3, 1, False)]
    assert runs(weights, 16) == [("x", 0, 3, 1, True)]
    assert runs({("x", 0): 1, ("x", 2): 4, ("y", 3): 8}) == [
        ("x", 0, 1, 1, False), ("x", 2, 1, 4, False), ("y", 3, 1, 8, False)]  # fmt: skip


# ---- Polynomials ----


def test_polynomial_of_values():
    """The value of a polynomial is that of the expression, for all values of what it reads."""
    a, b, c = (z3.Extract(k, k, z3.BitVec("x", 4)) for k in (0, 1, 3))
    for expression in (a ^ b ^ c, a & ~b, a | b & c, z3.If(a == b, c, ~a), z3.BitVecVal(1, 1)):
        found = polynomial.of_values(expression)
        for bits in product((0, 1), repeat=3):
            known = dict(zip(("x [0]", "x [1]", "x [3]"), bits, strict=True))
            value = sum(w * all(known[name] for name in atoms) for atoms, w in found.items())
            x = z3.BitVecVal(bits[0] + 2 * bits[1] + 8 * bits[2], 4)
            wanted = z3.simplify(z3.substitute(expression, (z3.BitVec("x", 4), x)))
            assert value == wanted.as_long()


def number(polynomial_, bits):
    return sum(w * all(bits[name] for name in atoms) for atoms, w in polynomial_.items())


def test_arithmetic_of_polynomials():
    """Sums and products are those of the values; the square of a bit is the bit."""
    draw, names = random.Random(1), "pqr"
    subsets = [frozenset(n for n, there in zip(names, one, strict=True) if there)
               for one in product((0, 1), repeat=3)]  # fmt: skip
    one, other = ({atoms: draw.randint(-9, 9) for atoms in subsets} for _ in range(2))
    added = polynomial.total((3, one), (-2, other))
    reduced = polynomial.total((3, one), (-2, other), modulus=8)
    multiplied = polynomial.times(one, other)
    for values in product((0, 1), repeat=3):
        bits = dict(zip(names, values, strict=True))
        a, b = number(one, bits), number(other, bits)
        assert number(added, bits) == 3 * a - 2 * b
        assert (number(reduced, bits) - number(added, bits)) % 8 == 0
        assert number(multiplied, bits) == a * b
    assert polynomial.total((1, one), (-1, one)) == {}
    assert all(0 < weight < 8 for weight in reduced.values())


def test_too_many_bits_for_a_polynomial():
    bits = z3.BitVec("x", polynomial.MAX_READ + 1)
    parity = z3.Extract(0, 0, bits)
    for k in range(1, bits.size()):
        parity = parity ^ z3.Extract(k, k, bits)
    with pytest.raises(Undecided, match="reads 13 others"):
        polynomial.of_values(parity)


# ---- Shifts by a variable ----


def reference_of_shifts(input="s4"):
    kernel = {"rule": "shift", "storage": "ports", "inputs": 2, "outputs": 1, "excitatory": None,
              "architecture": "parallel", "bias": None, "shift": 0, "output": None}  # fmt: skip
    formats = {"input": input, "parameter": "u2", "sum": "s9", "output": "s9", "bias": None}
    word = {"exponent": "u2", "sign": "u1"}
    return Reference({"kernel": kernel, "formats": formats, "word": word}, None)


def gates_of_shifts(reference, start=0):
    """Two synapses as gates make them, and as the reference does: (sum, list of terms and fields)."""
    gates, synapses = z3.BitVecVal(start, reference.sum.bits), []
    for k in range(2):
        x = z3.BitVec(f"x{k}", 4)
        fields = {"exponent": z3.BitVec(f"e{k}", 2), "sign": z3.BitVec(f"s{k}", 1)}
        shifted = reference.x.widen(x, 7) << z3.ZeroExt(5, fields["exponent"])
        more = reference.sum.bits - 7
        shifted = (z3.SignExt if reference.x.signed else z3.ZeroExt)(more, shifted)
        gates = gates + z3.If(fields["sign"] == 1, -shifted, shifted)
        synapses.append((reference.term(x, fields), fields))
    return gates, synapses


@pytest.mark.parametrize("input", ["s4", "u4"])
def test_shifts_become_numbers(input):
    reference, solver = reference_of_shifts(input), Solver("z3")
    gates, synapses = gates_of_shifts(reference)
    made, terms, known = without_shifts(gates, synapses, reference, solver)
    assert not any(z3.is_app_of(t, z3.Z3_OP_BSHL) for t in walked(made))
    low = z3.Extract(reference.sum.bits - 1, 0, terms[0] + terms[1])
    solver.prove(made == low, "the sum", "whole", given=known)
    with pytest.raises(Refuted):
        solver.prove(made == low + 1, "the sum", "whole", given=known)
    top = reference.x.high << 3
    with pytest.raises(Refuted):  # the range that is known is no smaller than that of the shifts
        solver.prove(terms[0] != top, "the highest shift", "whole", given=known)
    solver.prove(terms[0] <= -(reference.x.low << 3) + top, "the range", "whole", given=known)


def walked(expression):
    yield expression
    for child in expression.children():
        yield from walked(child)


def test_what_is_not_its_shift():
    """Another amount, and synapses without one, leave shifts in place."""
    reference, solver = reference_of_shifts(), Solver("z3")
    gates, synapses = gates_of_shifts(reference)
    wrong = z3.substitute(gates, (z3.BitVec("e0", 2), z3.BitVec("e0", 2) + 1))
    assert without_shifts(wrong, synapses, reference, solver) is None
    bare = [(term, {"sign": fields["sign"]}) for term, fields in synapses]
    assert without_shifts(gates, bare, reference, solver) is None


# ---- Solvers ----


@pytest.mark.parametrize("name", ["z3", "bitwuzla"])
def test_claims(name):
    if name == "bitwuzla":
        pytest.importorskip("bitwuzla")
    solver = Solver(name, 20)
    solver.prove(A + B - B == A, "a sum less a part", "sums")
    solver.prove(z3.ULT(A, 9), "a small number", "bounds", given=[z3.ULE(A, 4)])
    with pytest.raises(Refuted, match="one is larger") as error:
        solver.prove(z3.UGT(A, B), "one is larger", "bounds", given=[A != 0])
    values = error.value.values
    assert 0 < values["a"] <= values["b"]
    assert {kind: count for kind, (count, _) in solver.asked.items()} == {"sums": 1, "bounds": 1}
    assert solver.satisfy(z3.And(A == 3, A + B == 1), "two numbers") == {"a": 3, "b": 14}
    assert solver.satisfy(z3.And(A == 3, A == 4), "no number") is None


def test_products_are_tried(monkeypatch):
    """All values of short operands, and no solver."""
    monkeypatch.setattr(z3, "SolverFor", None)
    a, b = wide(A), wide(B)
    solver = Solver("z3")
    solver.prove((a + b) * (a + b) == a * a + 2 * a * b + b * b, "a square", "products")
    with pytest.raises(Refuted) as error:
        solver.prove(a * b != 143, "no product is 143", "products")
    assert sorted(error.value.values.values()) == [11, 13]


def test_equal_but_for_names(monkeypatch):
    """Of claims that differ in the names of variables only, the first is tried. One that is false is always tried."""
    tried = []
    monkeypatch.setattr(exhaustive, "CHUNK", 1 << 8)
    run = solvers.counter_example
    monkeypatch.setattr(solvers, "counter_example", lambda *own: tried.append(own) or run(*own))
    solver = Solver("z3")
    for names in ("ab", "cd", "ba"):
        a, b = (wide(z3.BitVec(name, 4)) for name in names)
        solver.prove(a * b != 251, "no product is 251", "products")
    assert len(tried) == 1
    for names in ("ab", "cd"):
        a, b = (wide(z3.BitVec(name, 4)) for name in names)
        with pytest.raises(Refuted) as error:
            solver.prove(a * b != 143, "no product is 143", "products")
        assert set(error.value.values) == set(names)
    assert len(tried) == 3


def test_no_answer_in_time():
    x, y = (z3.ZeroExt(32, z3.BitVec(name, 32)) for name in "xy")
    hard = z3.Or(x == 1, y == 1, x * y != 2**62 - 57)  # a prime
    with pytest.raises(Undecided, match=r"z3 .* did not decide within 0.05 s: a prime"):
        Solver("z3", 0.05).prove(hard, "a prime", "test")


def test_state_of_a_solver():
    solver = Solver("z3", 1)
    assert solver.state() == ""
    solver.stage = "output 1 of 2"
    solver.prove(z3.BitVec("x", 4) * 0 == 0, "zero", "test")
    assert solver.state() == "output 1 of 2, 1 lemmas proven, now: zero"


def test_all_values_of_bits():
    condition, names = over_bits([A + B == 9])
    assert names == sorted(f"{name} [{k}]" for name in "ab" for k in range(4))
    found = counter_example(condition[0], names)
    a, b = (sum(found[f"{name} [{k}]"] << k for k in range(4)) for name in "ab")
    assert (a + b) % 16 == 9
    (never,), names = over_bits([A * A == 3])  # squares end in 0, 1, 4 or 9 modulo 16
    assert len(names) == 4 and counter_example(never, names) is None


@pytest.mark.parametrize("expression", [
    A + B, A - B, A * B, -A, ~A, A & B, A | B, A ^ B, A << B, z3.LShR(A, B), A >> B, z3.Concat(A, B),
    z3.Extract(2, 1, A), z3.SignExt(3, A), z3.ZeroExt(3, A), z3.If(A < B, A, B), z3.If(z3.ULE(A, B), A, B),
    z3.If(z3.Or(A == 3, z3.Not(z3.UGT(B, A))), A, B),
], ids=str)  # fmt: skip
def test_python_form_of_an_operator(expression):
    (run,) = [compiled([expression], ["a", "b"])]
    for a, b in product(range(16), repeat=2):
        assert run(a, b)[0] == value(expression, a=a, b=b), (a, b)


def test_part_of_a_variable_by_a_value():
    expression = z3.Concat(A, B)
    assert value(at_bits(expression, z3.Extract(2, 1, A), z3.BitVecVal(1, 2)), a=15, b=6) == 0xB6
    assert value(at_bits(expression, A, z3.BitVecVal(2, 4)), b=6) == 0x26


# ---- A circuit over time ----


def counter():
    """A counter to 3 that begins again, an accumulator that the counter clears, and a memory."""
    count, total_ = z3.BitVec("count", 2), z3.BitVec("total", 4)
    cells = z3.Array("cells", z3.BitVecSort(2), z3.BitVecSort(4))
    x, on = z3.BitVec("x", 4), z3.BitVec("on", 1)
    first = z3.If(count == 0, z3.BitVecVal(0, 4), total_)
    following = {
        "count": z3.If(on == 1, count + 1, count),
        "total": z3.If(on == 1, first + x + cells[count], total_),
        "cells": cells,
    }
    return Circuit({"x": x, "on": on}, {"count": count, "total": total_, "cells": cells}, {"y": total_},
                   following, {"count": 0, "total": 0, "cells": {}})  # fmt: skip


def test_what_is_known_is_constant():
    run = Unrolled(counter(), {"count": 0}, {"on": 1})
    assert [run.known(time).get("count") for time in range(6)] == [0, 1, 2, 3, 0, 1]
    assert "total" not in run.known(3)
    stalled = Unrolled(counter(), {"count": 0}, {"on": lambda time: int(time != 1)})
    assert [stalled.known(time)["count"] for time in range(4)] == [0, 1, 1, 2]
    unknown = Unrolled(counter(), {"count": 0}, {"on": lambda time: None if time else 1})
    assert unknown.known(1) == {"count": 1} and unknown.known(2) == {}


def test_definitions_and_wholes():
    """A register is defined by what was a clock before; as a whole by inputs and cells."""
    run = Unrolled(counter(), {"count": 0}, {"on": 1})
    assert support(run.definition("total", 1)).keys() == {"x", "cells[0]"}
    assert support(run.definition("total", 2)).keys() == {"x", "total", "cells[1]"}
    whole = run.register("total", 3)
    values = {f"x@{k}": 3 + k for k in range(3)} | {f"cells[{k}]@0": 1 + k for k in range(3)}
    assert support(whole).keys() == values.keys()
    assert value(whole, **values) == (3 + 4 + 5 + 1 + 2 + 3) % 16
    again = run.register("total", 5)  # the counter has begun again
    assert support(again).keys() == {"x@4", "cells[0]@0"}
    assert run.register("count", 2).as_long() == 2
    assert {origin(name) for name in support(run.register("total", 1))} == {
        ("x", 0),
        ("cells[0]", 0),
    }


def test_unknown_start():
    run = Unrolled(counter(), {}, {"on": 0})
    assert support(run.register("total", 4)).keys() == {"total@0"}
    assert value(run.whole(run.at(z3.BitVec("x", 4) + 1, 2), 2), **{"x@2": 4}) == 5
