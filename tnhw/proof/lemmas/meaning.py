"""Check that the fields of packed parameter words mean the values that they were packed from."""

import numpy as np

from .. import weights

__all__ = ["check_words"]


def check_words(reference, arrays, words):
    """Compare the fields of packed words with the values that they were packed from.

    Parameters
    ----------
    reference : Reference
    arrays : dict of int arrays [count, 1]
    words : int array [count]

    Returns
    -------
    int or None
        Index of the first word that does not mean its values, or None if all do.
    """
    fields = reference.integers(words)
    values = {name: array[:, 0] for name, array in arrays.items()}
    there = values["sign"] != 0 if "sign" in values else np.ones(len(words), bool)
    wrong = np.zeros(len(words), bool)
    for name in ("theta", "weight", "exponent", "gain"):
        if name in values:
            held = (
                weights.integer(fields) if name == "weight" and name not in fields else fields[name]
            )
            wrong |= there & (held != values[name])
    if "sign" in values:
        wrong |= there & (fields.get("sign", 0) != (values["sign"] < 0))
        absent = np.zeros(len(words), bool)
        if "present" in fields:
            wrong |= there & (fields["present"] != 1)
            absent |= fields["present"] == 0
        if reference.rule == "threshold":  # no input exceeds such a threshold, so there is no term
            absent |= fields["theta"] >= reference.x.high
        wrong |= ~there & ~absent
    return int(np.flatnonzero(wrong)[0]) if wrong.any() else None
