"""Run the bench of `sim/` when a proof ends undecided: it finds a run that goes wrong, or says what was tested.

The bench compares with the golden model of the kernel. A result that it calls wrong must also be wrong by the
reference of the proof, which shares no code with the golden model; if the two disagree, nothing is said about the
Verilog. Other faults (a lost beat, a deadlock, a payload that changes) break the contract of the streams, and the
bench alone judges them.
"""

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from .. import tools
from ..errors import ToolFailed, ToolMissing
from ..simulation import simulators, traffic
from .counter_example import CounterExample, alone, judge, listed

__all__ = ["NotTested", "Tested", "run_on"]

VECTORS = 100


class NotTested(ToolFailed):
    """The bench could not run."""


@dataclass(frozen=True)
class Tested:
    """A bench that found no fault: vectors and cycles of all its tests together, and seconds."""

    vectors: int
    cycles: int
    seconds: float


def run_on(text, kernel, manifest, reference, limit):
    """Run the bench on Verilog in Icarus, to the first test that fails.

    Parameters
    ----------
    text : str
        Verilog with the module that the manifest describes, and all modules that it uses.
    limit : float
        Seconds for the simulation.

    Returns
    -------
    CounterExample or Tested

    Raises
    ------
    NotTested
        If a tool is missing, or the simulator rejects the Verilog or does not end in time.
    Contradiction
        If the golden model and the reference disagree.
    """
    try:
        for tool in ("cocotb", "iverilog"):
            tools.find(tool)
    except ToolMissing as error:
        raise NotTested(f"the bench did not run: {error}") from None
    with tempfile.TemporaryDirectory(prefix="tnhw-") as folder:
        folder = Path(folder)
        (folder / "design.v").write_text(text)
        job = simulators.Job([folder / "design.v"], manifest["top"], "icarus", timeout=limit,
                             first_failure=True)  # fmt: skip
        for idle in ("x", "junk"):
            sent = traffic.make(kernel, manifest, vectors=VECTORS, idle=idle)
            tests, seconds = _run(job, manifest, sent, folder)
            failed = [test for test in tests if not test["passed"]]
            if not failed:
                vectors, cycles = (
                    sum(test[key] for test in tests) for key in ("vectors", "cycles")
                )
                return Tested(vectors, cycles, round(seconds, 2))
            if failed[0]["failure"]["kind"] != "unknown":
                break
        # Unknown bits may come from the x that the bench puts on idle ports: then the second run, with known but
        # meaningless values there, decides.
        record = failed[0] | failed[0]["failure"]
        return _example(record, kernel, manifest, text, reference, sent, job, folder)


def _run(job, manifest, sent, folder):
    for name in ("results.jsonl", "summary.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "traffic.json").write_text(json.dumps(sent.record))
    try:
        return simulators.run(job, folder)
    except ToolFailed as error:
        raise NotTested(f"the bench did not end: {error}".strip()) from None


def _example(record, kernel, manifest, text, reference, sent, job, folder):
    vector, said = record.get("vector"), record["text"].rstrip(".")
    x, p = [], None
    if vector is not None:
        x, p = sent.x[vector], sent.parameters(vector)
        judge(kernel, reference, x, p)
        found = _alone(kernel, manifest, text, reference, x, p)
        if found is not None:  # a run of one vector is easier to read than a whole bench
            return found
        x = [x.tolist()]
    # Run it once more and record waves, which show everything that led to the fault.
    _run(replace(job, waves=True), manifest, sent, folder)
    wave = simulators.collect_waves(replace(job, waves=True), manifest, folder)
    test = f"{record['test']}, cycle {record['cycle']}"
    beats = (
        int(record[key], 16) if key in record else None for key in ("expected_beat", "got_beat")
    )
    return CounterExample(
        f"the bench says, in test {test}: {said}",
        x,
        listed(p),
        *beats,
        wave.read_bytes(),
        wave.suffix[1:],
        vector,
        test,
    )


def _alone(kernel, manifest, text, reference, x, p):
    try:
        return alone(kernel, manifest, text, reference, x, p)
    except (
        ToolFailed
    ):  # Yosys cannot read the Verilog, or it has an operator that `compiled` cannot evaluate
        return None
