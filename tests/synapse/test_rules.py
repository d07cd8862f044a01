"""Every rule's gates against its numbers, exhaustively for small formats."""

from itertools import product

import numpy as np
import oracle
import pytest
from amaranth.hdl import Const, Module, Signal, signed
from amaranth.sim import Simulator
from faults import mutate

from tnhw.errors import InputError
from tnhw.gates.summing.terms import lane_constant
from tnhw.gates.summing.tree import normalise
from tnhw.kernel import Kernel
from tnhw.synapse import RULES, Format, ripples
from tnhw.synapse import rule as rule_module
from tnhw.synapse.rules import threshold

MAC_FORMS = ["product", "booth", "booth_and_or", "digits", "rows", "sign_magnitude", "split"]
INPUTS = ["u2", "s2", "u3", "s3"]
PARAMETERS = ["u1", "s2", "u2", "s3", "u4"]


def configurations():
    yield {"rule": "binary", "input": "u1"}
    for x in INPUTS:
        yield {"rule": "ternary", "input": x}
        for p in PARAMETERS:
            yield {"rule": "addernet", "input": x, "parameter": p}
        for p, form in product([*PARAMETERS, "s4", "u3", "s5"], MAC_FORMS):
            if form != "sign_magnitude" or p[0] == "s":
                yield {"rule": "mac", "input": x, "parameter": p, "form": form}
        for p in ("u1", "u2", "u3"):
            yield {"rule": "shift", "input": x, "parameter": p}
        for p, form, gain in product(PARAMETERS, ["subtract", "max", "complement"], [False, True]):
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
    """Addends with the remainder in gates, the remainder in numpy, `active`: all x and all parameters."""
    rule = make(keys)
    x, word = Signal(rule.input.shape), Signal(rule.word_bits)
    p = rule.word(word)
    main, extra = rule.addends(x, p), rule.remainder_addends(p)
    term, remainder, active = (Signal(16 if k < 2 else 1, name=f"o{k}") for k in range(3))
    m = Module()
    m.d.comb += [
        term.eq(value_of(*main)),
        remainder.eq(value_of(*extra)),
        active.eq(rule.active(x, p)),
    ]
    low, high = oracle.bounds(keys["input"])

    async def bench(ctx):
        for values in parameter_sets(keys):
            arrays = {name: np.array(value) for name, value in values.items()}
            ctx.set(word, int(rule.pack(arrays)))
            # Modulo the width of the sum, as it is used.
            assert ctx.get(remainder) == int(rule.remainder(arrays)) % 2**16, values
            for number in range(low, high + 1):
                ctx.set(x, number)
                total = (ctx.get(term) + ctx.get(remainder)) % 2**16
                expected = oracle.term(keys["rule"], number, values)
                assert total == expected % 2**16, (number, values)
                assert ctx.get(active) or expected == 0

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("form", MAC_FORMS)
@pytest.mark.parametrize("parameter", ["u5", "s6", "u7", "s7", "u8", "s8", "s11", "u16"])
@pytest.mark.parametrize("input", ["u1", "s1", "u4", "s7", "u8", "s8", "u13"])
def test_wide_products(input, parameter, form):
    """Both ends of x and w, zero, and random values between."""
    if form == "sign_magnitude" and parameter[0] == "u":
        with pytest.raises(InputError, match="needs a signed `parameter`"):
            RULES["mac"](Format.parse(input), Format.parse(parameter), form=form)
        return
    rule = RULES["mac"](Format.parse(input), Format.parse(parameter), form=form)
    rng, keys = np.random.default_rng(0), {"rule": "mac", "parameter": parameter, "form": form}

    def values(low, high):
        return [low, high, 0, *rng.integers(low, high, 12, endpoint=True).tolist()]

    x, word = Signal(rule.input.shape), Signal(rule.word_bits)
    p = rule.word(word)
    total, folded = Signal(40), Signal(40)
    m = Module()
    main, extra = rule.addends(x, p), rule.remainder_addends(p)
    m.d.comb += [total.eq(value_of(*main)), folded.eq(value_of(*extra))]

    async def bench(ctx):
        for weight, number in product(
            values(*oracle.ranges(keys)["weight"]), values(*oracle.bounds(input))
        ):
            p = {"weight": weight}
            arrays = {"weight": np.array(weight)}
            ctx.set(word, int(rule.pack(arrays)))
            ctx.set(x, number)
            expected = oracle.term("mac", number, p)
            assert ctx.get(folded) == int(rule.remainder(arrays)) % 2**40, p
            assert (ctx.get(total) + ctx.get(folded)) % 2**40 == expected % 2**40, (number, p)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(("input", "form"), [("u1", "product"), ("u4", "booth"), ("s8", "booth")])
def test_mac_in_logic(input, form):
    rule = RULES["mac"](Format.parse(input), Format(4, True), form="product")
    assert rule.in_logic().form == form
    assert rule.in_logic().fields == rule.fields


