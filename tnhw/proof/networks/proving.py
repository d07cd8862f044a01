"""Prove a network: its emitted Verilog, executed for all inputs at once, gives the results of its definition."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterable

import numpy as np

from ...errors import CheckFailed, InputError, TnhwError
from ...network import Design
from ...simulation import traffic
from ...simulation.simulating import run_bench
from ...support.files import make_folder, write_files
from ...support.progress import progress
from ...tools.ladder import recorded
from ...verilog import emitting
from ...verilog import foreign as own
from ..result import Result, raise_unless_proven
from .answers import Answers
from .modules import in_a_row
from .netlist import read
from .running import Differs, Run
from .stalls import Stalled, Stalls
from .values import NotUnderstood

__all__ = ["prove_network"]

METHOD = "executed for all inputs"
STATES = "all states of the control, for all inputs"
PATTERNS = 4  # of pauses and stalls, if not all of them are proven
SPARE = 8  # images that a module may hold beyond those that its latency needs
IMAGES = 4  # that each of these sends
MOST = 64  # images after which the state must have repeated
# How often a beat is offered, and how often the receiver is ready.
RATES = ((0.5, 0.5), (0.1, 0.9), (0.9, 0.1), (0.02, 0.9), (0.9, 0.02))
VECTORS = 400  # with which a simulator looks for a fault; near the border of two classes, if the network gives a class
CYCLES = 100_000  # that these may take; if all would take more, fewer are sent
SEEDS = 4  # runs with other pauses and stalls, if it is these that matter
POOL = 2048  # random vectors with which the search for these begins
ASSUMPTIONS = [
    "Yosys reads the Verilog as a synthesis tool does",
    "the network is reset for two clocks before it is used",
    "a sender keeps an offered beat until it is taken",
]
RESETS = "resets among images"
LEAVES_OPEN = f"other patterns of pauses and stalls, and {RESETS}"


def prove_network(
    design: Design,
    out_dir: str | os.PathLike[str],
    *,
    rtl: Iterable[str | os.PathLike[str]] | None = None,
    patterns: int = PATTERNS,
    say: Callable[[str], object] = lambda text: None,
) -> Result:
    """Prove the Verilog of a network.

    Parameters
    ----------
    design : Design
        With streams (not AXI4-Stream), and parameters that are not loaded.
    out_dir : path
        Receives the Verilog, ``manifest.json`` and ``proof.json``, and the files of a simulation that finds a fault.
    rtl : list of path, optional
        Verilog files of your own, which are proven instead of what tnhw emits.
    patterns : int
        Random patterns of pauses and stalls under which it is executed, each for all inputs, if not all are proven.
    say : callable
        Called with a line of text for each step.

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed, Undecided
        If a result differs, or the Verilog is not understood; the attribute `result` is the `Result`.
    InputError
        If proofs do not cover the design, or your Verilog lacks its module or ports.
    """
    _check(design)
    make_folder(out_dir)
    start = time.monotonic()
    text, manifest = emitting.emitted(design)
    if rtl:
        text = own.given(rtl, manifest, cells=False)
    proof = _Proof(design, text, manifest, say)
    with recorded() as proof.result.retries:
        proof.run(patterns, out_dir)
    proof.result.seconds = time.monotonic() - start
    write_files(out_dir, proof.result.files(design.name, text, manifest))
    raise_unless_proven(proof.result)
    return proof.result


def _check(design):
    """Raise InputError for what proofs of networks do not cover."""
    told = {
        "parameters that can be loaded": getattr(design, "loadable", False),
        "AXI4-Stream ports": design.interface != "stream",
        "images side by side": design.images > 1,
        "the schedule `unrolled`": not isinstance(design, Design),
    }
    for what, is_so in told.items():
        if is_so:
            raise InputError(
                f"network {design.name}: proofs of networks do not cover {what} yet; `tnhw simulate` checks it on vectors"
            )


class _Proof:
    def __init__(self, design, text, manifest, say):
        self.design, self.text, self.manifest, self.say = design, text, manifest, say
        self.result = Result(design.name, assumptions=ASSUMPTIONS, leaves_open=LEAVES_OPEN)
        self.quiet = 4 * (manifest["latency"] + manifest["interval"]) + 100  # cycles

    def run(self, patterns, out_dir):
        """All parts, until one is not proven."""
        network, first = self.design.network, None

        def steady():
            nonlocal first
            first = Run(read(self.text, self.manifest["top"]), self.manifest, network)
            with progress(f"Executing {self.design.name} for all inputs", lambda: f"cycle {first.cycle}"):  # fmt: skip
                images = first.until_it_repeats(self.quiet, MOST)
            pace = f"latency {self.manifest['latency']}, interval {self.manifest['interval']}"
            return f"for all inputs, {pace}; after {images} images, {first.cycle} cycles, everything repeats"  # fmt: skip

        def paused():
            total, now = 0, [0]
            with progress(f"Executing {self.design.name} with pauses and stalls", lambda: f"pattern {now[0]} of {patterns}"):  # fmt: skip
                for number in range(patterns):
                    now[0], noise = number + 1, random.Random(number)
                    both = [_pattern(noise, rate) for rate in noise.choice(RATES)]
                    run = Run(first.netlist, self.manifest, network, *both, before=first)
                    run.until(IMAGES, 100 * self.quiet)
                    total += run.cycle
            return f"for all inputs, {patterns} patterns of {IMAGES} images, {total} cycles"

        if not self._part("images back to back", METHOD, steady, out_dir):
            return
        if self._part("all pauses and stalls", STATES, self._stalls, out_dir):
            self.result.leaves_open = RESETS
        elif patterns and self.result.verdict != "disproved":
            self._part(f"{patterns} patterns of pauses and stalls", METHOD, paused, out_dir)

    def _stalls(self):
        """Follow each module alone through all states of its control."""
        modules, now = in_a_row(self.text, self.manifest), [""]
        most = SPARE + self.manifest["latency"] // self.manifest["interval"]
        answers = Answers(self.design.network, self.manifest)
        stalls = Stalls(modules, answers, self.quiet, most, lambda text: now.__setitem__(0, text))
        with progress(f"Following the states of {self.design.name}", lambda: now[0]):
            stalls.prove()
        return "for all inputs; states: " + ", ".join(f"{n} {k}" for n, k in stalls.states.items())

    def _part(self, part, method, action, out_dir):
        """Record a part whose action says what it has proven; returns whether it did."""
        self.say(f"function: {part}, {method}")
        began, verdict = time.monotonic(), "proven"
        try:
            text = action()
        except (NotUnderstood, Differs, Stalled) as error:
            verdict, text = self._looked_for(error, out_dir)
        except OverflowError:
            large = NotUnderstood("a table has values of more than 62 bits")
            verdict, text = self._looked_for(large, out_dir)
        self.result.add("function", part, verdict, method, time.monotonic() - began, text)
        return verdict == "proven"

    def _looked_for(self, error, out_dir):
        """The verdict on a part that is not proven, and why: disproved only if a simulator shows that something is wrong."""
        if self.result.tested is not None:
            return "undecided", str(error)  # the bench has found nothing for a part before
        self.say("looking for vectors that show a fault in a simulator")
        tested = {"vectors": 0, "cycles": 0, "seconds": 0.0}
        for seed in range(SEEDS if isinstance(error, Stalled) else 1):
            try:
                bench = self._bench(out_dir, seed)
            except TnhwError as failed:
                return "undecided", f"{error}; and the simulation broke off: {failed}"
            tested = {key: value + getattr(bench, key) for key, value in tested.items()}
            if not bench.passed:
                break
        self.result.tested = tested
        if bench.passed:
            known = not isinstance(error, NotUnderstood)  # that something is wrong
            shown = "; but no vector was found that shows it" if known else ""
            return "undecided", f"{error}{shown}"
        wrong = bench.mismatch
        self.result.counter_example = {
            "fault": wrong["kind"], "vector": wrong.get("vector"), "x": wrong.get("input"),
            "expected": wrong.get("expected"), "got": wrong.get("got"), "test": wrong["test"], "waves": str(bench.waves),
        }  # fmt: skip
        if isinstance(error, Stalled):
            own = {"where": error.what, "offers": error.offers, "takes": error.takes}
            self.result.counter_example |= own
        return "disproved", wrong["text"]

    def _bench(self, out_dir, seed):
        """The result of the bench, passed or failed; the pauses and stalls depend on the seed."""
        random = np.random.default_rng(seed)
        vectors = min(VECTORS, CYCLES // self.manifest["interval"])
        x = self.design.edge_vectors(self.design.random_input(random, POOL), None, vectors)
        more = max(1, vectors - len(x))
        sent = traffic.make(self.design, self.manifest, vectors=more, x=x, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            source = f"{folder}/{self.design.name}.v"
            with open(source, "w", encoding="utf-8") as file:
                file.write(self.text)
            try:
                return run_bench([source], self.manifest, sent, out_dir, waves=True)
            except CheckFailed as failed:
                return failed.result


def _pattern(noise, rate):
    """A random function of the cycle that is true at a rate, in runs."""
    state = {"on": True}

    def now(cycle):
        if noise.random() < 0.3:
            state["on"] = noise.random() < rate
        return state["on"]

    return now
