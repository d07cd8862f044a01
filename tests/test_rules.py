"""Every rule's gates against its numbers, exhaustively for small formats."""

from itertools import product

import numpy as np
import oracle
import pytest
from amaranth.hdl import Const, Module, Signal
from amaranth.sim import Simulator

from tnhw.errors import InputError
from tnhw.format import Format
from tnhw.kernel import Kernel
from tnhw.rule import RULES

INPUTS = ["u2", "s2", "u3", "s3"]
PARAMETERS = ["u1", "s2", "u2", "s3", "u4"]


def configurations():
    for x in INPUTS:
        yield {"rule": "ternary", "input": x}
        for rule, p in product(["mac", "addernet"], PARAMETERS):
            yield {"rule": rule, "input": x, "parameter": p}
        for p in ("u1", "u2", "u3"):
            yield {"rule": "shift", "input": x, "parameter": p}
        for p, form, gain in product(PARAMETERS, ["subtract", "max"], [False, True]):
            yield {"rule": "threshold", "input": x, "parameter": p, "form": form, "gain": gain}


CONFIGURATIONS = list(configurations())


def label(keys):
    return "-".join(str(value) for value in keys.values())


def make(keys):
    parameter = Format.parse(keys["parameter"]) if "parameter" in keys else None
    rule = RULES[keys["rule"]]
    gain, form = keys.get("gain", False), keys.get("form")
    return rule(Format.parse(keys["input"]), parameter, gain, form)


def parameter_sets(keys):
    allowed = oracle.ranges(keys)
    for values in product(*(range(low, high + 1) for low, high in allowed.values())):
        yield dict(zip(allowed, values, strict=True))


def value_of(addends, constant):
    total = Const(constant)
    for addend in addends:
        total = total + addend.value * addend.weight
    return total


@pytest.mark.parametrize("keys", CONFIGURATIONS, ids=label)
def test_term_and_interval(keys):
    rule = make(keys)
    low, high = oracle.bounds(keys["input"])
    seen = []
    for p in parameter_sets(keys):
        arrays = {name: np.array([value]) for name, value in p.items()}
        expected = [oracle.term(keys["rule"], x, p) for x in range(low, high + 1)]
        assert rule.term(np.arange(low, high + 1), arrays).tolist() == expected, p
        ends = rule.interval(arrays)
        assert (int(ends[0][0]), int(ends[1][0])) == (min(expected), max(expected)), p
        seen += expected
    assert rule.interval() == (min(seen), max(seen))


@pytest.mark.parametrize("keys", CONFIGURATIONS, ids=label)
def test_gates(keys):
    """Addends with the fold in gates, the fold in numpy, `active`: all x and all parameters."""
    rule = make(keys)
    x, word = Signal(rule.input.shape), Signal(rule.word_bits)
    p = rule.word(word)
    main, extra = rule.addends(x, p), rule.fold_addends(p)
    term, fold, active = (Signal(16 if k < 2 else 1, name=f"o{k}") for k in range(3))
    m = Module()
    m.d.comb += [term.eq(value_of(*main)), fold.eq(value_of(*extra)), active.eq(rule.active(x, p))]
    low, high = oracle.bounds(keys["input"])

    async def bench(ctx):
        for values in parameter_sets(keys):
            arrays = {name: np.array(value) for name, value in values.items()}
            ctx.set(word, int(rule.pack(arrays)))
            # Modulo the width of the sum, as it is used.
            assert ctx.get(fold) == int(rule.fold(arrays)) % 2**16, values
            for number in range(low, high + 1):
                ctx.set(x, number)
                total = (ctx.get(term) + ctx.get(fold)) % 2**16
                expected = oracle.term(keys["rule"], number, values)
                assert total == expected % 2**16, (number, values)
                assert ctx.get(active) or expected == 0

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    "keys", [keys for keys in CONFIGURATIONS if keys["input"] in ("u3", "s3")], ids=label
)
def test_constant_gates(keys):
    rule = make(keys)
    x = Signal(rule.input.shape)
    sets = list(parameter_sets(keys))
    outputs, highs = [], []
    m = Module()
    for number, values in enumerate(sets):
        addends, constant = rule.constant_addends(x, values)
        outputs.append(Signal(16, name=f"t{number}"))
        m.d.comb += outputs[-1].eq(value_of(addends, constant))
        highs += [addend for addend in addends if addend.high is not None]
    low, high = oracle.bounds(keys["input"])

    async def bench(ctx):
        for number in range(low, high + 1):
            ctx.set(x, number)
            for output, values in zip(outputs, sets, strict=True):
                expected = oracle.term(keys["rule"], number, values) % 2**16
                assert ctx.get(output) == expected, (number, values)
            assert all(ctx.get(addend.value) <= addend.high for addend in highs)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


