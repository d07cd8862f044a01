"""Conversion of a kernel's vectors, parameters and results to payloads of its streams, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..hardware.interface import Arrays
from ..hardware.payloads import join, split
from .remainder import Remainder

__all__ = ["input_beats", "load_beats", "output_payloads", "output_vectors"]


def input_beats(kernel: Remainder, x: Any, p: Arrays | None) -> list[int]:
    """Payloads of stream `i` for vectors x [n, inputs], in order.

    `p` is needed for storage `ports`, and may have a set of parameters for each vector.
    """
    x = np.asarray(x)
    if kernel.storage == "ports":
        return _input_beats_with_parameters(kernel, x, p)
    if kernel.architecture == "serial":
        mask = (1 << kernel.input.bits) - 1
        return [value & mask for value in x.reshape(-1).tolist()]
    return [join(vector, kernel.input) for vector in x.tolist()]


def _input_beats_with_parameters(kernel, x, p):
    words = np.broadcast_to(kernel.synapse.pack(p), (len(x), kernel.outputs, kernel.inputs))
    biases = np.zeros((len(x), kernel.outputs), np.int64)
    number = kernel.port_bias
    if number is not None:
        given = kernel.folded_bias(p) if kernel.folded else p.get("bias", 0)
        biases = np.broadcast_to(given, biases.shape)
    word_bits, beats = kernel.synapse.word_bits, []
    for vector, own_words, own_biases in zip(
        x.tolist(), words.tolist(), biases.tolist(), strict=True
    ):
        bias = join(own_biases, number) if number is not None else 0
        if kernel.architecture == "serial":
            parts = [([value], [row[i] for row in own_words]) for i, value in enumerate(vector)]
        else:
            parts = [(vector, [word for row in own_words for word in row])]
        for elements, row in parts:
            payload = bias
            for word in reversed(row):
                payload = payload << word_bits | word
            beats.append(
                payload << (len(elements) * kernel.input.bits) | join(elements, kernel.input)
            )
    return beats


def load_beats(kernel: Remainder, p: Arrays) -> list[int]:
    """Payloads of stream `p` for one load: for each output its words, then its bias with all remainders.

    For a tile they are all in one beat, the first in the low bits.
    """
    words, biases = kernel.synapse.pack(p).tolist(), kernel.folded_bias(p).tolist()
    if kernel.architecture == "tile":
        beat, at = 0, 0
        for row, bias in zip(words, biases, strict=True):
            for word, bits in [(w, kernel.synapse.word_bits) for w in row] + [
                (bias, kernel.sum_format.bits)
            ]:
                beat |= word << at
                at += bits
        return [beat]
    return [beat for row, bias in zip(words, biases, strict=True) for beat in (*row, bias)]


def output_payloads(kernel: Remainder, y: Any) -> list[int]:
    """Payloads of stream `o` for results y [n, outputs]."""
    return [join(vector, kernel.output_format) for vector in np.asarray(y).tolist()]


def output_vectors(kernel: Remainder, payloads: Iterable[int]) -> np.ndarray:
    """Results, int64 [n, outputs], of payloads of stream `o`."""
    number, count = kernel.output_format, kernel.outputs
    vectors = [split(payload, number, count) for payload in payloads]
    return np.array(vectors, np.int64).reshape(-1, count)
