"""Mutation scores of the bench: docs/results/mutation.json, and the table of docs/verification.md.

The benches of IP packages are scored as well: the table of docs/ip.md.

``python benchmarks/mutation.py [--faults N] [--seed S] [--all] [--limit SECONDS]``. A kind that was scored with the
same Verilog, traffic and bench is not scored again, so that an interrupted run can be continued.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from tnhw.support.files import write_files

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import ip_mutation
import marks
import mutation

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "verification.md"
PACKAGES = ROOT / "docs" / "ip.md"
RESULTS = ROOT / "docs" / "results" / "mutation.json"

#: Why a fault that changes something, or that ABC does not decide, does no harm: kernel to fault to a sentence.
EXPLAINED = {
    "ternary serial memory operators": {
        "inv $procmux$209.B[0]": (
            "after a reset one term counts as valid. It is neither first nor last, and the first of a vector starts the "
            "sum anew; `ready` of a load rises a cycle later."
        ),
    },
    "threshold tile memory operators": {
        "const1 $and$design.v:124$8.B[0]": (
            "`ready` of the load stays up a cycle longer, in which a further load is taken and held; "
            "inputs wait as long. Flip-flops hold it as well; latches would not."
        ),
    },
}


def table(records):
    """Lines of the table, and of the survivors with their explanations."""
    faults, killed, same = (
        sum(r[key] for r in records) for key in ("faults", "killed", "equivalent")
    )
    yield f"{len(records)} of {len(mutation.KINDS)} kinds, {faults} faults: {killed} killed, {same} proven equivalent, {faults - killed - same} survive. "
    yield f"Together {killed / (faults - same):.2%}, the worst kind {min(r['score'] for r in records):.1%}."
    yield ""
    yield "| kernel | seed | faults | killed | equivalent | score | survivors |"
    yield "|---|---|---|---|---|---|---|"
    for r in records:
        cells = [r[key] for key in ("kernel", "seed", "faults", "killed", "equivalent")]
        cells += [f"{r['score']:.1%}", len(r["survivors"])]
        yield "| " + " | ".join(map(str, cells)) + " |"
    yield ""
    for r in records:
        for fault, verdict in r["survivors"].items():
            reason = EXPLAINED.get(r["kernel"], {}).get(fault, "not explained")
            yield f"- {r['kernel']}, `{fault}` ({verdict}): {reason}"


def write(records):
    """Both files, with records in the order of the kinds."""
    order = {" ".join(kind): k for k, kind in enumerate(mutation.KINDS)}
    records = sorted(records, key=lambda r: (order[r["kernel"]], r["seed"], r["faults"]))
    write_files(RESULTS.parent, {RESULTS.name: json.dumps(records, indent=1) + "\n"})
    marks.put(PAGE, "mutation", "\n".join(table(records)))


def packages(count, seed):
    """Lines of the table of the benches in IP packages."""
    yield f"Seed {seed}; score = killed / (faults - equivalent)."
    yield ""
    yield "| kernel | bench | faults | killed | equivalent | score |"
    yield "|---|---|---|---|---|---|"
    for bench in ip_mutation.BENCHES:
        for name in ip_mutation.KERNELS:
            r = ip_mutation.score(name, bench, count, seed=seed)
            print(name, bench, r["score"], r["survivors"], file=sys.stderr, flush=True)
            cells = [r[key] for key in ("kernel", "bench", "faults", "killed", "equivalent")]
            yield "| " + " | ".join(map(str, [*cells, f"{r['score']:.1%}"])) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=100, help="faults for each kind of kernel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--limit", type=float, default=1e9, help="begin no kind after these seconds"
    )
    parser.add_argument(
        "--all", action="store_true", help="all kinds, not one a rule and architecture"
    )
    parser.add_argument("--packages", action="store_true", help="the benches of packages only")
    given = parser.parse_args()
    marks.put(PACKAGES, "mutation", "\n".join(packages(min(given.faults, 60), given.seed)))
    if given.packages:
        return
    records = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    begin = time.monotonic()
    for kind in mutation.KINDS if given.all else mutation.SAMPLE:
        if time.monotonic() - begin > given.limit:
            break
        made = mutation.kernel(*kind)
        of = {"kernel": " ".join(kind), "seed": given.seed, "source": mutation.source(made)}
        if any(r | of == r and r["asked"] >= given.faults for r in records):
            continue
        record = of | mutation.score(made, given.faults, seed=given.seed) | {"asked": given.faults}
        print(record["kernel"], record["score"], record["survivors"], file=sys.stderr, flush=True)
        records = [r for r in records if r["kernel"] != record["kernel"]] + [record]
        write(records)
    write(records)


if __name__ == "__main__":
    main()
