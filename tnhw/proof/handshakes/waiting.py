"""All control states that a module can reach: each clock of each is checked, and each wait followed to its end."""

from itertools import product

import numpy as np

from ..counter_example import CounterExample
from ..formulas.solver import Undecided
from ..packing import Packing
from .contract import Contract
from .core import StreamFailure
from .schedule import trace

__all__ = ["LivenessFailure", "System"]

MAX_STATES = 2_000_000
CHUNK = 1 << 17  # states and inputs that are tried at once


class LivenessFailure(StreamFailure):
    """The control of a module breaks a promise.

    Attributes
    ----------
    what : str
        What goes wrong.
    inputs : list of dict of str to int
        Handshake signals that show it: a dict for each clock from the start.
    """

    def __init__(self, what, inputs, control):
        super().__init__(what)
        self.what, self.inputs, self._control = what, inputs, control

    @property
    def example(self):
        """The `CounterExample` with the run of these inputs: handshakes, and the registers that they depend on."""
        fault = f"{len(self.inputs)} clocks from the start show it"
        wave = trace(self._control, self.inputs).encode()
        return CounterExample(fault, [], None, None, None, wave)


class System:
    """A module's control together with the counters of its contract; a state is a row of packed numbers.

    Attributes
    ----------
    states : int64 array [states, words]
        After `explore`: all states that can be reached, in the order in which they were found.
    first : int
        Index of the first of them that counts: those before it are the possible states before the first reset,
        where some registers have no initial value.
    """

    def __init__(self, control, manifest, *, persistent):
        self.control = control
        self.contract = Contract(manifest, control.data, persistent=persistent)
        widths = {("register", name): width for name, width in control.registers.items()}
        widths |= {("counter", name): width for name, width in self.contract.widths.items()}
        self.packing = Packing(widths)
        ranges = {name: (0, 1) for name in control.given}
        if control.data:
            ranges["data"] = range(1 << len(control.data))
        self.ranges = ranges

    def choices(self, **fixed):
        """All combinations of inputs in a clock, with some inputs fixed: dict of str to array."""
        ranges = [(fixed[name],) if name in fixed else r for name, r in self.ranges.items()]
        columns = np.array(list(product(*ranges)), np.int64)
        return {name: columns[:, k] for k, name in enumerate(self.ranges)}

    def split(self, rows):
        """Registers and counters of states: two dicts of arrays."""
        values = self.packing.unpack(rows)
        parts = {"register": {}, "counter": {}}
        for (kind, name), value in values.items():
            parts[kind][name] = value
        return parts["register"], parts["counter"]

    def joined(self, registers, counters):
        values = {("register", name): value for name, value in registers.items()}
        values |= {("counter", name): value for name, value in counters.items()}
        return self.packing.pack(values)

    def clock(self, rows, inputs):
        """One clock of many states, each with its own inputs.

        Returns
        -------
        rows, counters, outputs, later, events
            The states a clock later; the counters before the clock; the rest as from `Control.clock` and
            `Contract.clock`.
        """
        registers, counters = self.split(rows)
        outputs, later, registers = self.control.clock(registers, inputs)
        after, events = self.contract.clock(counters, inputs, outputs)
        return self.joined(registers, after), counters, outputs, later, events

    def tried(self, rows, choices):
        """Each state with each choice, in chunks: yields (indices of states, indices of choices, rows, inputs)."""
        count = len(choices["rst"])
        step = max(1, CHUNK // count)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            number = np.repeat(np.arange(start, start + len(part)), count)
            choice = np.tile(np.arange(count), len(part))
            yield number, choice, rows[number], {n: v[choice] for n, v in choices.items()}

    def _starts(self):
        """States before the first clock, and whether a reset must come first, for registers without initial value."""
        control = self.control
        unknown = sum(control.registers[name] for name in control.unknown)
        if unknown > 12:
            raise Undecided(
                f"{unknown} bits of control have no initial value, such as `{control.unknown[0]}`"
            )
        count = 1 << unknown
        registers = {n: np.full(count, v, np.int64) for n, v in control.initial.items()}
        low = 0
        for name in control.unknown:
            width = control.registers[name]
            registers[name] = np.arange(count) >> low & ((1 << width) - 1)
            low += width
        counters = {n: np.full(count, v, np.int64) for n, v in self.contract.initial.items()}
        return self.joined(registers, counters), bool(unknown)

    def explore(self):
        """Find all states that can be reached, and check each clock of each of them against the contract."""
        level, reset_first = self._starts()
        self.first = len(level) if reset_first else 0
        seen = set() if reset_first else set(_keys(level))
        self._parents = [(np.full(len(level), -1), np.zeros(len(level), np.int64))]
        levels, begin = [level], 0
        self._choices = self.choices()
        if missing := {"o valid", "error"} & set(self.control.shown) - set(self.control.later):
            raise StreamFailure(
                f"`{self.control.ports[missing.pop()]}` depends on an input at once"
            )
        while len(level):
            rows, parents, picked = [], [], []
            for number, choice, states, inputs in self.tried(level, self._choices):
                fine = inputs["rst"] == 1 if reset_first else self._allowed(states, inputs)
                after = self.clock(states, inputs)
                self._check(begin + number, choice, inputs, fine & (not reset_first), *after[1:])
                number, choice, after = number[fine], choice[fine], after[0][fine]
                after, where = _distinct(after)
                new = np.array([key not in seen for key in _keys(after)], bool)
                seen.update(_keys(after[new]))
                rows.append(after[new])
                parents.append(begin + number[where[new]])
                picked.append(choice[where[new]])
            begin, reset_first = begin + len(level), False
            level = np.concatenate(rows)
            levels.append(level)
            self._parents.append((np.concatenate(parents), np.concatenate(picked)))
            if len(seen) > MAX_STATES:
                raise Undecided(f"the control has more than {MAX_STATES:,} states")
        self.states = np.concatenate(levels)

    def _allowed(self, states, inputs):
        return self.contract.allowed(self.split(states)[1], inputs)

    def _check(self, number, choice, inputs, fine, counters, outputs, later, events):
        broken = self.contract.broken(counters, inputs, outputs, later, events)
        for what, where in broken.items():
            if np.any(where & fine):
                at = int(np.flatnonzero(where & fine)[0])
                self.fail(what, [*self.path(number[at]), self.chosen(choice[at])])

    def fail(self, what, inputs):
        """Raise LivenessFailure: `what` goes wrong in a run with these inputs."""
        raise LivenessFailure(what, inputs, self.control)

    def chosen(self, number):
        return {name: int(values[number]) for name, values in self._choices.items()}

    def path(self, number):
        """The inputs that lead from the start to the state with this index."""
        parents = np.concatenate([parents for parents, _ in self._parents])
        picked = np.concatenate([picked for _, picked in self._parents])
        found = []
        while parents[number] >= 0:
            found.append(self.chosen(picked[number]))
            number = parents[number]
        return found[::-1]

    def wait(self, what, states, still, **fixed):
        """Follow states in which something waits until nothing does; returns the number of clocks that takes.

        Parameters
        ----------
        what : str
            What is wrong if the wait never ends, in words.
        states : array of int
            Indices of all states in which it may wait.
        still : callable
            Takes counters, inputs, outputs and events, and says whether it still waits: array of bool.
        fixed : int
            Values of inputs that do not change.

        Raises
        ------
        LivenessFailure
            If it can wait for ever.
        """
        rows, choices, clocks = self.states[states], self.choices(rst=0, **fixed), 0
        while len(rows):
            found = []
            for _, _, states, inputs in self.tried(rows, choices):
                after, counters, outputs, _, events = self.clock(states, inputs)
                fine = self.contract.allowed(counters, inputs)
                fine &= still(counters, inputs, outputs, events)
                found.append(_distinct(after[fine])[0])
            after = _distinct(np.concatenate(found))[0]
            # Each step gives a subset of the set before, until it is empty, or contains a loop of states.
            if len(after) == len(rows):
                self.fail(what, self._circle(after, still, choices))
            rows, clocks = after, clocks + 1
        return clocks

    def _circle(self, rows, still, choices):
        """Inputs that lead from the start into a loop of states, and at least twice around it."""
        before, keys = {}, _keys(rows)
        for number, choice, states, inputs in self.tried(rows, choices):
            after, counters, outputs, _, events = self.clock(states, inputs)
            fine = self.contract.allowed(counters, inputs)
            fine &= still(counters, inputs, outputs, events)
            for k in np.flatnonzero(fine):
                before.setdefault(after[k].tobytes(), (keys[number[k]], int(choice[k])))
        key, steps, order = keys[0], [], {}
        while key not in order:
            order[key] = len(steps)
            key, choice = before[key]
            steps.append({name: int(values[choice]) for name, values in choices.items()})
        circle = steps[order[key] :][::-1]
        number = self.first + _keys(self.states[self.first :]).index(key)
        return [*self.path(number), *(circle * max(2, 24 // len(circle)))]


def _keys(rows):
    return [row.tobytes() for row in rows]


def _distinct(rows):
    """The distinct rows, and the index of the first of each."""
    if not len(rows):
        return rows, np.zeros(0, np.int64)
    order = np.lexsort(rows.T)
    ordered = rows[order]
    first = np.ones(len(rows), bool)
    first[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    return ordered[first], order[first]