@pytest.mark.parametrize("input", ["u3", "s3"])
@pytest.mark.parametrize("parameter", ["u3", "s3"])
def test_mac_pairs(input, parameter):
    """One product for two weights: every x with every pair."""
    rule = RULES["mac"](Format.parse(input), Format.parse(parameter)).in_blocks()
    assert rule.shared_by == 2
    m, x = Module(), Signal(rule.input.shape)
    words, totals = [Signal(rule.word) for _ in range(2)], [Signal(signed(12)) for _ in range(2)]
    entries = rule.shared_addends(x, words)
    m.d.comb += [total.eq(value_of(*entry)) for total, entry in zip(totals, entries, strict=True)]
    assert {normalise(e[0])[1] + e[1] for e in entries} == {lane_constant(rule)}

    async def bench(ctx):
        numbers = range(rule.parameter.min, rule.parameter.max + 1)
        for number, *weights in product(
            range(rule.input.min, rule.input.max + 1), numbers, numbers
        ):
            ctx.set(x, number)
            for word, weight in zip(words, weights, strict=True):
                ctx.set(word.as_value(), int(rule.pack({"weight": np.array(weight)})))
            expected = [oracle.term("mac", number, {"weight": weight}) for weight in weights]
            assert [ctx.get(total) for total in totals] == expected, (number, weights)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    ("input", "parameter", "shared"),
    [("u4", "s4", 2), ("u5", "s5", 2), ("u6", "s5", 1), ("u8", "s8", 1)],
)
def test_mac_pairs_only_where_a_block_holds_them(input, parameter, shared):
    rule = RULES["mac"](Format.parse(input), Format.parse(parameter)).in_blocks()
    assert rule.shared_by == shared and rule.form == "product"


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
        ({"rule": "mac"}, "product"),
        ({"rule": "mac", "form": "booth"}, "booth"),
    ],
)
def test_form_by_table(keys, form):
    keys = {"rule": "threshold"} | keys
    made = Kernel(name="k", inputs=2, input="u4", parameter="u4", **keys)
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
            '"subtract" or "max" or "complement" as `form`, not \'x\'',
        ),
    ],
)
def test_init_wrong(rule, arguments, text):
    with pytest.raises(InputError, match=text):
        RULES[rule](*arguments)


# ---- Short words of few thresholds ----


def compact(x, has_gain, **arrays):
    """A threshold rule in form `max`, and the same for these parameters."""
    bits = Format.parse(x)
    widest = Format.of_interval(min(0, arrays["theta"].min()), max(1, arrays["theta"].max()))
    rule = RULES["threshold"](bits, widest, has_gain, "max")
    return rule, rule.compact([arrays])


def check_compact(rule, x, arrays):
    """Gates and remainder of every synapse for every x against the term."""
    word, signal, out = Signal(rule.word_bits), Signal(rule.input.shape), Signal(16)
    active = Signal()
    p = rule.word(word)
    m = Module()
    m.d.comb += [out.eq(value_of(*rule.addends(signal, p))), active.eq(rule.active(signal, p))]
    remainder, extra = Signal(16), rule.remainder_addends(p)
    m.d.comb += remainder.eq(value_of(*extra))
    words, remainders = rule.pack(arrays).tolist(), rule.remainder(arrays).tolist()
    low, high = oracle.bounds(x)

    async def bench(ctx):
        for k, packed in enumerate(words):
            ctx.set(word, packed)
            own = {name: int(array[k]) for name, array in arrays.items()}
            assert (ctx.get(remainder) - remainders[k]) % 2**16 == 0, own
            for number in range(low, high + 1):
                ctx.set(signal, number)
                expected = oracle.term("threshold", number, own)
                assert (ctx.get(out) + remainders[k] - expected) % 2**16 == 0, (number, own)
                assert ctx.get(active) or expected == 0, (number, own)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def compact_sets(x, gain):
    """Parameters whose thresholds are multiples of 1, 2, 4, ..., with ends and absent synapses."""
    rng = np.random.default_rng(int(x[1:]) * 2 + gain)
    top = oracle.bounds(x)[1]
    for step in range(int(x[1:])):
        for end in (False, True):
            theta = rng.integers(0, top + 1, 24) >> step << step
            theta[:4] = [0, 0, top >> step << step, top >> step << step]
            if end:
                theta[4:8] = [top, top + 1, top + 5, top]  # none of them has a term
            else:
                theta = np.minimum(theta, max((top >> step) - 1, 0) << step)
            sign = rng.integers(-1, 2, 24)
            sign[:4] = [1, -1, 1, -1]
            arrays = {"theta": theta, "sign": sign}
            yield arrays | ({"gain": rng.integers(0, 3, 24)} if gain else {})


