"""What a kernel must compute by its definition, as formulas and in integers; deliberately simple.

It shares no code with `tnhw.synapse.rules` or `tnhw.gates`. All that it knows of a kernel is in the manifest (formats,
fields of a parameter word) and in the parameter arrays.
"""

from dataclasses import dataclass
from itertools import product

import z3

from ..errors import InputError
from . import weights
from .formulas.values import as_bits

__all__ = ["Number", "Reference", "integer_term"]

RULES = ("threshold", "ternary", "shift", "addernet", "mac", "binary")


@dataclass(frozen=True)
class Number:
    """An integer format written ``u4`` or ``s8``."""

    text: str

    @property
    def signed(self):
        return self.text[0] == "s"

    @property
    def bits(self):
        return int(self.text[1:])

    @property
    def low(self):
        return -(2 ** (self.bits - 1)) if self.signed else 0

    @property
    def high(self):
        return 2 ** (self.bits - 1) - 1 if self.signed else 2**self.bits - 1

    def widen(self, pattern, width):
        """A bit pattern of this format as a signed number of `width` bits."""
        more = width - self.bits
        return (z3.SignExt if self.signed else z3.ZeroExt)(more, pattern)


class Reference:
    """The definition of one kernel.

    Parameters
    ----------
    manifest : dict
        As `tnhw.verilog.manifest` returns it.
    arrays : dict of arrays or None
        Parameters of a kernel of storage `constant`.

    Raises
    ------
    InputError
        If there is no definition of the kernel's rule here.
    """

    def __init__(self, manifest, arrays):
        kernel, formats = manifest["kernel"], manifest["formats"]
        if kernel["rule"] not in RULES:
            raise InputError(
                f"the rule `{kernel['rule']}` has no reference that shares nothing with it, so nothing can be "
                "proven; write one in tnhw/proof/reference.py"
            )
        self.rule, self.storage = kernel["rule"], kernel["storage"]
        self.inputs, self.outputs = kernel["inputs"], kernel["outputs"]
        self.adding = kernel["inputs"] if kernel["excitatory"] is None else kernel["excitatory"]
        self.serial = kernel["architecture"] == "serial"
        self.tile = kernel["architecture"] == "tile"
        self.folded = (kernel["bias"] or "").startswith("folded")
        self.shift = kernel["shift"]
        self.x = Number(formats["input"])
        self.magnitude = Number(formats["parameter"]) if formats["parameter"] else None
        self.sum = Number(formats["sum"])
        self.output = Number(formats["output"])
        self.clamps = kernel["output"] is not None
        self.bias = Number(formats["bias"]) if formats["bias"] else None
        self.fields = {name: Number(text) for name, text in manifest["word"].items()}
        self.word_bits = sum(field.bits for field in self.fields.values())
        self.half = 2 ** (self.shift - 1) if self.clamps and self.shift > 0 else 0
        self._arrays = arrays
        # A rule without a parameter format has parameters of one bit.
        self.parameter_bits = self.magnitude.bits if self.magnitude else 1
        # Wide enough that no intermediate value of a term wraps.
        magnitude = self.magnitude.bits if self.magnitude else 0
        exponent = 2**magnitude if self.rule == "shift" else magnitude
        self.width = max(self.sum.bits, self.x.bits + exponent + 4)

    # Parameters

    def of_word(self, word):
        """Fields of a packed parameter word, least significant first: dict of z3 expressions."""
        values, low = {}, 0
        for name, field in self.fields.items():
            value = z3.Extract(low + field.bits - 1, low, as_bits(word))
            complement = name.startswith("not_")
            values[name.removeprefix("not_")] = ~value if complement else value
            low += field.bits
        return values

    def integers(self, words):
        """Fields of a packed word, or of an array of words, as integers: dict of int or int arrays."""
        values, low = {}, 0
        for name, field in self.fields.items():
            raw = (words >> low) & ((1 << field.bits) - 1)
            value = raw - (field.signed * (raw >> (field.bits - 1)) << field.bits)
            if name.startswith("not_"):
                name, value = name.removeprefix("not_"), field.low + field.high - value
            values[name] = value
            low += field.bits
        return values

    def of_arrays(self, output, input):
        """Parameter of one synapse of storage `constant`, as fields of a word: dict of z3 constants.

        An absent synapse, whose sign is 0, has the field `present` = 0.
        """
        own = {name: int(array[output][input]) for name, array in self._arrays.items()
               if name != "bias"}  # fmt: skip
        values = {"present": z3.BitVecVal(int(own.get("sign", 1) != 0), 1)}
        if "sign" in own:
            values["sign"] = z3.BitVecVal(int(own["sign"] < 0), 1)
        for name in ("theta", "weight", "exponent"):
            if name in own:
                values[name] = z3.BitVecVal(own[name], self.parameter_bits)
        if "gain" in own:
            values["gain"] = z3.BitVecVal(own["gain"], 2)
        return values

    def constant_bias(self, output):
        """Bias of one output of storage `constant`."""
        return int(self._arrays["bias"][output])

    def legal(self, values):
        """The condition that the contract allows a word: a gain is 0, 1 or 2, and digits are those of a weight of the format."""
        if weights.holds_digits(values):
            return weights.is_legal(values, self.magnitude.low, self.magnitude.high)
        return values["gain"] != 3 if "gain" in values else z3.BoolVal(True)

    # The definition

    def contribution(self, input, x, values):
        """What one input adds to a sum: its term, or the negated term for an inhibitory input."""
        term = self.term(x, values)
        return term if input < self.adding else -term

    def term(self, x, values):
        """t(x, p), a signed number of `width` bits.

        Parameters
        ----------
        x : z3 bit vector
            Pattern of the input format.
        values : dict of z3 bit vectors
            Patterns of the fields.
        """
        n = self.width
        x_pattern, x = x, self.x.widen(x, n)
        if self.rule == "threshold":
            theta = self.magnitude.widen(values["theta"], n)
            above = z3.If(x > theta, x - theta, z3.BitVecVal(0, n))
            if "gain" in values:
                above = above << z3.ZeroExt(n - 2, values["gain"])
            return self._signed(above, values)
        if self.rule == "ternary":
            return self._signed(x, values)
        if self.rule == "shift":
            more = n - self.magnitude.bits
            return self._signed(x << z3.ZeroExt(more, values["exponent"]), values)
        if self.rule == "binary":
            one = z3.BitVecVal(1, n)
            return z3.If(x_pattern == values["weight"], one, -one)
        if self.rule == "addernet":
            weight = self.magnitude.widen(values["weight"], n)
            return z3.If(x > weight, weight - x, x - weight)
        assert self.rule == "mac"
        bits = self.x.bits + self.magnitude.bits  # a product needs no more
        if "weight" not in values:
            weight = weights.pattern(values, bits + 1)
            return z3.SignExt(n - bits - 1, self.x.widen(x_pattern, bits + 1) * weight)
        short = self.x.widen(x_pattern, bits) * self.magnitude.widen(values["weight"], bits)
        return (z3.SignExt if self.x.signed or self.magnitude.signed else z3.ZeroExt)(
            n - bits, short
        )

    def _signed(self, value, values):
        if "sign" in values:
            value = z3.If(values["sign"] == 1, -value, value)
        if "present" not in values:
            return value
        return z3.If(values["present"] == 1, value, z3.BitVecVal(0, self.width))

    def integer_term(self, x, values):
        """t(x, p) in Python integers: x is a value, `values` has bit patterns of the fields as integers."""
        p = {"sign": -1 if values.get("sign") else 1, "gain": values.get("gain", 0)}
        if self.rule == "binary":
            p["weight"] = values["weight"]
        elif not values.get("present", 1):
            return 0
        for name in ("theta", "weight", "exponent"):
            if name in values and self.magnitude:
                raw, field = values[name], self.magnitude
                p[name] = raw - 2**field.bits if raw > field.high else raw
        if self.rule == "mac" and "weight" not in values:
            p["weight"] = weights.integer(values)
        return integer_term(self.rule, x, p)

    def bounds(self, values=None):
        """Lowest and highest term, from the corners of x and p; `prove_range` proves them.

        `values` is one parameter as `of_arrays` returns it; without it the bounds are those of all words.
        """
        ends = [self.x.low, self.x.high] + [0] * (self.x.low < 0)
        if values is not None:
            fixed = {name: value.as_long() for name, value in values.items()}
            own = [fixed[n] for n in ("theta", "weight") if n in fixed and self.magnitude]
            own = [v - 2**self.magnitude.bits if v > self.magnitude.high else v for v in own]
            ends += [v for v in own if self.x.low <= v <= self.x.high]
            terms = [self.integer_term(x, fixed) for x in ends]
            return min(terms), max(terms)
        if weights.holds_digits(self.fields):
            terms = [x * w for x in ends for w in (self.magnitude.low, self.magnitude.high, 0)]
            return min(terms), max(terms)
        choices = []
        for name, field in self.fields.items():
            if name == "gain":
                choices.append((0, 2))
            else:
                top = 2**field.bits
                choices.append(sorted({field.low % top, field.high % top, 0}))
        names = [
            name.removeprefix("not_") for name in self.fields
        ]  # a complement has the same ends
        terms = [
            self.integer_term(x, dict(zip(names, values, strict=True)))
            for x, *values in product(ends, *choices)
        ]
        if (
            self.rule == "addernet"
            and self.x.low <= self.magnitude.high
            and (self.magnitude.low <= self.x.high)
        ):
            terms.append(0)
        return min(terms), max(terms)

    def clamp(self, rounded):
        """Output y of a sum z, shifted and clamped: a pattern of the format `output`.

        `rounded` is z with the rounding constant already added, a pattern of the format `sum`.
        """
        n = self.sum.bits + abs(self.shift) + self.output.bits + 2
        value = self.sum.widen(rounded, n)
        value = value >> self.shift if self.shift >= 0 else value << -self.shift
        low, high = z3.BitVecVal(self.output.low, n), z3.BitVecVal(self.output.high, n)
        value = z3.If(value < low, low, z3.If(value > high, high, value))
        return z3.Extract(self.output.bits - 1, 0, value)

    # Integers, for counter-examples

    def result(self, x, words, biases):
        """Outputs y of one vector in Python integers: list of int.

        Parameters
        ----------
        x : list of int
            Values of the inputs.
        words : [outputs][inputs] of dict of int
            Bit patterns of the fields of each parameter.
        biases : list of int
            Values of the biases.
        """
        results = []
        for row, bias in zip(words, biases, strict=True):
            terms = [self.integer_term(a, p) for a, p in zip(x, row, strict=True)]
            z = bias + sum(terms[: self.adding]) - sum(terms[self.adding :])
            if self.clamps:
                r = (z + self.half) // 2**self.shift if self.shift >= 0 else z * 2**-self.shift
                z = min(max(r, self.output.low), self.output.high)
            results.append(z)
        return results


def integer_term(rule, x, p):
    """t(x, p) in integers: x is a value, or an array of values; `p` has the arrays' entries for one synapse by name."""
    if rule == "threshold":
        return p["sign"] * (x - p["theta"]) * (x > p["theta"]) * 2 ** p.get("gain", 0)
    if rule == "ternary":
        return p["sign"] * x
    if rule == "shift":
        return p["sign"] * x * 2 ** p["exponent"]
    if rule == "binary":
        return 2 * (x == p["weight"]) - 1
    if rule == "addernet":
        return -abs(x - p["weight"])
    assert rule == "mac"
    return x * p["weight"]
