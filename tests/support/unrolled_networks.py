"""Unrolled networks of dense layers, large enough that sums have something in common."""

import numpy as np
import random_networks
from random_networks import Case

WIDE = ("threshold", "mac", "shift", "ternary", "addernet")


def dense(
    seed,
    rule=None,
    *,
    input=None,
    inputs=10,
    outputs=8,
    kind=None,
    result="class",
    last=4,
    complement=None,
):
    """A case: a layer of a rule, with results of a kind of requantisation, and a layer of sums.

    What is not given is drawn at random.
    """
    rng = np.random.default_rng(seed)
    rule = rule or str(rng.choice(WIDE))
    input = input or str(rng.choice(["u1", "u2", "u3", "u4", "s4", "u6", "s5"]))
    layers, arrays = [], []
    for number, size in ((outputs, inputs), (last, outputs)):
        keys = {"kind": "dense", "outputs": number, **random_networks.synapse(rng, False, None)}
        while keys["rule"] != rule:
            keys = {"kind": "dense", "outputs": number, **random_networks.synapse(rng, False, None)}
        if not layers:
            keys |= {"output": str(rng.choice(["u2", "u4", "s3"])), "shift": int(rng.integers(4))}
            drawn_one = bool(rng.random() < 0.3)
            keys["complement"] = drawn_one if complement is None else complement
        layers.append(keys)
        width = size * (1 + keys.get("complement", 0))
        arrays.append(random_networks.parameters(rng, keys, (number, width)))
    if kind in ("staircase", "scale"):
        while layers[0].get("requantise") != kind:
            again = {key: layers[0][key] for key in layers[0] if key not in ("requantise",)}
            again.setdefault("shift", 0)
            own = {
                n: a
                for n, a in arrays[0].items()
                if n not in ("steps", "falling", "multiplier", "offset")
            }
            random_networks.requantised(rng, again, own, [-40, 60])
            layers[0], arrays[0] = again, own
    network = {"name": "net", "input": input, "shape": [inputs], "layers": layers,
               "arrays": arrays, "result": result}  # fmt: skip
    return Case(network, (), "unrolled", seed=seed, reset=seed % 3 == 0)


def drawn(number):
    """Case `number` of many: every rule, kind of requantisation and result has its turn."""
    kind = (None, "staircase", "scale")[number % 3]
    return dense(number, WIDE[number % 5], kind=kind, result=("class", "vector")[number % 2])
