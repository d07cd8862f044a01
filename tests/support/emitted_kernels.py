"""A kernel of every rule, architecture and storage, whose emitted text is tested."""

from itertools import cycle, product

import numpy as np

from tnhw.kernel import Kernel
from tnhw.synapse import RULES

STORAGES = cycle(["ports", "memory", "constant"])


def kernel(rule="threshold", architecture="parallel", storage="memory", **more):
    keys = {"name": f"{rule}_{architecture}_{storage}", "rule": rule, "architecture": architecture,
            "inputs": 5, "outputs": 3, "input": "s4", "storage": storage, "bias": "s7"}  # fmt: skip
    if RULES[rule].only_input:
        keys["input"] = str(RULES[rule].only_input)
    if RULES[rule].has_parameter:
        keys["parameter"] = "u2" if rule == "shift" else "s4"
    keys |= more
    arrays = None
    if storage == "constant":
        memory = {name: value for name, value in keys.items() if name not in ("interface", "beat")}
        memory["storage"] = "memory"
        arrays = Kernel(**memory).random_parameters(np.random.default_rng(0))
    return Kernel(**keys, arrays=arrays)


KERNELS = [
    *(kernel(*kind, next(STORAGES)) for kind in product(sorted(RULES), ["parallel", "serial"])),
    kernel(name="gained", gain=True, output="u4", shift=2),
    kernel(name="folded", storage="ports", bias="folded s7", form="max"),
    kernel(name="smallest", inputs=1, outputs=1, bias=None),
    kernel("mac", "parallel", "constant", name="axi_all", interface="axi-stream", output="s9"),
    kernel("mac", "serial", "memory", name="axi_beats", interface="axi-stream", beat=2),
    kernel("shift", "parallel", "memory", name="axi_one", interface="axi-stream", beat=1),
    kernel("threshold", "serial", "constant", name="axi_rom", interface="axi-stream", beat=3),
]
