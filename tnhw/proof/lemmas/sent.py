"""Vectors and loads as tnhw sends them, and results as it reads them: each number is where the gates have it.

`host` checks how a number is packed, for all its values; this module checks where it goes. The parameter sets
distinguish any two places: places are numbered, and for each bit of that number there is a set in which the bit
chooses between two values.
"""

from collections import defaultdict

import numpy as np

from ...hardware.payloads import axi_beats
from ..formulas.compiled import compiled
from ..formulas.unroll import origin
from ..formulas.walk import support
from .function import Failure
from .loading import Load
from .meaning import check_words

__all__ = ["check_results", "check_sets", "check_vectors"]

RANDOM_SETS = 8
MOST_VALUES = 1 << 12  # if x has at most so many values, all are sent


def check_sets(kernel, binding, owed):
    """Check that parameters arrive in their places: loaded ones, initial ones, or those sent with a vector.

    Parameters
    ----------
    kernel : Kernel
    binding : Binding
    owed : callable or None
        Takes an output and the words of its synapses, and returns what the gates add to the terms; the bias must be
        smaller by that. None if the bias does not include remainders.

    Returns
    -------
    int
        Number of sets that were checked.

    Raises
    ------
    Failure
        If a parameter is not in its place.
    """
    count, load = 0, None
    if kernel.storage == "memory":
        load = Load(binding, kernel.beats_p)
        if kernel.initialised:
            count += 1
            _check_set(kernel, binding, kernel.arrays, load.initial(), owed)
    x = np.full((1, kernel.inputs), kernel.input.min)
    for p in _sets(kernel):
        if load:
            values = load.values(kernel.pack_parameters(p))
        else:
            values = _of_vector(binding, kernel.pack_input(x, p))
        _check_set(kernel, binding, p, values, owed)
        count += 1
    return count


def _check_set(kernel, binding, p, values, owed):
    reference = binding.reference
    shape = kernel.outputs, kernel.inputs
    words = np.array([[values[j, i] for i in range(shape[1])] for j in range(shape[0])], np.int64)
    own = {name: np.asarray(a).reshape(-1, 1) for name, a in p.items() if name != "bias"}
    at = check_words(reference, own, words.reshape(-1))
    if at is not None:
        raise Failure(
            f"the word of output {at // shape[1]}, input {at % shape[1]} is not sent to its place",
            0,
        )
    biases = np.broadcast_to(p.get("bias", 0), shape[:1]).tolist()
    for j, bias in enumerate(biases):
        if (j, "bias") not in values:
            continue
        wanted, bits = bias, reference.sum.bits
        if owed is None:
            bits = reference.bias.bits
        else:
            wanted += reference.half - owed(j, words[j])
        if (values[j, "bias"] - wanted) % (1 << bits):
            raise Failure(
                f"the bias of output {j} is not sent to its place, or is not what it must be", j
            )


def _sets(kernel):
    """Parameter sets that distinguish all places, then corners and random ones."""
    low, high = kernel.corner_parameters()[0], kernel.corner_parameters()[-1]
    place = np.arange(kernel.outputs * kernel.inputs).reshape(kernel.outputs, kernel.inputs)
    for bit in range(place.size.bit_length()):
        yield {
            name: np.where(
                (place[:, :1].ravel() if name == "bias" else place) >> bit & 1,
                high[name],
                low[name],
            )
            for name in low
        }
    for bit in range(kernel.outputs.bit_length()):  # biases have their own numbers
        chosen = (np.arange(kernel.outputs) >> bit & 1).astype(bool)
        yield {
            name: np.where(chosen if name == "bias" else chosen[:, None], high[name], low[name])
            for name in low
        }
    yield from kernel.corner_parameters()
    rng = np.random.default_rng(0)
    for _ in range(RANDOM_SETS):
        yield kernel.random_parameters(rng)


