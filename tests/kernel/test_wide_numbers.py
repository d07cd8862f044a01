"""Numbers near the 64 bits of NumPy: what is accepted is exact, in plain Python's integers; the rest is refused.

Every combination of a rule with wide formats, wide shifts and gains is tried with inputs and parameters at the
ends of their formats, where anything that wraps wraps first.
"""

from itertools import product

import numpy as np
import oracle
import pytest

from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.kernel.remainder import folded
from tnhw.network import Network
from tnhw.support.environment import flag
from tnhw.synapse import Format

FORMATS = ["u1", "s8", "u31", "s32", "u59", "u60", "s60", "s61", "u62", "s63", "u64"]
if flag("TNHW_NIGHTLY"):
    FORMATS += ["s2", "u8", "u29", "s30", "u40", "u58", "s59", "u61", "s62", "u63", "s64"]
ENDS = [{}, {"output": "s8", "shift": 32}, {"output": "u63", "shift": 0}, {"output": "s63", "shift": 1},
        {"output": "u64"}, {"output": "s64", "shift": -1}, {"output": "s63", "shift": -2},
        {"output": "u8", "shift": -32}, {"output": "u63", "shift": -32}]  # fmt: skip
PARAMETERS = {"ternary": [None], "shift": ["u1", "u2", "u3"]}


def tried(rule):
    """Keys of kernels of a rule: formats in all pairs, with each end and each bias in turn."""
    biases = [None, "s8", "s61", "u61", "s62", "u63", "s64"]
    number = 0
    for input, parameter in product(FORMATS, PARAMETERS.get(rule, FORMATS)):
        for gain in [False, True] if rule == "threshold" else [False]:
            for end in (ENDS[0], ENDS[number % len(ENDS)]):
                keys = {"name": "k", "rule": rule, "inputs": 2, "outputs": 2, "input": input, "storage": "memory",
                        "parameter": parameter, "gain": gain, "excitatory": 1 if number % 3 else None}  # fmt: skip
                bias, number = biases[number % len(biases)], number + 1
                keys |= end | ({"bias": bias} if bias else {})
                yield {key: value for key, value in keys.items() if value not in (None, False)}


def sets(keys):
    """Parameter sets with every array at an end, in plain lists; one mixes both ends."""
    ranges = oracle.ranges(keys)
    if "bias" in keys:
        ranges["bias"] = oracle.bounds(keys["bias"])
    for ends in product(*ranges.values()):
        yield {name: [end] * 2 if name == "bias" else [[end] * 2] * 2
               for name, end in zip(ranges, ends, strict=True)}  # fmt: skip
    yield {name: list(ends) if name == "bias" else [list(ends), list(ends)[::-1]]
           for name, ends in ranges.items()}  # fmt: skip


@pytest.mark.parametrize("rule", ["threshold", "ternary", "mac", "addernet", "shift"])
def test_what_is_accepted_is_exact(rule):
    accepted, refused, widest = 0, 0, 0
    for keys in tried(rule):
        try:
            kernel = Kernel(**keys)
        except InputError as error:
            assert "at most" in str(error) or "more than the 63 of the golden model" in str(error)
            refused += 1
            continue
        low, high = oracle.bounds(keys["input"])
        x = [[low, low], [high, high], [low, high], [0, high]]
        bits = kernel.sum_format.bits
        for p in sets(keys):
            given = {name: np.array(values, np.int64) for name, values in p.items()}
            made = kernel.golden(np.array(x), given)
            assert made.tolist() == oracle.results(keys, x, p), (keys, p)
            whole = {"bias": np.zeros(2, object)}
            whole |= {name: np.array(values, object) for name, values in p.items()}
            exact = folded(kernel.synapse, whole, kernel.half, kernel.polarity)
            assert kernel.folded_bias(given).tolist() == [
                int(value) % 2**bits for value in exact
            ], (
                keys,
                p,
            )
            beats = kernel.pack_parameters(given)
            assert all(0 <= beat < 1 << kernel.width_p for beat in beats)
            payloads = kernel.pack_output(made)
            assert kernel.unpack_output(payloads).tolist() == made.tolist(), keys
        accepted, widest = accepted + 1, max(widest, bits)
    # Those that would be too wide are refused, and none that is far from it.
    assert refused > 8 and accepted > 8 and 61 <= widest <= 63, (accepted, refused, widest)


@pytest.mark.parametrize(
    "keys, said",
    [
        ({"parameter": "u64"}, "`parameter` must have at most 60 bits, not u64"),
        ({"parameter": "u61", "input": "s4"}, "`parameter` must have at most 60 bits, not u61"),
        ({"input": "u64"}, "`input` must have at most 60 bits, not u64"),
        ({"output": "u64"}, "`output` must have at most 63 bits, not u64"),
        ({"bias": "u64"}, "more than the 63 of the golden model"),
        ({"output": "s8", "shift": -32, "input": "u40"}, "more than the 63 of the golden model"),
    ],
)
def test_refused(keys, said):
    good = {"name": "k", "rule": "threshold", "inputs": 2, "input": "u4", "parameter": "u4"}
    with pytest.raises(InputError, match=said):
        Kernel(**(good | keys))


@pytest.mark.parametrize("parameter", ["u64", "u61"])
def test_a_layer_is_refused_as_well(parameter):
    layer = {"kind": "dense", "rule": "threshold", "outputs": 1, "parameter": parameter}
    p = {"theta": np.array([[1, 2]]), "sign": np.array([[1, 1]])}
    with pytest.raises(
        InputError, match="network n: layer `dense0`: `parameter` must have at most 60"
    ):
        Network("n", "u4", [2], [layer], [p])
    with pytest.raises(InputError, match="network n: layer `dense0`: `input` must have at most 60"):
        Network("n", parameter, [2], [layer | {"parameter": "u4"}], [p])


def test_a_network_is_exact():
    """Two layers near the end: 2^31 inputs through a MAC to 32 bits, and on to 61."""
    layers = [
        {
            "kind": "dense",
            "rule": "mac",
            "outputs": 2,
            "parameter": "s29",
            "output": "u32",
            "shift": 20,
        },
        {"kind": "dense", "rule": "mac", "outputs": 2, "parameter": "s28"},
    ]
    top, low = 2**28 - 1, -(2**27)
    arrays = [
        {"weight": np.array([[top, top], [-top, 1]])},
        {"weight": np.array([[low, low], [low, 0]])},
    ]
    network = Network("n", "u31", [2], layers, arrays, "vector")
    x = [[2**31 - 1, 2**31 - 1], [2**31 - 1, 0]]
    for vector, row in zip(x, network.golden(np.array(x)).tolist(), strict=True):
        first = oracle.sums("mac", [vector], {"weight": arrays[0]["weight"].tolist()})[0]
        between = [oracle.requantise(z, 20, "u32") for z in first]
        assert row == oracle.sums("mac", [between], {"weight": arrays[1]["weight"].tolist()})[0]


@pytest.mark.parametrize("text", ["u64", "u63", "s64", "u8", "s1"])
def test_clamp(text):
    low, high = oracle.bounds(text)
    values = [-(2**63), -1, 0, 1, 2**62, 2**63 - 1]
    clamped = Format.parse(text).clamp(np.array(values, np.int64)).tolist()
    assert clamped == [min(max(value, low), high) for value in values]
