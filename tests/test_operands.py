"""Operands of trained networks."""

import numpy as np
import pytest

from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.library import load
from tnhw.ppa.operands import of_model


def tile(**keys):
    keys = {"name": "k", "rule": "threshold", "architecture": "tile", "arithmetic": "heap", "inputs": 16,
            "outputs": 8, "input": "u4", "parameter": "u4", "storage": "memory"} | keys  # fmt: skip
    return Kernel(**keys)


def test_last_layer_that_fits():
    kernel, network = tile(), load("digits_tn")
    found = of_model(kernel, "digits_tn", 5)
    assert found.x.shape == (5, 16) and found.p["theta"].shape == (8, 16)
    assert (found.p["theta"] == network.layers[-1].arrays["theta"][:8, :16]).all()
    assert (found.score, found.unit) == (98.0, "% correct")
    assert kernel.golden(found.x, found.p).shape == (5, 8)
    assert found.x.max() <= 15 and np.unique(found.x).size > 3


def test_layer_before():
    assert of_model(tile(inputs=40), "digits_tn", 3).text != of_model(tile(), "digits_tn", 3).text


@pytest.mark.parametrize(
    "keys", [{"input": "u7"}, {"rule": "mac", "parameter": "s8"}, {"inputs": 65}]
)
def test_formats_must_be_the_layers(keys):
    with pytest.raises(InputError, match="no dense layer with rule"):
        of_model(tile(**keys), "digits_tn", 3)
