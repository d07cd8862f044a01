"""Bits as polynomials of other bits with integer coefficients: each function of bits has exactly one such form.

A polynomial is a dict of frozenset to int: for each product of bits, its coefficient. No bit occurs twice in a
product, since the square of a bit is the bit itself.
"""

from collections import defaultdict
from itertools import product

import numpy as np

from .compiled import compiled
from .exhaustive import over_bits
from .solver import Undecided

__all__ = ["MAX_READ", "ONE", "of_values", "times", "total"]

MAX_READ = 12  # most bits that a function may read to be evaluated for all of their values


ONE: dict[frozenset[str], int] = {frozenset(): 1}


def total(*terms, modulus=None):
    """Sum of factor times polynomial over `terms`, modulo `modulus` if given; without coefficients that are zero."""
    result = defaultdict(int)
    for factor, polynomial in terms:
        for atoms, weight in polynomial.items():
            result[atoms] += factor * weight
    if modulus:
        result = {atoms: weight % modulus for atoms, weight in result.items()}
    return {atoms: weight for atoms, weight in result.items() if weight}


def times(one, other):
    """Product of two polynomials."""
    result = defaultdict(int)
    for (left, a), (right, b) in product(one.items(), other.items()):
        result[left | right] += a * b
    return result


def of_values(bit):
    """The polynomial of a one-bit expression over the bits ``name [k]`` that it reads, found from all its values.

    Raises
    ------
    Undecided
        If it reads more than `MAX_READ` bits.
    """
    (expression,), names = over_bits([bit])
    if len(names) > MAX_READ:
        raise Undecided(
            f"a bit between adders reads {len(names)} others: too many to try all values"
        )
    numbers = np.arange(1 << len(names))
    (values,) = compiled([expression], names)(*((numbers >> k) & 1 for k in range(len(names))))
    factors = np.broadcast_to(values, numbers.shape).astype(np.int64).reshape((2,) * len(names))
    for axis in range(len(names)):  # f = f(0) + x (f(1) - f(0)); the first axis is the last name
        low, high = np.split(factors, 2, axis)
        factors = np.concatenate([low, high - low], axis)
    return {
        frozenset(names[len(names) - 1 - axis] for axis, there in enumerate(place) if there): int(
            factor
        )
        for place, factor in np.ndenumerate(factors)
        if factor
    }
