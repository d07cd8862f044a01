"""A sum of single bits, followed back through adders and registers to bits that each belong to one synapse."""

from collections import defaultdict
from functools import cached_property

import z3

from ..formulas.circuit import at_bits
from ..formulas.solver import Undecided
from ..formulas.values import as_bits
from ..formulas.walk import support
from .adders import Adders

__all__ = ["BitSums"]


class BitSums:
    """The sum of one output of a kernel with arithmetic `heap`.

    Parameters
    ----------
    binding : Binding
    output : int
    owners : callable
        Gives the set of what an unrolled expression depends on: indices of inputs, ``"bias"``, or None for
        anything else.
    """

    def __init__(self, binding, output, owners):
        self._binding, self._run, self._output = binding, binding.run, output
        self._owners, self._moments = owners, {}
        self._groups = defaultdict(list)

    def parts(self, expression, time):
        """Split a sum at a time into a constant, and weighted parts of each synapse and of the bias.

        Returns
        -------
        int
            The constant.
        dict of (int or str) to list of (z3 expression, int, int, bool)
            For each input and for ``"bias"``: unrolled expressions with the number of their bits, weight, and
            whether they are signed.
        """
        constant = 0
        bits = [
            (z3.simplify(z3.Extract(k, k, expression)), 1 << k) for k in range(expression.size())
        ]
        self._modulus = 1 << expression.size()
        while bits:
            added, states = self._at_one_time(bits, time)
            constant += added
            bits = [(self._before(bit, time), weight) for bit, weight in states]
            time -= 1
        return constant, self._groups

    def _at_one_time(self, bits, time):
        """Split weighted bits into a constant and weighted bits of registers; record what belongs to a synapse."""
        always, where = [], defaultdict(list)
        now = self._moment(time)
        for bit, weight in bits:
            # A register with an enable counts as what it holds, and where it is enabled also as what it then
            # takes minus what it holds.
            if z3.is_app_of(bit, z3.Z3_OP_ITE) and now.owner(bit) is None:
                condition, taken, held = bit.children()
                where[condition] += [(taken, weight), (held, -weight)]
                bit = held
            always.append((bit, weight))
        constant, found = now.adders.apart(always, self._modulus, now.may_stay)
        states = []
        for bit, weight in found:
            if (owner := now.owner(bit)) is None:
                states.append((bit, weight))
            else:
                self._groups[owner].append((now.lift(bit), 1, weight, False))
        for condition, differences in where.items():
            self._clocked(as_bits(condition), differences, time)
        return constant, states

    def _clocked(self, condition, differences, time):
        """Record what registers with an enable add in a move in which they are enabled."""
        owner = self._moment(time).owner(condition)
        if owner is None:
            raise Undecided(f"output {self._output}: its accumulator is clocked by `{condition}`")
        set_ = self._run.whole(condition, time)
        now = self._moment(time, condition)
        differences = [(now.at(bit), weight) for bit, weight in differences]
        added, bits = now.adders.apart(differences, self._modulus, now.may_stay)
        self._groups[owner].append((set_, 1, added, False))
        for bit, weight in bits:
            if now.owner(bit) != owner:
                raise Undecided(f"output {self._output}: `{condition}` lets in `{bit}`")
            self._groups[owner].append((set_ & now.lift(bit), 1, weight, False))

    def _before(self, bit, time):
        """A bit of a register as an expression of the variables one move before."""
        ((name, (register, _)),) = support(bit).items()
        definition = self._run.definition(name, time)
        return self._moment(time - 1).at(z3.substitute(bit, (register, definition)))

    def _moment(self, time, condition=None):
        key = time, condition
        if key not in self._moments:
            self._moments[key] = _Moment(self._binding, self._owners, time, condition)
        return self._moments[key]


class _Moment:
    """The circuit at one time; with a condition, the circuit in the case that this bit is set."""

    def __init__(self, binding, owners, time, condition):
        self._binding, self._circuit, self._run = binding, binding.circuit, binding.run
        self._all_owners, self._time, self._condition = owners, time, condition
        self._owners, self._values = {}, {}

    @cached_property
    def adders(self):
        known = self._binding.__dict__.setdefault("_adders", {})
        key = self._time, self._condition
        if key not in known:  # they are the same for all outputs
            known[key] = Adders(self._circuit, self.at)
        return known[key]

    def may_stay(self, bit):
        """Whether a bit belongs to one synapse, or is a bit of a register that can be followed one move back."""
        inner = bit.arg(0) if z3.is_app_of(bit, z3.Z3_OP_EXTRACT) else bit
        name = z3.is_const(inner) and inner.decl().name()
        return self.owner(bit) is not None or (self._time > 0 and name in self._circuit.next)

    def owner(self, bit):
        """The input, or ``"bias"``, that alone a bit depends on; None if it depends on more or on anything else."""
        key = bit.get_id()
        if key not in self._owners:
            found = self._all_owners(self.lift(bit))
            self._owners[key] = next(iter(found)) if len(found) == 1 else None, bit
        return self._owners[key][0]

    def lift(self, expression):
        """An expression at this time, as one of inputs at all times and of registers at time 0."""
        pairs = [(v, self._value(name, v)) for name, (v, _) in support(expression).items()]
        return z3.simplify(z3.substitute(expression, *pairs)) if pairs else expression

    def _value(self, name, variable):
        if name not in self._values:
            self._values[name] = self._taken(name)
            if self._values[name] is None:
                self._values[name] = self._run.whole(variable, self._time)
        return self._values[name]

    def _taken(self, name):
        """What a register took one move before, if the condition implies that it was enabled; otherwise None."""
        if self._condition is None or name not in self._circuit.next:
            return None
        definition = self._run.definition(name, self._time)
        if not z3.is_app_of(definition, z3.Z3_OP_ITE):
            return None
        clocked, taken, held = definition.children()
        if taken.eq(self._circuit.registers[name]):
            clocked, taken, held = z3.Not(clocked), held, taken
        if not held.eq(self._circuit.registers[name]):
            return None
        ((source, (register, _)),) = support(self._condition).items()
        set_ = z3.substitute(self._condition, (register, self._run.definition(source, self._time)))
        solver = z3.SolverFor("QF_ABV")
        solver.set("timeout", 10_000)
        solver.add(set_ == 1, z3.Not(clocked))
        if solver.check() != z3.unsat:
            return None
        return self._run.whole(taken, self._time - 1)

    def at(self, expression):
        """An expression, with the constants put in for bits of registers that are constant at this time."""
        expression = self._run.at(expression, self._time)
        for name, (register, bits) in support(expression).items():
            if name in self._circuit.next and z3.is_bv(register):
                for k in bits:
                    bit = z3.Extract(k, k, register)
                    value = self.lift(bit)
                    if z3.is_bv_value(value):
                        expression = at_bits(expression, bit, value)
        return expression
