"""What the programs that pack parameters for a core need to know: words, fields, and what belongs to the bias."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from ...gates.summing.terms import lane_constant
from .traced import Traced, constant

__all__ = ["packing"]


def packing(kernel: Any) -> dict[str, Any] | None:
    """Values for the templates of the packers; None if a rule's arithmetic cannot be followed, or there are several rules.

    Parameters
    ----------
    kernel
        Hardware with storage ``memory``; of one rule, if it has the attribute `synapse`.
    """
    if not hasattr(kernel, "synapse"):
        return None
    synapse = kernel.synapse
    arrays: Any = {name: Traced(name, name) for name in synapse.ranges}
    try:
        encoded = {name: constant(value) for name, value in synapse.encode(arrays).items()}
        remainder = constant(synapse.remainder(arrays))
    except (TypeError, ValueError, AttributeError):  # a plug-in rule uses more of numpy
        return None
    fields, position = [], 0
    for name, format_ in synapse.fields.items():
        mask = (1 << format_.bits) - 1
        fields.append({"name": name, "format": str(format_), "value": encoded[name],
                       "mask": mask, "position": position, "high": position + format_.bits - 1})  # fmt: skip
        position += format_.bits
    if max(synapse.word_bits, kernel.sum_format.bits) > 63:
        return None
    number = kernel.bias_format
    polarity = np.broadcast_to(kernel.polarity, kernel.inputs).tolist()
    parts = ceil(kernel.width_p / 32)
    return {
        "arrays": [(name, low, high) for name, (low, high) in synapse.ranges.items()],
        "bias": str(number or "0, this core has none"),
        "bias_range": (number.min, number.max) if number else (0, 0),
        "fields": fields,
        "half": kernel.half,
        "inputs": kernel.inputs,
        "lane": lane_constant(synapse),
        "outputs": kernel.outputs,
        "padded": 32 * parts,
        "polarity": polarity[0] if len(set(polarity)) == 1 else polarity,
        "remainder": remainder,
        "shift": kernel.shift,
        "sum_bits": kernel.sum_format.bits,
        "word_bits": synapse.word_bits,
        "writes": kernel.beats_p * parts,
    }
