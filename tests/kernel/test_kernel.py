import sys
from itertools import product

import numpy as np
import oracle
import pytest
from places import NIGHTLY
from random_kernels import KINDS, Case, cases_of, check, ends, segments, steepest, with_cases

from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.simulation import simulate
from tnhw.synapse import RULES, Format

EACH = 10  # `make nightly` checks 20,000 others in the same way
TILES = 10 if NIGHTLY else 3
MOST_SYNAPSES = 1_000 if NIGHTLY else 48  # gates are slow to simulate: larger kernels only at night


def ids(kind):
    return "-".join(kind)


def kernel(**keys):
    return Kernel(
        **{"name": "k", "rule": "mac", "inputs": 2, "input": "u4", "parameter": "s4"} | keys
    )


# ---- Random kernels: 30 kinds of 10, of which the small ones are simulated by day, and 15 kinds of tiles ----


def y_ends(case):
    """Lowest and highest y of a kernel, exact."""
    if "output" not in case.keys:
        return ends(case)
    return tuple(oracle.requantise(z, case.keys["shift"], case.keys["output"]) for z in ends(case))


def at_format_end(case):
    """Whether y reaches the lowest or the highest value of its format."""
    made = case.kernel.output_format
    low, high = y_ends(case)
    return low == made.min or high == made.max


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_random(kind, capsys):
    seen = []

    def one(case):
        synapses = case.keys["inputs"] * case.keys["outputs"]
        if kind[1] != "tile" and synapses > MOST_SYNAPSES:
            return
        low, high = y_ends(case)
        results = [y for row in check(case) for y in row]
        assert min(results) == low and max(results) == high, "an end of the range was not reached"
        seen.append((case.keys, at_format_end(case)))

    # Tiles share terms and heaps with the others, and simulate slowly: fewer are drawn, of all sizes.
    count = TILES if kind[1] == "tile" else EACH
    with_cases(kind, count, one)
    assert len(seen) >= (count if NIGHTLY or kind[1] == "tile" else count * 2 // 5)
    with capsys.disabled():
        print(summary(kind, seen), file=sys.stderr)


def summary(kind, seen):
    """One line: how many kernels of a kind, and what was drawn."""
    keys = [keys for keys, _ in seen]

    def spread(values):
        return f"{min(values)}..{max(values)}"

    widths = spread([int(k["input"][1:]) for k in keys])
    own = [int(k["parameter"][1:]) for k in keys if "parameter" in k]
    return (
        f"\n{' '.join(kind)}: {len(seen)} kernels, x {widths} bits, parameter "
        f"{spread(own) + ' bits' if own else 'none'}, {spread([k['inputs'] for k in keys])} inputs, "
        f"{spread([k['outputs'] for k in keys])} outputs; all reach both ends of their range, "
        f"{sum(at_end for _, at_end in seen)} an end of the output format; "
        f"{sum('output' in k for k in keys)} requantised, {sum('bias' in k for k in keys)} with "
        f"bias, {sum('interface' in k for k in keys)} AXI4-Stream"
    )


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_random_in_icarus(kind, tmp_path):
    drawn = cases_of(kind, 6)
    case = (
        drawn[-1]
        if NIGHTLY
        else min(drawn, key=lambda case: case.keys["inputs"] * case.keys["outputs"])
    )
    outcome = simulate(case.kernel, tmp_path / "sim", vectors=12)
    assert outcome.passed and outcome.vectors > 12


def test_random_spread():
    """What the chunks above draw: every kind is a chunk, and widths and sizes go from end to end."""
    cases = [case for kind in KINDS for case in cases_of(kind, 10)]
    assert len(cases) >= 300
    assert sum(map(at_format_end, cases)) >= len(cases) / 2
    drawn = [case.keys for case in cases]
    widths = [int(keys["input"][1:]) for keys in drawn if not RULES[keys["rule"]].only_input]
    widths += [int(k["parameter"][1:]) for k in drawn if "parameter" in k and k["rule"] != "shift"]
    assert set(widths) == set(range(2, 17))
    sizes = {keys["inputs"] for keys in drawn}
    assert min(sizes) == 1 and max(sizes) > 56 and len(sizes) > 30
    assert {keys["outputs"] for keys in drawn} == {1, 2, 3, 4, 5}
    forms = {None, "auto", "subtract", "max", "complement", *RULES["mac"].forms}
    assert {keys.get("form") for keys in drawn} == forms
    assert {keys.get("gain") for keys in drawn} == {None, True, False}
    kinds_of_bias = {keys.get("bias", "none").split()[0][0] for keys in drawn}
    assert kinds_of_bias == {"n", "u", "s", "f"}
    assert {keys["shift"] < 0 for keys in drawn if "shift" in keys} == {True, False}
    assert sum("interface" in keys for keys in drawn) > 40


# ---- Mathematics ----


@pytest.mark.parametrize(
    ("rule", "p", "expected"),
    [
        # x = 3, 7, 15; worked by hand
        ("threshold", {"theta": [[5, 5, 0]], "sign": [[1, -1, 1]]}, 0 - 2 + 15),
        ("ternary", {"sign": [[1, -1, 0]]}, 3 - 7),
        ("mac", {"weight": [[-8, 7, 1]]}, -24 + 49 + 15),
        ("addernet", {"weight": [[3, -8, 7]]}, -0 - 15 - 8),
        ("shift", {"exponent": [[0, 3, 1]], "sign": [[-1, 1, -1]]}, -3 + 56 - 30),
    ],
)
def test_golden(rule, p, expected):
    formats = {"ternary": None, "shift": "u2", "threshold": "u4"}
    made = kernel(rule=rule, inputs=3, parameter=formats.get(rule, "s4"), bias="s8")
    p = {name: np.array(array) for name, array in p.items()} | {"bias": np.array([-100])}
    assert made.golden([[3, 7, 15]], p).tolist() == [[expected - 100]]


def test_golden_gain():
    made = kernel(rule="threshold", inputs=3, parameter="u4", gain=True)
    p = {"theta": [[5, 5, 5]], "sign": [[1, -1, 1]], "gain": [[0, 1, 2]]}
    assert made.golden([[7, 7, 7], [5, 4, 0]], p).tolist() == [[2 - 4 + 8], [0]]


def test_golden_one_set_a_vector():
    made = kernel(outputs=2)
    p = {"weight": np.arange(-4, 4).reshape(2, 2, 2)}
    assert made.golden([[1, 2], [3, 4]], p).tolist() == [[-10, -4], [4, 18]]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([[1, 2, 3]], r"input must be integers \[n, 2\], not int64 \[1, 3\]"),
        ([1, 2, 3], r"input must be integers \[n, 2\], not int64 \[1, 3\]"),
        ([[1.0, 2.0]], r"input must be integers \[n, 2\], not float64"),
        ([[0, 16]], r"input must lie in 0 .. 15 \(u4\), but holds 0 .. 16"),
        ([[-1, 0]], r"input must lie in 0 .. 15 \(u4\), but holds -1 .. 0"),
    ],
)
def test_golden_wrong_x(x, text):
    with pytest.raises(InputError, match=text):
        kernel().golden(x, {"weight": [[1, 1]]})


