"""Verdicts of `tnhw prove` on faulty Verilog: docs/results/prove_mutants.json, and the table of `docs/verification.md`.

``python benchmarks/prove_mutants.py [KERNEL...] [--faults N] [--seed S] [-o FOLDER]``. Edits of the emitted text that change
nothing do not count: the next one is taken. The exit status is 1 if a fault is proven, or fewer than nine in ten
are disproved with a vector or a run that goes wrong.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import marks
import verilog_mutants

from tnhw.support.files import write_files

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results" / "prove_mutants.json"
PAGE = ROOT / "docs" / "verification.md"
SPARE = 3  # edits for each fault that is wanted: some change nothing


def records(name, faults, seed):
    """Records of one kernel's edits, until `faults` of them are faults."""
    made = verilog_mutants.kernel(name)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, mutant in enumerate(verilog_mutants.of(made, SPARE * faults, seed)):
            record = verilog_mutants.judged(made, mutant, Path(folder, str(number)))
            found.append(record)
            print(
                name,
                record["verdict"],
                record["real"],
                record["seconds"],
                record["fault"],
                file=sys.stderr,
                flush=True,
            )
            if verilog_mutants.counts(found)["faults"] == faults:
                break
    return found


def table(found):
    """Lines of the table."""
    yield "| kernel | edits | change nothing | perhaps nothing | faults | disproved with a run | undecided | proven | median s | slowest s |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, some in found.items():
        own = verilog_mutants.counts(some)
        yield "| " + " | ".join(map(str, [name, *own.values()])) + " |"
    yield ""
    for name, some in found.items():
        for r in some:
            if r["real"] == "unknown":
                yield f"- {name}, {r['verdict']}: {r['fault']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", default=list(verilog_mutants.KERNELS))
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "-o", "--out", type=Path, help="folder for the results, if not that of docs/"
    )
    given = parser.parse_args()
    found = {name: records(name, given.faults, given.seed) for name in given.kernels}
    place = given.out or RESULTS.parent
    write_files(
        place, {RESULTS.name: json.dumps({"seed": given.seed, "kernels": found}, indent=1) + "\n"}
    )
    lines = list(table(found))
    print("\n".join(lines))
    if given.out is None:
        marks.put(PAGE, "prove mutants", "\n".join(lines))
    return any(not verilog_mutants.good(some) for some in found.values())


if __name__ == "__main__":
    sys.exit(main())
