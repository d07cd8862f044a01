"""Faults in the emitted text of a network, and what the bench and the proof say of each.

The two judge the same faults, and share nothing: the bench sends vectors in a simulator and compares with the golden model,
the proof executes the text for all inputs and compares with the definition.
"""

import time

import verilog_mutants

from tnhw.catalogue import load_design
from tnhw.errors import CheckFailed, InputError, Undecided
from tnhw.proof.networks.proving import prove_network
from tnhw.simulation import traffic
from tnhw.simulation.simulating import run_bench
from tnhw.verilog import emitting
from tnhw.verilog.foreign import given

__all__ = ["VECTORS", "counts", "good", "judged", "of"]

VECTORS = 100  # random ones, as by default, in addition to corner vectors and those near the border of two classes


def of(name, count, seed=1):
    """The design of a network, and `count` faults of its emitted Verilog."""
    design = load_design(name)
    text, _ = emitting.emitted(design)
    return design, verilog_mutants.mutants(text, count, seed)


def judged(design, mutant, folder):
    """What the bench and the proof say of a fault.

    Returns
    -------
    dict or None
        None if Yosys does not accept the text. Else ``fault``, its name; ``bench``, the kind of the first failure, or None;
        ``proof``, the verdict, with the ``part`` that it is of and the ``text`` about it; and ``seconds`` of bench and proof.
    """
    _, manifest = emitting.emitted(design)
    folder.mkdir(parents=True)
    source = folder / "mutant.v"
    source.write_text(mutant.text)
    begin = time.monotonic()
    try:
        given([source], manifest, cells=False)
    except InputError:
        return None
    killed = _bench(source, manifest, traffic.make(design, manifest, vectors=VECTORS), folder)
    between = time.monotonic()
    verdict, part, words = _proof(design, source, folder)
    seconds = [round(between - begin, 1), round(time.monotonic() - between, 1)]
    return {"fault": mutant.name, "bench": killed, "proof": verdict, "part": part, "text": words,
            "seconds": seconds}  # fmt: skip


def _bench(source, manifest, sent, folder):
    """Kind of the first failure, or None."""
    try:
        run_bench([source], manifest, sent, folder / "sim", simulator="icarus")
    except CheckFailed as error:
        return error.result.mismatch["kind"]
    return None


def _proof(design, source, folder):
    """Verdict, the part that it is of, and its text."""
    try:
        prove_network(design, folder / "proof", rtl=[source], patterns=0)
    except (CheckFailed, Undecided) as error:
        last = error.result.parts[-1]
        return last["verdict"], last["part"], last["text"]
    return "proven", "", ""


def counts(records):
    """How many edits there are, and what was said of them.

    An edit changes nothing (`same`) if the proof proves it, whatever the pauses and stalls, and the bench finds nothing. It is a
    fault if the bench or the proof finds a run that goes wrong. Of the rest it is not known (`unknown`).
    """
    found = [r for r in records if r["bench"] or r["proof"] == "disproved"]
    same = sum(r["proof"] == "proven" and not r["bench"] for r in records)
    seconds = sorted(r["seconds"][1] for r in records) or [0]
    return {
        "edits": len(records),
        "same": same,
        "unknown": len(records) - len(found) - same,
        "faults": len(found),
        "bench": sum(bool(r["bench"]) for r in found),
        "disproved": sum(r["proof"] == "disproved" for r in found),
        "undecided": sum(r["proof"] == "undecided" for r in found),
        "proven": sum(r["proof"] == "proven" for r in found),
        "median": seconds[len(seconds) // 2],
        "slowest": seconds[-1],
    }


def good(records):
    """Whether no fault was proven, and 98 in a hundred were disproved."""
    own = counts(records)
    return not own["proven"] and own["disproved"] >= 0.98 * own["faults"]
