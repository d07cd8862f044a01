"""A small kernel for standard cells."""

from tnhw.kernel import Kernel


def kernel(**keys):
    keys = {"name": "k", "rule": "threshold", "architecture": "tile", "arithmetic": "heap", "inputs": 3,
            "outputs": 2, "input": "u3", "parameter": "u3", "storage": "memory"} | keys  # fmt: skip
    return Kernel(**keys)