def check_vectors(kernel, binding):
    """Check that elements of a vector are sent where the gates read them; returns how many vectors were checked."""
    vectors = _vectors(kernel)
    p = kernel.random_parameters(np.random.default_rng(0)) if kernel.storage == "ports" else None
    beats = kernel.pack_input(vectors, p)
    each = kernel.beats_in
    taken = _Taken(binding, [binding.x(i) for i in range(kernel.inputs)])
    for number, vector in enumerate(vectors.tolist()):
        values = taken.of(beats[number * each : (number + 1) * each])
        _compare(binding.reference.x, values, vector, "element", "sent to its place")
    if kernel.interface == "axi-stream":
        beat = min(kernel.beat or kernel.inputs, kernel.inputs)
        sent = axi_beats(vectors, kernel.input, beat)
        _check_axi(binding.reference.x, sent, vectors, beat)
    return len(vectors)


def _vectors(kernel):
    """Vectors such that each element has all values, or many, and any two elements differ in at least one vector."""
    low, high = kernel.input.min, kernel.input.max
    count, place = min(high - low + 1, MOST_VALUES), np.arange(kernel.inputs)
    tags = [np.where(place >> bit & 1, high, low) for bit in range(kernel.inputs.bit_length())]
    if count == high - low + 1:
        return np.array([*tags, *(low + (place + k) % count for k in range(count))])
    return np.concatenate([np.array(tags), kernel.random_input(np.random.default_rng(0), count)])


def check_results(kernel, reference):
    """Check that results are read from where the gates put them; returns how many results were checked."""
    number = reference.output
    rng, place = np.random.default_rng(0), np.arange(kernel.outputs)
    y = rng.integers(number.low, number.high, (256, kernel.outputs), np.int64, endpoint=True)
    for bit in range(kernel.outputs.bit_length()):
        y[bit] = np.where(place >> bit & 1, number.high, number.low)
    mask = (1 << number.bits) - 1
    payloads = [
        sum((value & mask) << (j * number.bits) for j, value in enumerate(row))
        for row in y.tolist()
    ]
    if not np.array_equal(kernel.unpack_output(payloads), y):
        raise Failure("a result is not read from its place in the payload", 0)
    return len(y)


class _Taken:
    """The numbers that the gates read from the beats of a vector."""

    def __init__(self, binding, values):
        self._names = sorted({name for value in values for name in support(value)})
        self._run = compiled(values, self._names)
        self._places = defaultdict(list)  # of each input: (bit of the payload, its own bit)
        for place, (name, bit) in enumerate(binding.payload):
            self._places[name].append((place, bit))

    def of(self, beats):
        return self._run(*(self._value(beats, *origin(name)) for name in self._names))

    def _value(self, beats, name, time):
        return sum((beats[time] >> place & 1) << bit for place, bit in self._places[name])


def _of_vector(binding, beats):
    """Words and biases that are sent with a vector: dict of place to int."""
    reference = binding.reference
    places = {
        (j, i): binding.word(j, i)
        for j in range(reference.outputs)
        for i in range(reference.inputs)
    }
    biases = {(j, "bias"): binding.bias(j) for j in range(reference.outputs)}
    places |= {place: value for place, value in biases.items() if value is not None}
    return dict(zip(places, _Taken(binding, [*places.values()]).of(beats), strict=True))


def _compare(number, patterns, wanted, what, where):
    mask = (1 << number.bits) - 1
    for k, (pattern, value) in enumerate(zip(patterns, wanted, strict=True)):
        if pattern != value & mask:
            raise Failure(f"{what} {k} of a vector is not {where}", 0)


def _check_axi(number, sent, vectors, beat):
    """Check the beats of AXI4-Stream ports: each element takes whole bytes, the first one in the lowest."""
    step, each = 8 * -(-number.bits // 8), -(-vectors.shape[1] // beat)
    for k, vector in enumerate(vectors.tolist()):
        beats = sent[k * each : (k + 1) * each]
        if [last for _, last in beats] != [0] * (each - 1) + [1]:
            raise Failure("`tlast` is not on the last beat of a vector that is sent", 0)
        patterns = [beats[i // beat][0] >> (i % beat * step) for i in range(len(vector))]
        mask = (1 << number.bits) - 1
        _compare(number, [pattern & mask for pattern in patterns], vector, "element", "in its beat")