def test_golden_wrong_p():
    with pytest.raises(InputError, match="has no parameters of its own"):
        kernel().golden([[1, 2]])
    with pytest.raises(InputError, match="parameters have a bias: give `bias` a format"):
        kernel().golden([[1, 2]], {"weight": [[1, 1]], "bias": [1]})


# ---- Widths: exact ----

SMALL = [
    {"rule": rule, "input": x, "parameter": p, "gain": gain, "inputs": 2, "outputs": 1}
    for rule, x, p, gain in product(
        ["threshold", "ternary", "mac", "addernet", "shift"], ["u2", "s2", "s3"], ["u2", "s3"],
        [False, True],
    )
    if not (gain and rule != "threshold") and not (rule == "shift" and p == "s3")
]  # fmt: skip


@pytest.mark.parametrize("keys", SMALL, ids=lambda keys: "-".join(map(str, keys.values())))
def test_interval(keys):
    """By brute force over all x and p of one synapse: no bound is missed, none is passed."""
    allowed = [range(low, high + 1) for low, high in oracle.ranges(keys).values()]
    low, high = oracle.bounds(keys["input"])
    terms = [
        oracle.term(keys["rule"], x, dict(zip(oracle.ranges(keys), p, strict=True)))
        for x in range(low, high + 1)
        for p in product(*allowed)
    ]
    if keys["rule"] == "ternary":
        keys = keys | {"parameter": None}
    made = kernel(**keys, bias="s5")
    assert made.z_format == Format.of_interval(2 * min(terms) - 16, 2 * max(terms) + 15)


