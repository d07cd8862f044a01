"""Small kernels to prove, and which of many cases `make test` takes."""

import numpy as np
import pytest

from tnhw.kernel import Kernel
from tnhw.synapse import RULES
from tnhw.verilog import emitting


def kernel(rule="threshold", architecture="parallel", storage="constant", bits=4, **more):
    keys = {"name": "tiny", "rule": rule, "architecture": architecture, "storage": storage,
            "inputs": 4, "outputs": 2, "input": f"s{bits}", "bias": "s9", "output": "s7", "shift": 3}  # fmt: skip
    if RULES[rule].only_input:
        keys["input"] = str(RULES[rule].only_input)
    if RULES[rule].has_parameter:
        keys["parameter"] = "u2" if rule == "shift" else f"s{bits}"
    keys |= more
    arrays = None
    if storage == "constant":
        arrays = Kernel(**keys | {"storage": "memory"}).random_parameters(np.random.default_rng(1))
        if rule == "threshold":  # a synapse that is there, for the faults
            arrays["sign"][0, 0], arrays["theta"][0, 0] = 1, 0
    return Kernel(**keys, arrays=arrays)


def emitted(made):
    return emitting.emitted(made)


def in_ci(values, some):
    """All values nightly, `some` of them always."""
    return [pytest.param(v, marks=[] if v in some else pytest.mark.nightly) for v in values]
