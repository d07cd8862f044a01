"""The proofs of one kernel, what was shown by which method, and a counter-example where one fails."""

import hashlib
import json
import time
from pathlib import Path

from .. import tools
from ..errors import InputError, ToolFailed, ToolMissing
from ..support.files import make_folder, write_files
from ..support.progress import progress
from ..tools.ladder import recorded
from ..tools.process import ToolTimeout
from ..verilog import emitting
from ..verilog import foreign as own
from .counter_example import Contradiction
from .formulas.circuit import of_verilog
from .formulas.solver import SOLVERS, Solver, default_solver
from .handshakes.framing import prove_framing
from .handshakes.liveness import prove_liveness
from .handshakes.stream import StreamFailure, prove_stream
from .handshakes.waiting import LivenessFailure
from .lemmas.adders import adders_in
from .lemmas.binding import Binding
from .lemmas.function import Failure, prove_whole
from .lemmas.host import prove_host
from .lemmas.netlist import MODELS, NetlistDiffers, equal, readable, synthesised
from .lemmas.sent import check_results, check_sets, check_vectors
from .lemmas.sums import prove_lemmas
from .reference import Reference
from .result import Result, raise_unless_proven
from .searching import Search, unforeseen

__all__ = ["Result", "prove", "prove_text"]

PROPERTIES = ("function", "stream")
METHODS = ("lemmas", "whole")


#: Architecture and arithmetic.
COVERED = {
    *((name, "operators") for name in ("parallel", "serial")),
    *((name, "heap") for name in ("parallel", "serial", "tile")),
}


def check_covered(kernel):
    """Refuse a kernel whose registers the proofs do not know yet."""
    given = kernel.architecture, kernel.arithmetic
    if given not in COVERED:
        known = ", ".join(" in ".join(pair) for pair in sorted(COVERED))
        raise InputError(
            f"{kernel.name}: proofs do not cover architecture `{given[0]}` in arithmetic `{given[1]}` yet, only "
            f"{known}; `tnhw simulate` checks it on vectors"
        )


def prove(
    kernel,
    out_dir,
    *,
    properties=PROPERTIES,
    method="lemmas",
    netlist=None,
    solver=None,
    limit=120,
    say=lambda text: None,
    rtl=None,
):
    """Prove a kernel's emitted Verilog.

    Parameters
    ----------
    kernel : Kernel
    out_dir : path
        Receives the Verilog, ``manifest.json``, ``proof.json``, and ``counterexample.vcd`` where
        there is one. What was there before stays until then.
    properties : iterable of str
        Which of ``function`` and ``stream``.
    method : str
        ``lemmas``, or ``whole``: the result as one formula, for small kernels.
    netlist : str, optional
        Also prove the netlist after synthesis for this family: ``ice40``, ``ecp5``, ``gowin``.
    solver : str, optional
        ``z3``, ``bitwuzla``, ``yices`` or ``boolector``; by default Bitwuzla where it is installed, else z3.
    limit : float
        Seconds for one question to the solver.
    say : callable
        Called with a line of text for each step.
    rtl : list of path, optional
        Verilog files of the caller's, which are proven in place of what tnhw emits; with `netlist` they hold a netlist
        of this family's cells, which is proven equal to what tnhw emits.

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed
        If a property is disproved; its attribute `result` is the `Result`.
    Undecided
        If one is neither proven nor disproved; with `result` as well.
    InputError
        If an argument is wrong, or the caller's Verilog has not the module and ports of the kernel.
    """
    check_covered(kernel)
    component = kernel.create()
    text = emitting.emit(component, kernel.name)
    manifest = emitting.manifest(kernel, component, text)
    given = own.given(rtl, manifest, cells=netlist is not None) if rtl else None
    if given is not None and netlist is None:
        text = given
    return prove_text(
        kernel,
        text,
        manifest,
        out_dir,
        properties=properties,
        method=method,
        netlist=netlist,
        mapped=given if netlist else None,
        solver=solver,
        limit=limit,
        say=say,
    )


