"""A circuit over time: the values of registers some clocks after a start of which a part is known.

Time counts moves of the pipeline: clocks in which nothing stalls. Values that are constant at a time are propagated;
everything else stays a variable: an input ``name@time``, or the value ``name@0`` of a register at the start.
"""

import re
from functools import cached_property

import z3

from .circuit import constant
from .walk import support, terms

__all__ = ["Unrolled"]


class Unrolled:
    """A circuit from time 0 on.

    Parameters
    ----------
    circuit : Circuit
    start : dict of str to int
        Values of registers that are known at time 0.
    inputs : dict of str to (int or callable)
        Values of inputs: a constant, or a function of time that returns an integer, or None if it is not known.
    """

    def __init__(self, circuit, start, inputs):
        self.circuit = circuit
        self._start = start
        self.inputs = inputs
        self._values = [dict(start)]
        self._specialised = {}
        self._unrolled = {}

    def input(self, name, time):
        """Value of an input at `time`, or None if it is not known."""
        value = self.inputs.get(name)
        return value(time) if callable(value) else value

    @cached_property
    def _supports(self):
        return {
            name: {key: variable for key, (variable, _) in support(expression).items()}
            for name, expression in self.circuit.next.items()
        }

    def known(self, time):
        """Registers whose value at `time` is a constant: dict of str to int."""
        while len(self._values) <= time:
            before = len(self._values) - 1
            found = {}
            for name in self.circuit.next:
                value = self.definition(name, before + 1)
                if z3.is_bv_value(value):
                    found[name] = value.as_long()
            self._values.append(found)
        return self._values[time]

    def _constants(self, variables, time):
        known = self.known(time)
        pairs = []
        for name, variable in variables.items():
            inside = name in self.circuit.registers
            value = known.get(name) if inside else self.input(name, time)
            if value is not None:
                pairs.append((name, value, variable))
        return pairs

    def definition(self, name, time):
        """A register at `time` >= 1 as an expression of the variables one move before, simplified."""
        variables = self._supports[name]
        pairs = self._constants(variables, time - 1)
        key = (name, tuple((n, v) for n, v, _ in pairs))
        if key not in self._specialised:
            expression = z3.substitute(
                self.circuit.next[name], *((var, constant(var, v)) for _, v, var in pairs)
            )
            self._specialised[key] = _cells(z3.simplify(expression))
        return self._specialised[key]

    def at(self, expression, time):
        """An expression of registers and inputs, with the constants that they have at `time` put in."""
        variables = {key: variable for key, (variable, _) in support(expression).items()}
        pairs = self._constants(variables, time)
        expression = z3.substitute(expression, *((var, constant(var, v)) for _, v, var in pairs))
        return _cells(z3.simplify(expression))

    def register(self, name, time):
        """A register at `time` as an expression of inputs at all times and of registers at time 0."""
        key = (name, time)
        if key not in self._unrolled:
            if time == 0 or name not in self.circuit.next:  # cells of memories do not change
                variable = self.circuit.registers.get(name)
                sort = variable.sort() if variable is not None else None
                value = self._start.get(name)
                if value is not None:
                    self._unrolled[key] = constant(variable, value)
                else:
                    self._unrolled[key] = z3.Const(f"{name}@0", sort)
            else:
                self._unrolled[key] = self.whole(self.definition(name, time), time - 1)
        return self._unrolled[key]

    def whole(self, expression, time):
        """An expression of variables at `time` as one of inputs at all times and of registers at time 0."""
        pairs = []
        for name, (variable, _) in support(expression).items():
            if name in self.circuit.registers:
                pairs.append((variable, self.register(name, time)))
            elif name in self.circuit.inputs:
                pairs.append((variable, z3.Const(f"{name}@{time}", variable.sort())))
            else:
                pairs.append((variable, z3.Const(f"{name}@0", variable.sort())))
        return z3.simplify(z3.substitute(expression, *pairs)) if pairs else expression


def _cells(expression):
    """Replace reads of a memory at constant addresses by variables ``memory[address]``."""
    found = []
    for term in terms(expression, z3.Z3_OP_SELECT):
        if z3.is_bv_value(term.arg(1)):
            memory, address = term.arg(0), term.arg(1).as_long()
            if z3.is_const(memory):
                cell = z3.BitVec(f"{memory.decl().name()}[{address}]", term.size())
                found.append((term, cell))
    return z3.substitute(expression, *found) if found else expression


def origin(name):
    """(signal, time) of a variable ``signal@time``."""
    found = re.fullmatch(r"(.*)@(\d+)", name)
    return found[1], int(found[2])