@pytest.mark.parametrize("gain", [False, True], ids=["plain", "gain"])
@pytest.mark.parametrize("x", ["u2", "u3", "u4", "u5"])
def test_compact(x, gain):
    steps = set()
    for arrays in compact_sets(x, gain):
        rule, short = compact(x, gain, **arrays)
        check_compact(short, x, arrays)
        steps.add(short.step)
        if short.step is not None:
            assert short.word_bits <= rule.word_bits
            assert (short.encode(arrays)["theta"] <= short.fields["theta"].max).all()
    assert set(range(int(x[1:]) - 1)) <= steps, "not all steps were drawn"


@pytest.mark.parametrize("x", ["u2", "u3", "u4"])
def test_compact_of_every_pair(x):
    """Every set of two thresholds, each with both signs, beside an absent synapse."""
    top = oracle.bounds(x)[1]
    for one, other in product(range(top + 2), repeat=2):
        theta = np.array([one, other, one, other, 0])
        arrays = {"theta": theta, "sign": np.array([1, 1, -1, -1, 0])}
        check_compact(compact(x, False, **arrays)[1], x, arrays)


def test_compact_width():
    """Levels 0, 4, 8 of u4 take 2 bits beside the sign; the fourth means absent."""
    arrays = {"theta": np.array([0, 4, 8]), "sign": np.array([1, -1, 0])}
    _, short = compact("u4", False, **arrays)
    assert (short.step, short.word_bits) == (2, 3)
    assert short.pack(arrays).tolist() == [0, 1 | 1 << 2, 3]
    _, short = compact(
        "u4", False, **arrays | {"theta": np.array([0, 4, 12]), "sign": np.ones(3, int)}
    )
    assert (short.step, short.word_bits) == (1, 4), "12 >> 2 is the level that means absent"


@pytest.mark.parametrize(
    ("x", "theta"),
    [
        ("s4", [0, 2, 4]),  # levels of a signed input are no upper bits
        ("u4", [0, -1, 4]),
        ("u4", [14, 15, 0, 13]),  # with 15 absent, all others are levels: still step 0
    ],
)
def test_compact_only_where_right(x, theta):
    arrays = {"theta": np.array(theta), "sign": np.ones(len(theta), int)}
    _, short = compact(x, False, **arrays)
    assert short.step == (0 if x == "u4" and min(theta) >= 0 else None)
    check_compact(short, x, arrays)


def test_compact_keeps_the_other_form():
    rule = RULES["threshold"](Format(4), Format(4), False, "subtract")
    assert rule.compact([{"theta": np.array([0, 8]), "sign": np.array([1, 1])}]) is rule


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("compact", "absent in {theta >> step for theta in used}", "absent in set()"),
        ("addends", "below_top=not self.gain", "below_top=False"),
        ("compact", "2 << step", "1 << step"),
        ("_scale", "~p.gain.all()", "~p.gain.any()"),
        ("remainder", 'encoded["theta"] << (self.step or 0)', 'encoded["theta"]'),
    ],
)
def test_fault_of_compact_is_found(method, old, new, monkeypatch):
    mutate(monkeypatch, RULES["threshold"], method, old, new)
    with pytest.raises(AssertionError):
        for gain in (False, True):
            test_compact("u4", gain)


def check_ripples(a, b):
    """Every pair of numbers; equal ones may give either."""
    left, right, more = Signal(a.shape), Signal(b.shape), Signal()
    m = Module()
    m.d.comb += more.eq(rule_module.ripples(left, right))

    async def bench(ctx):
        for one, other in product(range(a.min, a.max + 1), range(b.min, b.max + 1)):
            ctx.set(left, one)
            ctx.set(right, other)
            assert one == other or ctx.get(more) == (one > other), (one, other)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("a", ["u1", "u3", "s3", "u4", "s4"])
@pytest.mark.parametrize("b", ["u2", "u3", "s2", "s4"])
def test_ripples(a, b):
    check_ripples(Format.parse(a), Format.parse(b))


def test_fault_in_ripples_is_found(monkeypatch):
    """A chain whose carries pass only where the bits are equal and one; and signs taken as plain bits."""

    def short(a, b):
        more = a[0] & ~b[0]
        for k in range(1, len(a)):
            more = (a[k] & ~b[k]) | (more & a[k] & b[k])
        return more

    for wrong, number in (
        (short, "u3"),
        (lambda a, b: ripples(a.as_unsigned(), b.as_unsigned()), "s3"),
    ):
        monkeypatch.setattr(rule_module, "ripples", wrong)
        with pytest.raises(AssertionError):
            check_ripples(Format.parse(number), Format.parse(number))


@pytest.mark.parametrize("number", ["u3", "s3"])
def test_fault_in_ripples_is_found_in_terms(number, monkeypatch):
    """Threshold terms for cells are checked against their numbers, and that sees a wrong comparison."""
    keys = {"rule": "threshold", "input": number, "parameter": number, "form": "max"}
    made = make(keys).on_cells()
    monkeypatch.setitem(globals(), "make", lambda keys: made)
    test_gates(keys)
    monkeypatch.setattr(threshold, "ripples", lambda a, b: a[-1] & ~b[-1])
    with pytest.raises(AssertionError):
        test_gates(keys)
