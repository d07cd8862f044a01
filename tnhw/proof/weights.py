"""What the fields of a word say of a weight, where they do not hold the weight itself.

A word may hold a ``sign`` and a ``magnitude``, or one bit for each digit of value 4^k: whether the digit is 1 or -1 (``once``), 2 or -2
(``twice``), and negative (``negative``).
"""

import z3

__all__ = ["holds_digits", "integer", "is_legal", "pattern"]

MOST_DIGITS = 16


def holds_digits(names):
    """Whether these are the names of fields that hold digits."""
    return "once" in names


def integer(values):
    """The weight of fields as integers, or as int arrays; None if they hold no weight in parts."""
    if "magnitude" in values:
        return values["magnitude"] * (1 - 2 * values["sign"])
    if not holds_digits(values):
        return None
    total = 0
    for k in range(MOST_DIGITS):
        digit = (values["once"] >> k & 1) + 2 * (values.get("twice", 0) >> k & 1)
        total = total + digit * (1 - 2 * (values.get("negative", 0) >> k & 1)) * 4**k
    return total


def pattern(values, width):
    """The weight of fields as z3 bit vectors: a signed number of `width` bits, which must hold it."""
    if "magnitude" in values:
        magnitude = z3.ZeroExt(width - values["magnitude"].size(), values["magnitude"])
        return z3.If(values["sign"] == 1, -magnitude, magnitude)
    total, one = z3.BitVecVal(0, width), z3.BitVecVal(1, width)
    for k in range(values["once"].size()):
        digit = z3.If(
            _bit(values, "once", k), one, z3.If(_bit(values, "twice", k), 2 * one, 0 * one)
        )
        total = total + (z3.If(_bit(values, "negative", k), -digit, digit) << 2 * k)
    return total


def is_legal(values, low, high):
    """The condition that digits are those of a weight from `low` to `high`, none of them 1 and 2 at once."""
    width = 2 * values["once"].size() + 4
    both = [
        z3.And(_bit(values, "once", k), _bit(values, "twice", k)) for k in range(width // 2 - 2)
    ]
    weight = pattern(values, width)
    return z3.And(z3.Not(z3.Or(both)), weight >= low, weight <= high)


def _bit(values, name, k):
    """Whether bit k of a field is set; a field may lack its highest bits."""
    field = values.get(name)
    return z3.BoolVal(False) if field is None or k >= field.size() else z3.Extract(k, k, field) == 1
