"""Sums by matrix products against naive loops, and against the plain formula."""

import network_oracle
import numpy as np
import pytest
import random_networks

from tnhw.errors import InputError
from tnhw.network import Network, layer, rectifiers
from tnhw.synapse import RULES, Format


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Matrix products however few the terms are."""
    monkeypatch.setattr(layer, "MANY", 0)


def dense(rule, input, parameter, arrays, outputs=3, **keys):
    keys = layer.LayerKeys(
        name="a", kind="dense", rule=rule, outputs=outputs, parameter=parameter, **keys
    )
    return layer.Layer(
        keys, Format.parse(input), (1, 1, next(iter(arrays.values())).shape[1]), arrays
    )


@pytest.mark.parametrize("seed", range(4))
def test_random_networks(seed):
    """Every sum of every layer, against loops that know nothing of matrices."""
    products = 0
    for case in random_networks.cases(48, seed):
        network = Network(**case.network)
        x = random_networks.vectors(case, 3)
        sums = network.trace(x)
        for one, vector in enumerate(x):
            expected = network_oracle.trace(case.network, vector)[0]
            for own, naive in zip(sums, expected, strict=True):
                assert own[one].reshape(-1).tolist() == list(naive)
        products += sum(each._rectifiers is not None for each in network.layers)
    assert products > 40


INPUTS = [
    (rule, number)
    for rule, kind in sorted(RULES.items())
    for number in ([str(kind.only_input)] if kind.only_input else ["u1", "u4", "s4", "u8", "s8"])
]


@pytest.mark.parametrize(("rule", "input"), INPUTS)
def test_rules(rule, input):
    """All values of x and all kinds of parameters."""
    kind = RULES[rule]
    parameter = None if not kind.has_parameter else "u2" if rule == "shift" else "s4"
    synapse = kind(Format.parse(input), parameter and Format.parse(parameter))
    rng = np.random.default_rng(5)
    arrays = synapse.random(rng, (3, 7)) | {"bias": rng.integers(-9, 9, 3)}
    made = dense(rule, input, parameter, arrays)
    x = rng.integers(made.input.min, made.input.max, (60, 7), endpoint=True)
    x[0], x[1] = made.input.min, made.input.max
    assert made._rectifiers is not None
    assert (made.sums(x).reshape(60, 3) == made.kernel.sums(x)).all()


def test_batches(monkeypatch):
    """Batches of one, two and all vectors give the same."""
    case = next(c for c in random_networks.cases(64) if c.network["layers"][0]["kind"] == "conv")
    network, x = Network(**case.network), random_networks.vectors(case, 9)
    expected = network.golden(x)
    one = network.layers[0]._rectifiers
    for batch in (1, 2 * x[0].size * len(one.bends), 1 << 30):
        monkeypatch.setattr(rectifiers, "BATCH", batch)
        assert (network.golden(x) == expected).all()


def test_sums_that_float32_does_not_hold():
    """2048 products of 255 and 127 are above 2^24: they are added in float64."""
    arrays = {"weight": np.full((1, 2048), 127)}
    made = dense("mac", "u8", "s8", arrays, outputs=1)
    assert made._rectifiers.matrices.dtype == np.float64
    assert made.sums(np.full((1, 2048), 255)).item() == 2048 * 255 * 127
    assert dense("mac", "u8", "s8", {"weight": np.full((1, 8), 127)}, outputs=1)._rectifiers.matrices.dtype == np.float32  # fmt: skip


def test_where_terms_one_by_one_are_faster():
    """Thresholds of many values, and inputs of many bits."""
    many = {"theta": np.arange(64).reshape(1, 64) * 4, "sign": np.ones((1, 64), int)}
    assert dense("threshold", "u8", "u8", many, outputs=1)._rectifiers is None
    wide = dense("mac", "u12", "s4", {"weight": np.ones((1, 2), int)}, outputs=1)
    assert wide._rectifiers is None
    assert wide.sums([[1000, 2000]]).item() == 3000


def test_values_outside_of_the_format():
    made = dense("mac", "u4", "s4", {"weight": np.ones((1, 2), int)}, outputs=1)
    with pytest.raises(InputError, match="u4"):
        made.sums([[16, 0]])


def test_a_wrong_slope_is_seen(monkeypatch):
    """Where one rectifier is left out, sums differ."""
    rng = np.random.default_rng(3)
    arrays = {"theta": rng.integers(0, 15, (3, 40)), "sign": np.ones((3, 40), int)}
    made = dense("threshold", "u4", "u4", arrays)
    x = rng.integers(0, 16, (20, 40))
    before = made.sums(x)
    made._rectifiers.matrices[:, -40:] = 0
    assert (made.sums(x) != before).any()
