"""Where a part of a proof is undecided: is there a run of the Verilog, from a reset, that goes wrong?"""

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

SECONDS = 15  # for directed runs before the bench, and for a vector by one formula


class Search:
    """Runs of one Verilog text.

    Parameters
    ----------
    kernel, manifest, reference
    text : callable
        Gives the Verilog: for a netlist it takes a while to make it readable.
    solver : str
    limit : float
        Seconds for the bench.
    say : callable

    Attributes
    ----------
    tested : dict or None
        What the bench found nothing in, or why it did not run; as in `Result`.
    """

    def __init__(self, kernel, manifest, reference, text, solver, limit, say):
        self.kernel, self.manifest, self.reference = kernel, manifest, reference
        self.text, self.solver, self.limit, self.say = text, solver, limit, say
        self.tested = None

    def look(self, binding, values, seeds, *, by_formula):
        """A `CounterExample`, or None.

        Directed vectors come first, as they give the shortest run; then the bench, once for all parts; then values
        for which the result as one formula is wrong, and what time was too short for before.

        Parameters
        ----------
        binding : Binding or None
            What the values are values of.
        values : dict of str to int
            Of the unrolled circuit's variables, for which a lemma does not hold.
        seeds : tuple of int
            Of stalls at random.
        by_formula : bool
            Whether a lemma may have failed for values that do not meet in one vector.

        Raises
        ------
        Contradiction
            If the golden model and the reference disagree, so that nobody can judge.
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
        """What a search gives; one that breaks off, which is said, gives nothing."""
        try:
            return look(*arguments)
        except Contradiction:
            raise
        except ToolFailed as error:
            self.say(str(error))
        except Exception as error:  # as in a proof: Verilog may have any form
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
        except ToolFailed:  # undecided as well, or the fold of the bias is not in the Verilog
            return None
        return None


def unforeseen(error):
    """An exception of the proof's own code, for Verilog that has not the form that it expects."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"the Verilog has a form that the proof does not expect ({type(error).__name__}: {error}, in "
        f"{Path(place.filename).name}, line {place.lineno})"
    )
