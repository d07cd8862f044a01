"""Function by lemmas: the sum of an output, followed back through the registers to its lanes.

Each adder node is proven to be an affine function of the registers before it. These equations are substituted into
each other in exact integers, which leaves a weighted sum of lanes. For each synapse, its lanes are proven equal to
its term. `docs/proof.md` has the argument.
"""

from collections import defaultdict
from dataclasses import dataclass

import z3

from ..formulas.affine import affine_of, runs
from ..formulas.circuit import at_bits
from ..formulas.solver import Refuted, Undecided
from ..formulas.values import as_bits
from ..formulas.walk import support
from .adders import prove_adders
from .bit_sums import BitSums
from .function import Failure, parameters_of, prove_range

__all__ = ["prove_lemmas"]


def prove_lemmas(binding, solver):
    """Prove by lemmas that every element of the result equals the reference.

    Returns
    -------
    dict
        What the gates add to the terms, for biases that include remainders; `prove_host` checks that the bias lacks
        it. For each output a tuple of one constant, and under ``"fold"`` a dict of (output, input) to an expression
        of the parameter word. Empty for other biases.

    Raises
    ------
    Failure
        If a lemma is false.
    Undecided
        If a sum has another form, or the solver does not decide a lemma.
    """
    reference = binding.reference
    owed = {}
    try:
        prove_adders(binding.text, binding.outside, solver)
    except Refuted as refuted:
        raise Failure(f"not true: {refuted.what}", 0, refuted.values) from None
    for output in range(reference.outputs):
        sums = _Sums(binding, solver, output)
        solver.stage = f"output {output + 1} of {reference.outputs}"
        solver.now = "which lanes and weights its sum has"
        try:
            sums.prove(owed)
        except Refuted as refuted:
            raise Failure(f"output {output}: {refuted.what}", output, refuted.values) from None
    solver.stage = "all outputs"
    prove_range(binding, solver)
    return owed


@dataclass(frozen=True)
class _Node:
    """A register at one time."""

    name: str
    time: int


