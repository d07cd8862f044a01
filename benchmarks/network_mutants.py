"""Faulty Verilog of a network, by the bench and by the proof: docs/results/network_mutants.json, and a table of docs/verification.md.

``python benchmarks/network_mutants.py [NETWORK] [--faults N] [--seed S] [--jobs N] [--page]``. What was judged before with the same Verilog
is kept, so an interrupted run goes on. ``--page`` only writes the table. The exit status is 1 if a fault is proven, or
fewer than 98 in a hundred are disproved with a run that goes wrong.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import marks
import network_mutants

from tnhw.catalogue import load_design
from tnhw.support.files import write_files
from tnhw.verilog import emitting

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results" / "network_mutants.json"
PAGE = ROOT / "docs" / "verification.md"

AT_ONCE = 4  # edits for each job, after which what was found is written
SPARE = 2  # edits for each that is wanted: Yosys does not accept all

#: What is to be said of an edit that one of the two does not find, by its text.
EXPLAINED: dict[str, str] = {}


def table(name, records):
    """Lines of the table, then a line for each edit that bench and proof do not judge alike, or the proof does not decide."""
    own = network_mutants.counts(records)
    yield "| network | edits | change nothing | not known | faults | killed by the bench | disproved | undecided | proven | median s | slowest s |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    yield "| " + " | ".join(map(str, [name, *own.values()])) + " |"
    yield ""
    for r in records:
        both = r["bench"] and r["proof"] == "disproved"
        if both or (r["proof"] == "proven" and not r["bench"]):
            continue
        said = f"bench: {r['bench'] or 'nothing'}; proof: {r['proof']}"
        yield f"- {said}: {r['fault']}. {EXPLAINED.get(r['fault'], '')}".rstrip()


def known(name, source, seed):
    """Records of an earlier run, by their fault."""
    if not RESULTS.exists():
        return {}
    before = json.loads(RESULTS.read_text())
    if [before[key] for key in ("network", "source", "seed")] != [name, source, seed]:
        return {}
    return {r["fault"]: r for r in before["edits"]}


def judged(name, mutant):
    """What is said of a fault, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return network_mutants.judged(load_design(name), mutant, Path(folder, "mutant"))


def say(number, record):
    words = (record[key] for key in ("bench", "proof", "seconds", "fault"))
    print(number, *words, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", default="digits_tn")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="faults at once")
    parser.add_argument("--page", action="store_true", help="only write the table")
    given = parser.parse_args()
    design, mutants = network_mutants.of(given.network, SPARE * given.faults, given.seed)
    source = hashlib.sha256(emitting.emitted(design)[0].encode()).hexdigest()[:16]
    before, records = known(given.network, source, given.seed), []
    made = {"network": given.network, "source": source, "seed": given.seed}
    with ProcessPoolExecutor(given.jobs) as pool:
        while mutants and len(records) < given.faults:
            some = [mutants.pop(0) for _ in range(min(AT_ONCE * given.jobs, len(mutants)))]
            new = [] if given.page else [m for m in some if m.name not in before]
            found = pool.map(judged, [given.network] * len(new), new)
            before |= {m.name: r for m, r in zip(new, found, strict=True)}
            for record in filter(None, (before.get(m.name) for m in some)):
                records.append(record)
                say(len(records), record)
            if new:
                kept = {"edits": [one for one in before.values() if one]}
                write_files(
                    RESULTS.parent, {RESULTS.name: json.dumps(made | kept, indent=1) + "\n"}
                )
    records = records[: given.faults]
    marks.put(PAGE, "network mutants", "\n".join(table(given.network, records)))
    return not network_mutants.good(records)


if __name__ == "__main__":
    sys.exit(main())
