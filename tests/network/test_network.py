"""Networks against plain loops and worked examples."""

import network_oracle
import numpy as np
import pytest
from places import NIGHTLY
from random_networks import TWO, random_network

from tnhw.errors import InputError
from tnhw.network import Network


def test_random_networks():
    """Golden model and plain loops give the same sums, outputs and results."""
    layers = 0
    for number in range(1000 if NIGHTLY else 150):
        rng = np.random.default_rng((number, 7))
        keys = random_network(rng, shared=False)
        network = Network(**keys)
        low, high = network.input.min, network.input.max
        x = rng.integers(low, high, (3, network.inputs), endpoint=True)
        x[0], x[1] = low, high
        traced = network.trace(x)
        for k, vector in enumerate(x):
            sums, y = network_oracle.trace(keys, vector)
            assert [z[k].ravel().tolist() for z in traced] == sums, number
            assert network.golden(x)[k].tolist() == y, number
            assert network.results(x)[k].tolist() == network_oracle.result(keys, vector), number
        assert network.outputs == len(y)
        layers += len(network.layers)
    assert layers > 200


def test_by_hand():
    """Image 7 5 / 1 15.

    First row: (7-2) - (5-4) = 4 and 7 + 5 - 3 = 9; second: 0 - 11 = -11 and 1 + 15 - 3 = 13.
    Halved, ties up: 2, 4.5 = 5; -5.5 = -5, so 0; 6.5 = 7. Then 2 + 1 = 3, 5 + 7 = 12,
    2 + 21 - 20 = 3.
    """
    network = Network(**TWO)
    x = np.array([[7, 5, 1, 15]])
    first, second = network.trace(x)
    assert first.tolist() == [[[[4, 9]], [[-11, 13]]]]
    assert second.tolist() == [[3, 12, 3]]
    assert network.golden(x).tolist() == [[3, 12, 3]]
    assert network.classes(x).tolist() == [1] and network.results(x).tolist() == [[1]]
    assert str(network.output_format) == "u2" and network.operations == 2 * 4 + 12


def test_first_of_equal_outputs():
    arrays = {"sign": np.array([[0, 0], [1, 0], [1, 0], [0, 1]])}
    layer = {"kind": "dense", "rule": "ternary", "outputs": 4}
    network = Network("n", "u4", [2], [layer], [arrays])
    x = np.array([[0, 0], [3, 3], [3, 2], [2, 3], [15, 15]])
    assert network.classes(x).tolist() == [0, 1, 1, 3, 1]


def test_vector():
    network = Network(**TWO, result="vector")
    x = np.array([[7, 5, 1, 15]])
    assert network.results(x).tolist() == [[3, 12, 3]]


def test_layers_are_named():
    keys = [{k: v for k, v in layer.items() if k != "name"} for layer in TWO["layers"]]
    network = Network(**TWO | {"layers": keys})
    assert [layer.name for layer in network.layers] == ["conv0", "dense1"]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([[1, 2, 3]], r"network two: input must be integers \[n, 4\], not int64 \[1, 3\]"),
        ([1, 2, 3], r"must be integers \[n, 4\], not int64 \[1, 3\]"),
        ([[1.0, 2, 3, 4]], r"must be integers \[n, 4\], not float64"),
        ([[1, 2, 3, 16]], r"input must lie in 0 \.\. 15 \(u4\), but holds 1 \.\. 16"),
        ([[True, False, True, True]], "not bool"),
    ],
)
def test_wrong_input(x, text):
    with pytest.raises(InputError, match=text):
        Network(**TWO).golden(np.array(x))