class _Sums:
    """The sum of one output, followed back to its lanes."""

    def __init__(self, binding, solver, output):
        self.binding, self.solver, self.output = binding, solver, output
        self.run = binding.run
        self.reference = binding.reference
        self.bits = self.reference.sum.bits

    def prove(self, owed):
        constant, groups = self._parts(*self._sum())
        modulus = 1 << self.bits
        for input in range(self.reference.inputs):
            constant += self._prove_lane(input, groups.pop(input, []), owed)
        constant += self._prove_bias(groups.pop("bias", []))
        assert not groups
        expected = self.reference.half
        if self.reference.storage == "constant":
            expected += self.reference.constant_bias(self.output)
        if self._start_is_folded:
            owed[self.output] = (*owed.get(self.output, ()), constant % modulus)
        elif (constant - expected) % modulus:
            raise Failure(
                f"output {self.output}: the sum is wrong by the constant "
                f"{(constant - expected) % modulus} modulo {modulus}",
                self.output,
            )

    def _parts(self, expression, time):
        """Split the sum into a constant, and weighted parts of each synapse and of the bias; see `BitSums.parts`."""
        if self.binding.heap:
            return BitSums(self.binding, self.output, self._owners).parts(expression, time)
        constant, leaves = self._compose(expression, time)
        return constant, self._groups(leaves)

    def _owners(self, value):
        """What an unrolled expression depends on: a set of indices of inputs, ``"bias"``, or None for the rest."""
        return {
            self.binding.owner(name, bit, self.output)
            for name, (_, bits) in support(value).items()
            for bit in bits
        }

    @property
    def _start_is_folded(self):
        return self.reference.storage == "memory" or self.reference.folded

    def _sum(self):
        """The sum from which this output is made: (expression, time). Rounding and clamp are proven here."""
        binding, time = self.binding, self.binding.end
        element = self.run.at(binding.element(self.output), time)
        payload = binding.output("payload")
        if payload.size() != self.reference.outputs * self.reference.output.bits:
            raise Failure(f"the result has {payload.size()} bits", self.output)
        if not self.reference.clamps:
            if element.size() != self.bits:
                raise Failure(
                    f"output {self.output}: the result has {element.size()} bits and the sum {self.bits}",
                    self.output,
                )
            return element, time
        if not support(element):
            raise Undecided(
                f"output {self.output} is a constant, so there is no register that a lemma could be about; "
                "`--method whole` proves it"
            )
        z = as_bits(binding.circuit.wire(f"requantise_{self.output}.z"))
        if z.size() != self.bits:
            raise Failure(
                f"output {self.output}: the sum has {z.size()} bits instead of {self.bits}",
                self.output,
            )
        name, used = next(iter(support(element).items()))
        if len(support(element)) != 1 or name not in binding.circuit.next:
            raise Undecided(f"output {self.output} is not a register: its clamp cannot be found")
        at_once = z3.substitute(element, (used[0], self.run.definition(name, time)))
        z = self.run.at(z, time - 1)
        claim = at_once == self.reference.clamp(z)
        self.solver.prove(claim, "rounding and clamp equal their definition", "requantise")
        return z, time - 1

    def _form(self, expression, what):
        key = (expression.get_id(), self.solver.name)
        cache = self.binding.__dict__.setdefault("_forms", {})
        if key not in cache:
            cache[key] = (affine_of(expression, self.solver, what), expression)
        return cache[key][0]

    def _compose(self, expression, time):
        """The sum as a constant and weighted bits of lanes, (_Node, bit) to int, all modulo 2**bits."""
        form = self._form(expression, f"sum of output {self.output}")
        if form is None:
            raise Undecided(f"output {self.output}: its sum is not a sum of registers")
        constant, leaves = form.constant, defaultdict(int)
        modulus = 1 << self.bits
        levels = defaultdict(lambda: defaultdict(int))
        for (name, bit), weight in form.weights.items():
            levels[time][name, bit] += weight
        for now in range(time, -1, -1):
            for name, low, count, weight, signed in runs(levels.pop(now, {}), modulus):
                inner = self._inner(_Node(name, now), low, count, weight, signed)
                if inner is None:
                    for k in range(count):
                        sign = -1 if signed and k == count - 1 else 1
                        leaves[_Node(name, now), low + k] += sign * weight << k
                    continue
                constant += weight * inner.constant
                for key, own in inner.weights.items():
                    levels[now - 1][key] += weight * own
        return constant % modulus, {k: w % modulus for k, w in leaves.items() if w % modulus}

    def _inner(self, node, low, count, weight, signed):
        """The affine form that may replace these bits of a register in the sum, or None."""
        circuit = self.binding.circuit
        if node.time == 0 or node.name not in circuit.next or low or signed:
            return None
        register = circuit.registers[node.name]
        if z3.is_array(register):
            return None
        definition = self.run.definition(node.name, node.time)
        form = self._form(definition, f"adder node {node.name}")
        if form is None:
            return None
        # A residue modulo 2**count is enough if higher bits have weights beyond the width of the sum.
        zeros = (weight & -weight).bit_length() - 1
        if zeros + count >= self.bits:
            return form
        if count == register.size() and self._exact(form, node):
            return form
        return None

    def _exact(self, form, node):
        """Whether the value of a form is always in 0 .. 2**width - 1, so that nothing wraps."""
        for tight in (False, True):  # first the bounds of lanes by their widths, then proven bounds
            low, high = self._span(form, node.time - 1, tight)
            if low >= 0 and high < 1 << form.width:
                return True
        return False

    def _span(self, form, time, tight):
        low = high = form.constant
        for name, first, count, weight, signed in runs(form.weights):
            bottom, top = self._range(_Node(name, time), first, count, tight)
            if signed:
                bottom, top = -(1 << (count - 1)), (1 << (count - 1)) - 1
            low += min(weight * bottom, weight * top)
            high += max(weight * bottom, weight * top)
        return low, high

    def _range(self, node, first, count, tight):
        """Bounds of the low bits of a register as an unsigned number."""
        free = (0, (1 << count) - 1)
        circuit = self.binding.circuit
        if node.time == 0 or first or node.name not in circuit.next:
            return free
        if circuit.registers[node.name].size() != count:
            return free
        cache = self.binding.__dict__.setdefault("_ranges", {})
        definition = self.run.definition(node.name, node.time)
        key = definition.get_id(), node.time, tight
        if key not in cache:
            form = self._form(definition, f"adder node {node.name}")
            if form is None:
                cache[key] = (0, self._highest(definition)) if tight else free, definition
            else:
                low, high = self._span(form, node.time - 1, tight)
                exact = low >= 0 and high < 1 << form.width
                cache[key] = ((low, high) if exact else free), definition
        return cache[key][0]

    def _highest(self, definition):
        """The largest value of a lane, found and proven by the solver."""
        low, high = 0, (1 << definition.size()) - 1
        what = "largest value of a lane"
        while low < high:
            middle = (low + high) // 2
            try:
                self.solver.prove(z3.ULE(definition, middle), what, "ranges")
                high = middle
            except Refuted as refuted:
                pairs = [
                    (v, z3.BitVecVal(refuted.values.get(n, 0), v.size()))
                    for n, (v, _) in support(definition).items()
                ]
                low = max(middle + 1, z3.simplify(z3.substitute(definition, *pairs)).as_long())
        return high

    def _groups(self, leaves):
        """Lanes by the input, or ``"bias"``, that they belong to; each a list as `BitSums.parts` returns it."""
        groups = defaultdict(list)
        by_node = defaultdict(dict)
        for (node, bit), weight in leaves.items():
            by_node[node][node.name, bit] = weight
        modulus = 1 << self.bits
        for node, weights in by_node.items():
            for _, low, count, weight, signed in runs(weights, modulus):
                value = self._unrolled(node)
                value = z3.simplify(z3.Extract(low + count - 1, low, value))
                owners = self._owners(value)
                if len(owners) == 1 and None not in owners:
                    groups[owners.pop()].append((value, count, weight, signed))
                    continue
                for k in range(count):  # bits of one register may belong to several synapses
                    bit = z3.simplify(z3.Extract(k, k, value))
                    owners = self._owners(bit)
                    if len(owners) != 1 or None in owners:
                        raise Failure(
                            f"output {self.output}: `{node.name}` depends on more than one synapse "
                            "or on other vectors",
                            self.output,
                        )
                    sign = -1 if signed and k == count - 1 else 1
                    groups[owners.pop()].append((bit, 1, sign * weight << k, False))
        return groups

    def _unrolled(self, node):
        if node.name in self.binding.circuit.registers:
            return self.run.register(node.name, node.time)
        if node.name in self.binding.circuit.inputs:
            variable = self.binding.circuit.inputs[node.name]
            return z3.Const(f"{node.name}@{node.time}", variable.sort())
        raise Undecided(f"`{node.name}` is neither a register nor an input")

    def _weighted(self, members, width):
        total = z3.BitVecVal(0, width)
        for value, count, weight, signed in members:
            if count > width:
                value = z3.Extract(width - 1, 0, value)
            elif count < width:
                value = (z3.SignExt if signed else z3.ZeroExt)(width - count, value)
            total = total + weight * value
        return total

    def _prove_lane(self, input, members, owed):
        """Prove that the lanes of one synapse add up to its term; returns the constant by which they exceed it."""
        reference, bits = self.reference, self.bits
        values = parameters_of(self.binding, self.output, input)
        x = self.binding.x(input)
        term = z3.Extract(bits - 1, 0, reference.contribution(input, x, values))
        excess = z3.simplify(self._weighted(members, bits) - term)
        given = [reference.legal(values)]
        what = f"lanes of synapse {input} equal its term"
        if self._start_is_folded:
            # The excess may depend on the parameter, but not on x.
            zero = z3.BitVecVal(0, reference.x.bits)
            base = at_bits(excess, x, zero)
            if any(
                bits & support(base).get(name, (None, set()))[1]
                for name, (_, bits) in support(x).items()
            ):
                raise Undecided(f"synapse {input}: x could not be taken out of its lanes")
            claim = self._weighted(members, bits) == term + base
            self.solver.prove(claim, what, "lanes", given=given)
            owed.setdefault("fold", {})[self.output, input] = base
            return 0
        base = z3.simplify(
            z3.substitute(
                excess,
                *((v, z3.BitVecVal(0, v.size())) for v, _ in support(excess).values()),
            )
        ).as_long()
        claim = self._weighted(members, bits) == term + base
        # Shifts by a variable are hard for solvers, so each amount is a case of its own.
        amount = values.get("exponent")
        cases = [()]
        if amount is not None and not z3.is_bv_value(amount):
            cases = [(amount == k,) for k in range(1 << amount.size())]
        for case in cases:
            self.solver.prove(claim, what, "lanes", given=[*given, *case])
        return base

    def _prove_bias(self, members):
        bias = self.binding.bias(self.output)
        total = self._weighted(members, self.bits)
        if bias is None:
            expected = z3.BitVecVal(0, self.bits)
        elif self._start_is_folded:
            expected = bias
        else:
            number = self.reference.bias
            wide = number.widen(bias, max(self.bits, number.bits) + 1)
            expected = z3.Extract(self.bits - 1, 0, wide)
        pairs = [(v, z3.BitVecVal(0, v.size())) for v, _ in support(total - expected).values()]
        base = z3.simplify(z3.substitute(total - expected, *pairs)).as_long()
        self.solver.prove(total == expected + base, "bias", "bias")
        return base
