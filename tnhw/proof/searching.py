"""Look for a run of the Verilog from a reset that goes wrong, when a part of a proof is undecided."""

import time
import traceback
from dataclasses import asdict
from pathlib import Path

from ..errors import ToolFailed
from .counter_example import Contradiction, search
from .formulas.solver import Solver
from .lemmas.binding import Binding
from .lemmas.function import Failure, prove_whole
from .testing import NotTested, Tested, run_on

__all__ = ["Search", "unforeseen"]

SECONDS = 15  # for directed runs before the bench, and for a question about the whole formula


class Search:
    """Looks for a run of one Verilog text that goes wrong.

    Parameters
    ----------
    kernel, manifest, reference
    text : callable
        Returns the Verilog. It is called only when needed, as a netlist takes a while to be made readable.
    solver : str
        Name of the solver.
    limit : float
        Seconds for the bench.
    say : callable
        Called with a line of text for each step.

    Attributes
    ----------
    tested : dict or None
        How long the bench ran without a fault, or why it did not run; see `Result`.
    """

    def __init__(self, kernel, manifest, reference, text, solver, limit, say):
        self.kernel, self.manifest, self.reference = kernel, manifest, reference
        self.text, self.solver, self.limit, self.say = text, solver, limit, say
        self.tested = None

    def look(self, binding, values, seeds, *, by_formula):
        """Look for a run that goes wrong; return it as a `CounterExample`, or None.

        Directed vectors come first, as they give the shortest run. Then the bench runs, once for all parts. Then a
        solver looks for values for which the result as one formula is wrong. Last come directed vectors for which
        there was no time before.

        Parameters
        ----------
        binding : Binding or None
            The circuit to which the values belong.
        values : dict of str to int
            Values of the unrolled circuit's variables for which a lemma is false.
        seeds : tuple of int
            Seeds of random stalls.
        by_formula : bool
            Whether to ask for values of the whole formula: those of a lemma may not occur together in one vector.

        Raises
        ------
        Contradiction
            If the golden model and the reference disagree, so that the Verilog cannot be judged.
        """
        self.say("looking for a run that goes wrong")
        begin, seeds = time.monotonic(), (None, *seeds)
        found = self._try(self._directed, binding, values, seeds, SECONDS)
        cut_off = time.monotonic() - begin > SECONDS
        if found is None and self.tested is None:
            found = self._try(self._bench)
        if found is None and by_formula:
            found = self._try(self._by_formula, binding)
        if found is None and cut_off:
            found = self._try(self._directed, binding, values, seeds, self.limit)
        return found

    def _try(self, look, *arguments):
        """The result of a search, or None if it fails; the reason is then passed to `say`."""
        try:
            return look(*arguments)
        except Contradiction:
            raise
        except ToolFailed as error:
            self.say(str(error))
        except OSError:  # of the system, and not of the Verilog
            raise
        except Exception as error:  # the Verilog may have any form, as in a proof
            self.say(unforeseen(error))
        return None

    def _directed(self, binding, values, seeds, seconds):
        end = time.monotonic() + seconds
        return search(
            self.kernel, self.manifest, self.text(), self.reference, binding, values, seeds, end
        )

    def _bench(self):
        try:
            found = run_on(self.text(), self.kernel, self.manifest, self.reference, self.limit)
        except NotTested as error:
            self.tested = {"not_run": str(error)}
            raise
        if not isinstance(found, Tested):
            return found
        self.tested = asdict(found)
        return None

    def _by_formula(self, binding):
        whole = Binding(self.text(), self.manifest, self.reference, adders=True)
        try:
            prove_whole(whole, Solver(self.solver, min(self.limit, SECONDS)))
        except Failure as failure:
            return self._directed(binding, failure.values, (None,), self.limit)
        except ToolFailed:  # undecided too, or the remainders in the bias are not in the Verilog
            return None
        return None


def unforeseen(error):
    """A sentence for an exception in the proof's own code: the Verilog has a form that it does not expect."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"the Verilog has a form that the proof does not expect ({type(error).__name__}: {error}, in "
        f"{Path(place.filename).name}, line {place.lineno})"
    )
