"""Kernels whose IP packages are tested, and commands that run on them."""

import subprocess

import numpy as np
import pytest

from tnhw.kernel import Kernel
from tnhw.support.environment import for_child

ICARUS = pytest.mark.needs("iverilog", "vvp")

VERILATOR = pytest.mark.needs("verilator", "g++", "make", "perl")


def kernel(name, **keys):
    keys = {"name": name, "rule": "threshold", "inputs": 5, "outputs": 3, "input": "u8", "parameter": "u8",
            "storage": "memory", "bias": "s12", "interface": "axi-stream"} | keys  # fmt: skip
    arrays = None
    if keys["storage"] == "constant":
        loadable = Kernel(**(keys | {"storage": "memory"}))
        arrays = loadable.random_parameters(np.random.default_rng(0))
    return Kernel(**keys, arrays=arrays)


KERNELS = {
    made.name: made
    for made in (
        kernel("loaded", beat=2, gain=True, output="u8", shift=4),
        kernel("wide", rule="mac", architecture="serial", inputs=3, input="s16", parameter="s16",
               bias="s36", beat=1),
        kernel("fixed", storage="constant", output="s6", shift=2),
    )
}  # fmt: skip


def run(command, cwd, **environment):
    """Exit status and output of a command."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=for_child(environment),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout
