"""Unrolled networks: every vector's result under stalls and after a reset, exact latency, a vector in each cycle."""

import itertools

import gates
import network_fuzz
import network_oracle
import numpy as np
import pytest
import random_networks
from faults import mutate
from places import NIGHTLY
from random_networks import check
from unrolled_networks import dense, drawn

from tnhw.gates.engine import wired
from tnhw.gates.unrolled import adders, functions, largest, layer, planning, unrolled
from tnhw.synapse import RULES, Format

KIND = list(random_networks.KINDS).index("unrolled")
SMALL, LARGE = (400, 200) if NIGHTLY else (20, 10)


def small(number):
    """Any network that the folded schedules take as well, small."""
    return random_networks.case(7, number * len(random_networks.KINDS) + KIND)


@pytest.mark.slow
def test_random():
    for number in range(SMALL):
        check(small(number))
    for number in range(LARGE):
        check(drawn(number))


@pytest.mark.needs("iverilog")
def test_verilog():
    """The emitted Verilog in Icarus, with both interfaces; AXI4-Stream with wrong packets as well."""
    for seed in (4, 5):  # `on_verilog` chooses the interface by the seed
        network_fuzz.on_verilog(dense(seed, "threshold", input="u4", inputs=6, outputs=5))


def test_large_sums_are_shared_in_parts(monkeypatch):
    monkeypatch.setattr(planning, "MAX_PAIRS", 100)
    check(dense(1, "threshold", input="u4", inputs=12))


def fill(case):
    """Nobody takes results until no vector enters any more; returns how many entered."""
    design = case.design()
    component = design.create()
    x = random_networks.vectors(case, 3 * component.images)
    beats, got, entered = design.pack_input(x), [], []

    async def bench(ctx):
        i, o = component.i, component.o
        ctx.set(i.valid, 1)
        for cycle in range(len(beats) + 2 * component.images):
            ctx.set(i.payload.as_value(), beats[len(entered) % len(beats)])
            if ctx.get(i.ready):
                entered.append(cycle)
            await ctx.tick()
        ctx.set(i.valid, 0)
        ctx.set(o.ready, 1)
        while len(got) < len(entered):
            _, _, valid, payload = await ctx.tick().sample(o.valid, o.payload.as_value())
            assert valid, "a result is missing"
            got.append(payload)

    gates.run(component, bench)
    expected = [network_oracle.result(case.network, vector) for vector in x]
    assert design.unpack_output(got).tolist() == expected[: len(got)]
    return len(entered), component.images


def test_full(monkeypatch):
    """As many vectors enter as have a place, and none is lost; with one more, one is."""
    case = dense(0, "threshold", input="u4")
    entered, places = fill(case)
    assert entered == places
    mutate(monkeypatch, unrolled.Unrolled, "elaborate", "inside < places - 1", "inside < places")
    with pytest.raises(AssertionError):
        fill(case)


# ---- Tables ----


def test_functions_that_differ_by_offset_sign_and_shift_share_a_table():
    rectified = [max(x - 5, 0) for x in range(16)]
    tables = {
        functions.Function.of([c + s * (v << k) for v in rectified]).table
        for c, s, k in itertools.product((-3, 0, 7), (1, -1), (0, 1, 3))
    }
    assert tables == {tuple(rectified)}


def test_functions_are_exact():
    rng = np.random.default_rng(0)
    for _ in range(200):
        values = (rng.integers(-20, 20, 8) << rng.integers(0, 3)).tolist()
        made = functions.Function.of(values)
        assert list(made.values(0, 1 << 12)) == [value % (1 << 12) for value in values]
        assert list(made.values(9, 1 << 12)) == [(value + 9) % (1 << 12) for value in values]
    assert functions.Function.of([4, 4]).table == () and functions.Function.of([4, 4]).constant == 4


@pytest.mark.parametrize("rule", sorted(RULES))
def test_tables_are_made_of_gates(rule, monkeypatch):
    """The golden model's terms are the same as those of the tables, and make none of them."""
    number = RULES[rule].only_input or Format(4, signed=rule == "mac")
    made = RULES[rule](number, Format(3) if RULES[rule].has_parameter else None)
    rng = np.random.default_rng(0)
    arrays = made.random(rng, (20,))
    sets = [{name: int(array[k]) for name, array in arrays.items()} for k in range(20)]
    x = np.array([number.decode(code) for code in range(1 << number.bits)])
    expected = made.term(x[None, :], {name: array[:, None] for name, array in arrays.items()})
    monkeypatch.delattr(type(made), "term")
    assert functions.terms_of(made, sets).tolist() == expected.tolist()


def test_groups():
    assert functions.grouped(Format(1), 6) == [range(4), range(4, 6)]
    assert functions.grouped(Format(3), 2) == [range(1), range(1, 2)]
    assert functions.grouped(Format(5), 2) == []


# ---- Adders ----


def value_of(made, value, leaves):
    """What a value is for given leaves, by what `Adder` says of itself."""
    if value in made.constants:
        return made.constants[value]
    if value not in made.adders:
        return leaves[value]
    adder = made.adders[value]
    low, high = (value_of(made, part, leaves) for part in (adder.low, adder.high))
    high <<= adder.distance
    total = low + adder.offset - high if adder.subtracts else low + high
    assert adder.wraps or 0 <= total < 1 << adder.bits
    return total % (1 << adder.bits)