# ---- Packing: LSB first ----


def pack(rule, **values):
    return int(rule.pack({name: np.array(value) for name, value in values.items()}))


def test_pack_threshold():
    rule = RULES["threshold"](Format(4), Format(4), True, "max")
    assert list(rule.fields) == ["theta", "sign", "gain"]
    assert pack(rule, theta=5, sign=1, gain=2) == 5 | 0 << 4 | 2 << 5
    assert pack(rule, theta=5, sign=-1, gain=1) == 5 | 1 << 4 | 1 << 5
    assert pack(rule, theta=5, sign=0, gain=0) == 15, "absent: theta is the largest input"


def test_pack_threshold_with_present_bit():
    rule = RULES["threshold"](Format(4), Format(3), False, "max")
    assert list(rule.fields) == ["theta", "sign", "present"]
    assert pack(rule, theta=5, sign=-1) == 5 | 1 << 3 | 1 << 4
    assert pack(rule, theta=5, sign=0) >> 4 == 0


@pytest.mark.parametrize(("input", "parameter", "stored"), [("s4", "u2", True), ("s4", "u3", False),
                                                            ("u4", "s5", False), ("u4", "s4", True)])  # fmt: skip
def test_present_bit_only_where_needed(input, parameter, stored):
    rule = RULES["threshold"](Format.parse(input), Format.parse(parameter), False, "max")
    assert ("present" in rule.fields) == stored


def test_pack_others():
    four = Format(4, True)
    assert pack(RULES["mac"](four, four), weight=-1) == 15
    assert pack(RULES["addernet"](four, four), weight=-8) == 8
    assert pack(RULES["ternary"](four), sign=-1) == 0b11
    assert pack(RULES["ternary"](four), sign=1) == 0b10
    assert pack(RULES["ternary"](four), sign=0) == 0
    assert pack(RULES["shift"](four, Format(2)), exponent=3, sign=-1) == 0b1111


# ---- Form ----


@pytest.mark.parametrize(
    ("keys", "form"),
    [
        ({"storage": "ports"}, "subtract"),
        ({"storage": "ports", "bias": "folded s12"}, "max"),
        ({"storage": "memory"}, "max"),
        ({"storage": "memory", "form": "subtract"}, "subtract"),
    ],
)
def test_form_by_table(keys, form):
    made = Kernel(name="k", rule="threshold", inputs=2, input="u4", parameter="u4", **keys)
    assert made.synapse.form == form


@pytest.mark.parametrize(
    ("rule", "arguments", "text"),
    [
        ("mac", (Format(4),), "rule `mac` needs a `parameter` format"),
        (
            "ternary",
            (Format(4), Format(4)),
            "rule `ternary` has no magnitude: leave `parameter` out",
        ),
        ("mac", (Format(4), Format(4), True), "rule `mac` has no gain: leave `gain` out"),
        ("shift", (Format(4), Format(4)), "the exponent: u1, u2 or u3, not u4"),
        ("shift", (Format(4), Format(2, True)), "the exponent: u1, u2 or u3, not s2"),
        (
            "threshold",
            (Format(4), Format(4), False, "x"),
            '"subtract" or "max" as `form`, not \'x\'',
        ),
    ],
)
def test_init_wrong(rule, arguments, text):
    with pytest.raises(InputError, match=text):
        RULES[rule](*arguments)
