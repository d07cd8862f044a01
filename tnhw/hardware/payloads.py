"""Conversion of integers to payloads of streams and back, as the manifest describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..synapse import Format

__all__ = ["axi_beats", "join", "split"]


def join(values: Sequence[int], number: Format) -> int:
    """One non-negative integer with the bit patterns of all `values`, the first in the low bits."""
    mask = (1 << number.bits) - 1
    packed = 0
    for value in reversed(values):
        packed = packed << number.bits | (value & mask)
    return packed


def split(payload: int, number: Format, count: int) -> list[int]:
    """`count` integers in the format `number` from a payload; the inverse of :func:`join`."""
    return [number.decode(payload >> (k * number.bits)) for k in range(count)]


def axi_beats(vectors: Any, number: Format, beat: int) -> list[tuple[int, int]]:
    """AXI4-Stream beats of vectors [n, elements]: list of (tdata, tlast).

    A beat has `beat` elements. Each takes whole bytes, sign- or zero-extended as its format `number` says; the last
    beat of a vector is padded with zeros.
    """
    bits = 8 * -(-number.bits // 8)
    mask, beats = (1 << bits) - 1, []
    for vector in np.asarray(vectors).tolist():
        for start in range(0, len(vector), beat):
            data = 0
            for value in reversed(vector[start : start + beat]):
                data = data << bits | (value & mask)
            beats.append((data, int(start + beat >= len(vector))))
    return beats