def test_no_adder_has_more_bits_than_its_sum():
    """Nothing wraps but where it is said, and every sum is exact modulo its width."""
    rng = np.random.default_rng(2)
    for _ in range(40):
        made = adders.Adders()
        highs = rng.integers(1, 16, 9).tolist()
        for high in highs:
            made.leaf(high)
        pairs = [made.pair(0, 1, 1, -1), made.pair(2, 3, 0, 1), made.pair(1, 4, 2, -1)]
        digits = [planning.Digit(int(v), int(rng.integers(3)), int(rng.choice([-1, 1])))
                  for v in [*rng.permutation(9)[:5], *pairs]]  # fmt: skip
        constant, width = int(rng.integers(-50, 50)), int(rng.integers(6, 12))
        total = made.total(digits, constant, width, None)
        for leaves in ([0] * 9, highs, rng.integers(0, np.array(highs) + 1).tolist()):
            expected = constant
            for digit in digits:
                expected += digit.sign * value_of(made, digit.value, leaves) << digit.shift
            got = value_of(made, total.value, leaves) << total.shift
            assert (got - expected) % (1 << width) == 0
            for pair, (a, b, d, s) in zip(
                pairs, ((0, 1, 1, -1), (2, 3, 0, 1), (1, 4, 2, -1)), strict=True
            ):
                true = leaves[a] + s * (leaves[b] << d)
                assert value_of(made, pair, leaves) - made.offsets[pair] == true


# ---- Faults ----

FAULTS = {
    "the sign of a table": (functions.Function, "values", "self.sign * (one << self.shift)", "one << self.shift", {}),
    "the constant of a table": (planning.Sums, "_from_tables", "neurons.bias[row % neurons.channels]", "0", {}),
    "a product of bits": (functions.Products, "_product", "made & self._product(rest)", "made | self._product(rest)", {}),
    "the order of inputs in a code": (planning, "joined", "own[:, None] + total[None, :]", "own[None, :] + total[:, None]",
                                      {"seed": 2, "input": "u2"}),
    "the gates of a rule": (RULES["threshold"], "constant_addends", "x - theta", "x - theta - 1", {}),
    "a complement": (planning.Sums, "_terms_by_code", "own[:, ::-1]", "own",
                     {"complement": True, "input": "s4"}),
    "the complement of a wide input": (planning.Sums, "_from_gates", "~x[source]", "x[source]", {"complement": True, "input": "u6"}),
    "the sign of a wide term": (planning.Sums, "_from_gates", "leaf.negative", "not leaf.negative", {"input": "u6"}),
    "the offset of a difference": (adders.Adders, "pair", "offset + (1 << above)", "offset", {"rule": "ternary"}),
    "added for subtracted": (layer.Layer, "_chain", "left - right", "left + right", {}),
    "the second adder of a chain": (layer.Layer, "_chain", "total[at : at + len(own)]", "total[: len(own)]", {"seed": 2, "rule": "ternary"}),
    "a sum too early": (layer.Layer, "elaborate", "self._at(m, total.value, self.levels)",
                        "self._at(m, total.value, self._sums.adders.levels[total.value])", {}),
    "results at different times": (layer.Layer, "elaborate", "self._after - result.latency", "0",
                                   {"kind": "scale", "rule": "ternary", "result": "vector"}),
    "a step of a staircase": (wired.WiredStaircase, "elaborate", "2 * half * before + half - 1",
                              "2 * half * before", {"kind": "staircase"}),
    "a falling staircase": (wired.WiredStaircase, "elaborate", "((1 << bits) - 1) * self._falling", "0",
                            {"seed": 8, "kind": "staircase"}),
    "the shift of a scale": (wired, "_clamped", "Requantise(number, shift, output)",
                             "Requantise(number, shift + 1, output)", {"kind": "scale"}),
    "the last of equal outputs": (largest.Largest, "_winner", "(one - other)[-1]", "~(other - one)[-1]",
                                  {"seed": 3, "rule": "ternary", "input": "u1", "inputs": 2}),
    "an index": (largest.Largest, "_winner", "Mux(later, right, left)", "left", {}),
    "a place too few": (unrolled.Unrolled, "images", "self.latency + 3", "self.latency + 2", {}),
    "a result too early": (unrolled.Unrolled, "elaborate", "arrived[-1]", "arrived[-2]", {}),
}  # fmt: skip


def found_in(keys):
    seed = keys.get("seed", 0)
    options = {"rule": "threshold", "input": "u4"} | {k: v for k, v in keys.items() if k != "seed"}
    return dense(seed, **options)


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name, monkeypatch):
    owner, method, old, new, keys = FAULTS[name]
    check(found_in(keys))
    if isinstance(vars(owner).get(method), property):
        monkeypatch.setattr(owner, method, property(lambda self: self.latency + 2))
    else:
        mutate(monkeypatch, owner, method, old, new)
    with pytest.raises(AssertionError):
        check(found_in(keys))
