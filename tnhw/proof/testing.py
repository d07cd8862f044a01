"""The bench of `sim/` where a proof ends undecided: a run that goes wrong, or what was tested.

The bench judges by the golden model of the kernel. A result that it calls wrong must be wrong by the
reference of the proof as well, which shares no code with the golden model; where the two disagree nothing is
said of the Verilog. What is no wrong result (a beat lost, a deadlock, a payload that changes) the bench judges by
the contract of the streams.
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
    """A bench that found nothing: vectors and cycles over all of its tests, and seconds."""

    vectors: int
    cycles: int
    seconds: float


def run_on(text, kernel, manifest, reference, limit):
    """Run the bench on Verilog in Icarus, to the first test that fails.

    Parameters
    ----------
    text : str
        Verilog with the module that the manifest describes, and all it needs.
    limit : float
        Seconds.

    Returns
    -------
    CounterExample or Tested

    Raises
    ------
    NotTested
        If a tool is missing, or the simulator does not take the Verilog or gives no result in time.
    Contradiction
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
        # Unknown bits may be an artefact of the simulator's x: then the second run, without x on idle ports, counts.
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
        if found is not None:  # one vector and a short wave say more than a whole run
            return found
        x = [x.tolist()]
    # The same again, with waves: whatever led to the fault is in them.
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
    ):  # Yosys does not read the Verilog, or it has an operator without a Python form
        return None
