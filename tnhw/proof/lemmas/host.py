"""Loaded parameters: the words and the biases that tnhw sends mean what the definition says.

The lanes of a synapse may exceed its term by an amount that depends on the parameter alone. The bias that
`Kernel.pack_parameters` loads (or that is sent as a `folded` bias) must be smaller by exactly that amount. Both are
evaluated for every value that a parameter may have, without a solver.
"""

import numpy as np
import z3

from ...kernel.remainder import folded
from ..formulas.circuit import at_bits
from ..formulas.compiled import compiled
from ..formulas.solver import Undecided
from .function import Failure
from .meaning import check_words
from .sent import check_sets

__all__ = ["prove_host"]

MAX_WORDS = 1 << 21


def prove_host(kernel, binding, owed):
    """Check the word and the remainder of every parameter value, and that parameter sets arrive in their places.

    Parameters
    ----------
    kernel : Kernel
    binding : Binding
    owed : dict
        What the lanes exceed the terms by, as `tnhw.proof.lemmas.sums.prove_lemmas` returns it.

    Returns
    -------
    int, int
        Numbers of parameter values and of parameter sets that were checked.

    Raises
    ------
    Failure
        If a word or a bias is wrong.
    Undecided
        If a parameter has too many values to try all.
    """
    reference = binding.reference
    arrays = _all_values(kernel)
    words = np.array(kernel.synapse.pack(arrays)[:, 0].tolist(), dtype=np.int64)
    wrong = check_words(reference, arrays, words)
    if wrong is not None:
        shown = {name: int(array[wrong, 0]) for name, array in arrays.items()}
        raise Failure(f"the packed word of {shown} does not mean it", 0)
    modulus = 1 << reference.sum.bits
    bare = dict(arrays)
    bare["bias"] = np.zeros(len(words), np.int64)
    sent = {sign: folded(kernel.synapse, bare, 0, sign) for sign in set(kernel.polarity)}
    word = z3.BitVec("word", reference.word_bits)
    known, keys = {}, {}
    for output in range(reference.outputs):
        total = owed[output][0]
        for input in range(reference.inputs):
            base = owed["fold"][output, input]
            base = at_bits(base, binding.word(output, input), word)
            key = keys[output, input] = base.get_id(), kernel.polarity[input]
            if key not in known:
                values = _evaluated(base, words)
                both = (np.asarray(values) + sent[kernel.polarity[input]]) % modulus
                if np.any(both != both.flat[0]):
                    first = int(np.flatnonzero(both != both.flat[0])[0])
                    shown = {name: int(array[first, 0]) for name, array in arrays.items()}
                    raise Failure(
                        f"output {output}: the folded bias that tnhw sends does not fit the gates of "
                        f"synapse {input} with {shown}",
                        output,
                    )
                known[key] = int(both.flat[0]), base, values
            total += known[key][0]
        if total % modulus:
            raise Failure(
                f"output {output}: the folded bias that tnhw sends is wrong by {total % modulus} modulo "
                f"{modulus}",
                output,
            )

    order = np.argsort(words)

    def gates(output, row):
        """What the gates add to the terms of an output, for a row of parameter words."""
        numbers = order[np.searchsorted(words, row, sorter=order)]
        return owed[output][0] + sum(
            int(known[keys[output, input]][2][number]) for input, number in enumerate(numbers)
        )

    return len(words), check_sets(kernel, binding, gates)


def _all_values(kernel):
    ranges = kernel.synapse.ranges
    count = 1
    for low, high in ranges.values():
        count *= high - low + 1
    if count > MAX_WORDS or kernel.sum_format.bits > 60:
        raise Undecided(f"{count} parameter values are too many to check the folded bias of each")
    axes = [np.arange(low, high + 1, dtype=np.int64) for low, high in ranges.values()]
    grids = np.meshgrid(*axes, indexing="ij")
    return {name: grid.reshape(-1, 1) for name, grid in zip(ranges, grids, strict=True)}


def _evaluated(base, words):
    if z3.is_bv_value(base):
        return np.full(len(words), base.as_long(), np.int64)
    values = compiled([base], ["word"])(words)[0]
    return np.broadcast_to(np.asarray(values, dtype=np.int64), words.shape)
