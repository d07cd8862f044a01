"""What kernels must compute, in plain Python integers: shares no code with tnhw.

Everything here is written from the definitions, term by term, and is slow on purpose.
"""

from fractions import Fraction
from itertools import product
from math import floor


def bounds(text):
    """(lowest, highest) of a format written ``u4`` or ``s8``."""
    bits = int(text[1:])
    return (0, 2**bits - 1) if text[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def term(rule, x, p):
    """Term of one synapse; `p` is a dict of integers."""
    if rule == "threshold":
        return p["sign"] * (x - p["theta"]) * 2 ** p.get("gain", 0) if x > p["theta"] else 0
    if rule == "ternary":
        return p["sign"] * x
    if rule == "mac":
        return p["weight"] * x
    if rule == "addernet":
        return p["weight"] - x if x > p["weight"] else x - p["weight"]
    if rule == "binary":
        return (2 * x - 1) * (2 * p["weight"] - 1)
    assert rule == "shift"
    return p["sign"] * x * 2 ** p["exponent"]


def ranges(keys):
    """Allowed values of each parameter array of a kernel: name to (lowest, highest)."""
    magnitude = {"threshold": "theta", "mac": "weight", "addernet": "weight", "shift": "exponent"}
    allowed = {}
    if keys["rule"] in magnitude:
        low, high = bounds(keys["parameter"])
        if keys.get("form") == "sign_magnitude":
            low = -high
        allowed[magnitude[keys["rule"]]] = low, high
    if keys["rule"] == "binary":
        allowed["weight"] = (0, 1)
    if keys["rule"] in ("threshold", "ternary", "shift"):
        allowed["sign"] = (-1 if keys.get("excitatory") is None else 0, 1)
    if keys.get("gain"):
        allowed["gain"] = (0, 2)
    return allowed


def sums(rule, x, p, excitatory=None):
    """z of vectors x [n][inputs] with parameters p: name to [outputs][inputs], bias [outputs].

    Inputs from number `excitatory` on are inhibitory: their terms subtract.
    """
    names = [name for name in p if name != "bias"]
    z = []
    for vector in x:
        row = []
        for j in range(len(p[names[0]])):
            total = int(p["bias"][j]) if "bias" in p else 0
            for i, element in enumerate(vector):
                one = term(rule, int(element), {name: int(p[name][j][i]) for name in names})
                total += one if excitatory is None or i < excitatory else -one
            row.append(total)
        z.append(row)
    return z


def requantise(z, shift, output):
    """y of one z: exact division by 2**shift, halves up, and the nearest value that fits."""
    y = floor(Fraction(z) / Fraction(2) ** shift + Fraction(1, 2))
    low, high = bounds(output)
    return low if y < low else high if y > high else y


def results(keys, x, p):
    """y of vectors, [n][outputs]."""
    z = sums(keys["rule"], x, p, keys.get("excitatory"))
    if "output" not in keys:
        return z
    return [[requantise(one, keys.get("shift", 0), keys["output"]) for one in row] for row in z]


def candidates(low, high, *others):
    """All values of a short range; of a long one its ends and those of `others` that lie in it."""
    if high - low < 64:
        return range(low, high + 1)
    return sorted({low, high} | {value for value in others if low <= value <= high})


def best_x(keys, p, sign):
    """x whose term with the parameters `p` of one synapse is highest (sign 1) or lowest (-1)."""
    low, high = bounds(keys["input"])
    own = p.get("theta", p.get("weight", 0))
    return max(candidates(low, high, own, 0), key=lambda x: sign * term(keys["rule"], x, p))


def best_synapse(keys, sign):
    """(x, p) whose term is highest (sign 1) or lowest (-1) over everything that is allowed."""
    allowed = ranges(keys)
    choices = [
        sorted({low, high} | ({0} if low <= 0 <= high else set()))
        for low, high in (bounds(keys["input"]), *allowed.values())
    ]
    x, *values = max(
        product(*choices),
        key=lambda c: sign * term(keys["rule"], c[0], dict(zip(allowed, c[1:], strict=True))),
    )
    return x, dict(zip(allowed, values, strict=True))