def prove_text(kernel, text, manifest, out_dir, *, properties=PROPERTIES, method="lemmas", netlist=None, mapped=None, solver=None,
               limit=120, say=lambda text: None):  # fmt: skip
    """Prove any Verilog text that is said to be a kernel's.

    Parameters
    ----------
    kernel : Kernel
        What the Verilog is checked against.
    text : str
        Verilog with the module and ports that the manifest describes, and all that it needs. Names inside are not
        trusted: a text of another form than the emitted one may end undecided, and is then tested.
    manifest : dict
        As :func:`tnhw.verilog.manifest` gives it.
    out_dir : path
        Receives the text, ``manifest.json``, ``proof.json``, and ``counterexample.vcd`` or ``counterexample.fst``
        where there is one.
    properties, method, solver, limit, say
        As for :func:`prove`.
    netlist : str, optional
        Also prove a netlist of this family equal to the text: what synthesis makes of the text, or `mapped`.
    mapped : str, optional
        Verilog of that netlist.

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed
        If a property is disproved: a run from a reset goes wrong, by the reference of the proof and by the golden
        model. Its attribute `result` is the `Result`, with the counter-example.
    Undecided
        If one is neither proven nor disproved; with `result` as well, which says what was proven and what was tested.

    Examples
    --------
    A file that was changed by hand::

        kernel = load("threshold16")
        manifest = verilog.generate(kernel, "rtl")
        prove_text(kernel, Path("mine.v").read_text(), manifest, "proof")
    """
    solver = solver or default_solver()
    if solver not in SOLVERS:
        raise InputError(f"the solver must be {', '.join(SOLVERS)}, not {solver!r}")
    for name in properties:
        if name not in PROPERTIES:
            raise InputError(f"the property must be {' or '.join(PROPERTIES)}, not {name!r}")
    if not properties and not netlist:
        raise InputError("there is nothing to prove: name a property or a netlist")
    if method not in METHODS:
        raise InputError(f"the method must be {' or '.join(METHODS)}, not {method!r}")
    if netlist is not None and netlist not in MODELS:
        raise InputError(f"the netlist must be for {', '.join(MODELS)}, not {netlist!r}")
    if not limit > 0:
        raise InputError(f"the limit must be a positive number of seconds, not {limit:g}")
    tools.find(SOLVERS[solver][0])
    make_folder(out_dir)  # what cannot be written is better known before
    start = time.monotonic()
    work = _Work(kernel, text, manifest, method, solver, limit, say)
    try:
        with recorded() as work.result.retries:
            work.run(properties)
            if netlist:
                work.netlist(netlist, mapped)
    except _Ended:
        pass
    result, wave = work.result, work.wave
    result.seconds = time.monotonic() - start
    digests = {f"{kernel.name}.v": hashlib.sha256(text.encode()).hexdigest()}
    manifest = manifest | {"files": digests}
    files = {f"{kernel.name}.v": text, "manifest.json": json.dumps(manifest, indent=2) + "\n"}
    if wave:
        name, contents = wave
        path = str(Path(out_dir) / name)
        files[name] = contents
        result.counter_example |= {"vcd": path if name.endswith(".vcd") else None, "waves": path}
    files["proof.json"] = json.dumps(result.as_dict(), indent=2) + "\n"
    write_files(out_dir, files)
    for name in {"counterexample.vcd", "counterexample.fst"} - set(files):
        Path(out_dir, name).unlink(missing_ok=True)
    raise_unless_proven(result)
    return result


class _Ended(Exception):
    """A run goes wrong, or nobody can judge: there is no more to prove."""


class _Work:
    def __init__(self, kernel, text, manifest, method, solver, limit, say):
        self.method = method
        self.kernel, self.text, self.manifest = kernel, text, manifest
        self.solver_name, self.limit, self.say = solver, limit, say
        self.result, self.wave = Result(kernel.name), None
        arrays = kernel.arrays if kernel.storage == "constant" else None
        self.reference = Reference(manifest, arrays)
        self.binding = None
        self._search = self._searching(lambda: text)

    def _searching(self, text):
        return Search(
            self.kernel, self.manifest, self.reference, text, self.solver_name, self.limit, self.say
        )

    def run(self, properties):
        def read(_):
            whole = self.method == "whole"
            self.binding = Binding(self.text, self.manifest, self.reference, adders=whole)
            return True, ""

        if "stream" in properties:
            self._handshakes()
        self.say("reading the Verilog as formulas")
        first = properties[0] if properties else "netlist"
        if not self._part(first, "binding", "", read, seeds=(1, 2)):
            return
        self.result.parts.pop()  # by itself it shows nothing
        if "function" in properties:
            self._function()
        if "stream" in properties:
            self._stream()

    def _part(self, property_, part, method, action, *, seeds=()):
        """Run one part of the proof; returns what it gives, or None if it is undecided.

        Raises
        ------
        _Ended
            If a run of the Verilog goes wrong.
        """
        self.say(f"{property_}: {part}, {method}" if method else f"{property_}: {part}")
        solver, start, values = Solver(self.solver_name, self.limit), time.monotonic(), {}
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
            except ToolFailed as error:  # undecided, or it has not what the proof is bound to
                verdict, given, text = "undecided", None, str(error)
            except (
                Exception
            ) as error:  # Verilog may have any form; nothing was proven, so it is safe
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
            raise _Ended from None
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
        raise _Ended

    def _add(self, property_, part, verdict, method, solver, seconds, text):
        asked = solver.asked if solver else {}
        self.result.parts.append(
            {
                "property": property_,
                "part": part,
                "verdict": verdict,
                "method": method,
                "solver": solver.version if solver and solver.asked else None,
                "questions": {kind: count for kind, (count, _) in asked.items()},
                "seconds": round(seconds, 3),
                "text": text,
            }
        )

    def _function(self):
        if self.method == "whole":

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
                    f"words and folded biases of all {count} parameter values, and in {sets} sets that tell all "
                    "places apart each in its place"
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
            if binding.outside and self.reference.serial:  # an accumulator and its adders are one
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
        """The netlist of a family against the Verilog; made by synthesis if it is not given."""
        top = self.manifest["top"]
        if text is None:
            self.say(f"synthesis for {family}")
            text = synthesised(self.text, top, family)

        def pairs(_):
            try:
                count, products, values = equal(self.text, top, family, text, self.limit)
            except NetlistDiffers as error:
                raise Failure(str(error), 0) from None
            said = f"{count} pairs of registers and ports are equal"
            if products:
                said += f"; {len(products)} registers of products for all of {values:,} values"
            return True, said

        self._search = self._searching(lambda: readable(text, top, family))
        self._part("netlist", family, "induction over pairs (Yosys)", pairs)
