"""A network that is small enough to try all of its designs."""

import numpy as np

from tnhw.network import Network


def tiny(seed=0):
    """Thresholds, 4 inputs, 4 hidden neurons, 3 results, with random parameters."""
    rng = np.random.default_rng(seed)
    layers, arrays = [], []
    for inputs, outputs, more in ((4, 4, {"output": "u4", "shift": 1}), (4, 3, {})):
        keys = {"kind": "dense", "rule": "threshold", "parameter": "u4", "outputs": outputs}
        layers.append(keys | more)
        shape = (outputs, inputs)
        arrays.append({
            "theta": rng.integers(0, 15, shape), "sign": rng.integers(-1, 2, shape),
            "bias": rng.integers(-9, 9, outputs),
        })  # fmt: skip
    return Network("tiny", "u4", [4], layers, arrays)
