"""The parts of a proof, one after the other: what each proved by which method, or what goes wrong."""

import time

from ..errors import ToolFailed, ToolMissing
from ..support.progress import progress
from ..tools.process import ToolTimeout
from .counter_example import Contradiction
from .formulas.circuit import of_verilog
from .formulas.solver import Solver
from .handshakes.core import StreamFailure
from .handshakes.framing import prove_framing
from .handshakes.liveness import prove_liveness
from .handshakes.stream import prove_stream
from .handshakes.waiting import LivenessFailure
from .lemmas.adders import adders_in
from .lemmas.binding import Binding
from .lemmas.function import Failure, prove_whole
from .lemmas.host import prove_host
from .lemmas.netlist import NetlistDiffers, equal, readable, synthesised
from .lemmas.sent import check_results, check_sets, check_vectors
from .lemmas.sums import prove_lemmas
from .reference import Reference
from .result import Result
from .searching import Search, unforeseen

__all__ = ["Ended", "Parts"]


class Ended(Exception):
    """The proof ends early: a run goes wrong, or golden model and reference disagree."""


class Parts:
    """The parts of the proof of one Verilog text.

    Parameters
    ----------
    kernel : Kernel
    text : str
    manifest : dict
    options : ProofOptions

    Attributes
    ----------
    result : Result
    wave : (str, str or bytes) or None
        Name and contents of the file with the waves of a counter-example.
    """

    def __init__(self, kernel, text, manifest, options):
        self.kernel, self.text, self.manifest = kernel, text, manifest
        self.options, self.say = options, options.say
        self.result, self.wave = Result(kernel.name), None
        arrays = kernel.arrays if kernel.storage == "constant" else None
        self.reference = Reference(manifest, arrays)
        self.binding = None
        self._search = self._searching(lambda: text)

    def _searching(self, text):
        return Search(
            self.kernel,
            self.manifest,
            self.reference,
            text,
            self.options.solver,
            self.options.limit,
            self.say,
        )

    def run(self):
        """Prove the properties that the options name.

        Raises
        ------
        Ended
            If a run of the Verilog goes wrong, or golden model and reference disagree.
        """
        properties = self.options.properties

        def read(_):
            whole = self.options.method == "whole"
            self.binding = Binding(self.text, self.manifest, self.reference, adders=whole)
            return True, ""

        if "stream" in properties:
            self._handshakes()
        self.say("reading the Verilog as formulas")
        first = properties[0] if properties else "netlist"
        if not self._part(first, "binding", "", read, seeds=(1, 2)):
            return
        self.result.parts.pop()  # reading the Verilog is not a result
        if "function" in properties:
            self._function()
        if "stream" in properties:
            self._stream()

    def _part(self, property_, part, method, action, *, seeds=()):
        """Run one part of the proof and record its verdict.

        Parameters
        ----------
        action : callable
            Takes a `Solver`, and returns a result and a text that says what was proven.
        seeds : iterable of int
            Seeds of random stalls in runs that look for a fault if the part is undecided.

        Returns
        -------
        object or None
            The result of `action`, or None if the part is undecided.

        Raises
        ------
        Ended
            If a run of the Verilog goes wrong.
        """
        self.say(f"{property_}: {part}, {method}" if method else f"{property_}: {part}")
        solver, start, values = (
            Solver(self.options.solver, self.options.limit),
            time.monotonic(),
            {},
        )
        found = None
        with progress(f"{self.kernel.name}: {property_}, {part}", solver.state):
            try:
                given, text = action(solver)
                verdict = "proven"
            except (ToolTimeout, ToolMissing):
                raise
            except LivenessFailure as error:
                verdict, given, text, found = "undecided", None, error.what, error.example
            except (Failure, StreamFailure) as error:
                verdict, given, text, values = "undecided", None, str(error), error.values
            except ToolFailed as error:  # `Undecided`, or the Verilog lacks a name that is needed
                verdict, given, text = "undecided", None, str(error)
            except OSError:  # of the system, and not of the Verilog
                raise
            except Exception as error:  # the Verilog may have any form; undecided claims nothing
                verdict, given, text = "undecided", None, unforeseen(error)
        self._add(property_, part, verdict, method, solver, time.monotonic() - start, text)
        if found:
            self._disproved(self.result.parts[-1], found)
        if verdict == "undecided":
            self._look_for_a_run(self.result.parts[-1], values, seeds)
        return given

    def _look_for_a_run(self, entry, values, seeds):
        """Turn an undecided part into a disproof, if there is a run that goes wrong."""
        by_formula = entry["part"] == "gates" and entry["method"] == "lemmas"
        try:
            found = self._search.look(self.binding, values, seeds, by_formula=by_formula)
        except Contradiction as error:
            entry["text"] += f". {error}"
            raise Ended from None
        finally:
            self.result.tested = self._search.tested
        if found is None:
            entry["text"] += " (no run from a reset was found that goes wrong)"
            return
        self._disproved(entry, found)

    def _disproved(self, entry, found):
        entry["verdict"] = "disproved"
        entry["text"] += f"; {found.fault}"
        self.result.counter_example = found.as_dict()
        self.wave = f"counterexample.{found.wave_format}", found.wave
        raise Ended

    def _add(self, property_, part, verdict, method, solver, seconds, text):
        asked = solver.asked if solver else {}
        version = solver.version if asked else None
        questions = {kind: count for kind, (count, _) in asked.items()}
        self.result.add(property_, part, verdict, method, seconds, text, version, questions)

    def _function(self):
        if self.options.method == "whole":

            def whole(solver):
                prove_whole(self.binding, solver)
                return True, "the result is the definition, as one formula"

            self._part("function", "gates", "whole", whole)
            return
        folded = self.reference.storage == "memory" or self.reference.folded

        def lemmas(solver):
            owed = prove_lemmas(self.binding, solver)
            words = "and the folded bias as sent" if folded else "and the bias"
            return owed, f"each adder node, each lane, rounding and clamp, {words}"

        self._part("function", "vectors and results as packed", "replay", self._packed)
        owed = self._part("function", "gates", "lemmas", lemmas)
        if folded and owed is not None:

            def host(solver):
                count, sets = prove_host(self.kernel, self.binding, owed)
                return True, (
                    f"words and folded biases of all {count} parameter values, and the place of each in {sets} "
                    "sets in which all places differ"
                )

            self._part("function", "parameters as sent", "exhaustive", host)

    def _packed(self, _):
        kernel, reference = self.kernel, self.reference
        count = check_vectors(kernel, self.binding)
        shown = [f"elements of {count} vectors are sent to their places"]
        if kernel.storage == "ports" and not reference.folded:
            count = check_sets(kernel, self.binding, None)
            shown.append(f"parameters of {count} sets as well")
        count = check_results(kernel, reference)
        return True, "; ".join([*shown, f"{count} results are read from theirs"])

    def _handshakes(self):
        def handshakes(_):
            circuit = of_verilog(self.text, self.manifest["top"], outside=adders_in(self.text))
            return True, "; ".join(prove_liveness(circuit, self.manifest))

        self._part("stream", "handshakes", "all control states", handshakes, seeds=(1, 2))

    def _stream(self):
        def stream(solver):
            binding = self.binding
            if binding.outside and self.reference.serial:  # accumulators are needed with adders
                binding = Binding(self.text, self.manifest, self.reference, adders=True)
            return True, "; ".join(prove_stream(binding, solver))

        seeds = (1, 2, 3, 4, 5)
        self._part("stream", "core", "induction", stream, seeds=seeds)
        if self.kernel.interface != "axi-stream":
            return

        def framing(solver):
            shown = prove_framing(self.text, self.manifest, self.reference, solver)
            return True, "; ".join(shown)

        self._part("stream", "AXI4-Stream ports", "induction", framing, seeds=seeds)

    def netlist(self, family, text=None):
        """Prove a netlist of a family equal to the Verilog; without `text` it is made by synthesis."""
        top = self.manifest["top"]
        if text is None:
            self.say(f"synthesis for {family}")
            text = synthesised(self.text, top, family)

        def pairs(_):
            try:
                count, products, values = equal(self.text, top, family, text, self.options.limit)
            except NetlistDiffers as error:
                raise Failure(str(error), 0) from None
            said = f"{count} pairs of registers and ports are equal"
            if products:
                said += f"; {len(products)} registers of products for all of {values:,} values"
            return True, said

        self._search = self._searching(lambda: readable(text, top, family))
        self._part("netlist", family, "induction over pairs (Yosys)", pairs)