def test_interval_of_constants():
    arrays = {"weight": np.array([[3, -2], [0, 0]]), "bias": np.array([10, -50])}
    made = kernel(outputs=2, storage="constant", arrays=arrays)
    z = made.golden(list(product(range(16), repeat=2)))
    assert (z.min(), z.max()) == (-50, 55)
    assert str(made.z_format) == "s7"
    assert str(kernel(storage="constant", arrays={"weight": [[1, 1]]}).z_format) == "u5"


def test_steepest_reaches_the_golden_interval():
    for rule, parameter in (("mac", "s16"), ("addernet", "u16"), ("threshold", "s16")):
        keys = {"name": "k", "rule": rule, "inputs": 64, "outputs": 1, "input": "s16",
                "parameter": parameter, "storage": "ports"}  # fmt: skip
        made = Kernel(**keys)
        z = [int(made.golden(*steepest(keys, sign))[0, 0]) for sign in (-1, 1)]
        assert made.z_format == Format.of_interval(*z)


@pytest.mark.parametrize(
    ("rule", "parameter", "bits"), [("threshold", "u4", 4), ("ternary", None, 1), ("shift", "u2", 3)]
)  # fmt: skip
def test_excitatory_stores_no_sign(rule, parameter, bits):
    keys = {"rule": rule, "parameter": parameter, "storage": "memory"}
    made = kernel(**keys, excitatory=1)
    assert made.synapse.word_bits == bits == kernel(**keys).synapse.word_bits - 1
    p = made.random_parameters(np.random.default_rng(0))
    with pytest.raises(InputError, match="sign"):
        made.golden([[1, 1]], p | {"sign": [[-1, 1]]})
    with pytest.raises(InputError, match="takes the signs of its parameters"):
        kernel(**keys | {"storage": "constant"}, excitatory=1)


# ---- The object ----


def test_frozen():
    made = kernel()
    with pytest.raises(ValueError, match="frozen"):
        made.inputs = 3
    made = kernel(storage="memory", arrays={"weight": [[1, 2]]})
    made.arrays.clear()
    assert made.arrays["weight"].tolist() == [[1, 2]]


def test_identity():
    """What a board knows a kernel by: every key that matters, but younger ones only where they are set."""
    plain = list(kernel().identity())
    assert not any(line.startswith("excitatory") for line in plain)
    assert [line for line in kernel(excitatory=1).identity() if line not in plain] == [
        "excitatory=1"
    ]
    assert list(kernel(inputs=3).identity()) != plain


def test_random_parameters_are_allowed():
    rng = np.random.default_rng(0)
    made = kernel(outputs=3, bias="s5")
    p = made.random_parameters(rng, 50)
    assert p["weight"].shape == (50, 3, 2) and p["bias"].shape == (50, 3)
    assert (p["weight"].min(), p["weight"].max()) == (-8, 7)
    assert (p["bias"].min(), p["bias"].max()) == (-16, 15)


def test_unpack_output_inverts_pack_output():
    made = kernel(outputs=3)
    y = np.array([[-256, 0, 100], [-1, 1, 7]])
    assert made.unpack_output(made.pack_output(y)).tolist() == y.tolist()


def test_case_is_reproducible():
    first, second = cases_of(KINDS[0], 3), cases_of(KINDS[0], 3)
    assert [case.keys for case in first] == [case.keys for case in second]
    assert isinstance(first[0], Case) and len(segments(first[0])) >= 2
