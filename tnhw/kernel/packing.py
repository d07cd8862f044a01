"""Integers to stream payloads and back, as the manifest describes them."""

import numpy as np

__all__ = [
    "axi_beats",
    "input_beats",
    "join",
    "load_beats",
    "output_payloads",
    "output_vectors",
    "split",
]


def join(values, number):
    """One integer: bit patterns of `values` side by side, the first in the low bits."""
    mask = (1 << number.bits) - 1
    packed = 0
    for value in reversed(values):
        packed = packed << number.bits | (value & mask)
    return packed


def split(payload, number, count):
    """`count` integers of `number` from a payload; inverse of :func:`join`."""
    return [number.decode(payload >> (k * number.bits)) for k in range(count)]


def input_beats(kernel, x, p):
    """Payloads of stream `i` for vectors x [n, inputs], in order.

    `p` is needed for storage `ports` and may hold one set of parameters a vector.
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
        given = kernel.fold(p) if kernel.folded else p.get("bias", 0)
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


def load_beats(kernel, p):
    """Payloads of stream `p` for one load: for each output its words, then its folded bias.

    A tile takes all of it in one beat, the first in the low bits.
    """
    words, biases = kernel.synapse.pack(p).tolist(), kernel.fold(p).tolist()
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


def output_payloads(kernel, y):
    """Payloads of stream `o` for results y [n, outputs]."""
    return [join(vector, kernel.output_format) for vector in np.asarray(y).tolist()]


def output_vectors(kernel, payloads):
    """Results [n, outputs] of payloads of stream `o`."""
    number, count = kernel.output_format, kernel.outputs
    vectors = [split(payload, number, count) for payload in payloads]
    return np.array(vectors, np.int64).reshape(-1, count)


def axi_beats(vectors, number, beat):
    """AXI4-Stream beats of vectors [n, elements]: list of (tdata, tlast).

    An element of `number` takes whole bytes, sign- or zero-extended; the last beat of a vector is
    padded with zeros.
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
