"""Fuzzing at volume: ``python benchmarks/fuzz.py [--level L] [--count N] [--seed S] [--docs]``, as JSON.

Results are kept in ``build/fuzz`` case by case, so that an interrupted run can be continued; cases that failed are tried
again. ``--docs`` makes the table of docs/verification.md from the results.
"""

import argparse
import functools
import gc
import json
import multiprocessing
import os
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import fuzz
import marks
import network_fuzz

from tnhw.support import kept
from tnhw.support.files import write_files
from tnhw.tools.watch import end_with_parent

ROOT = Path(__file__).resolve().parent.parent
#: Cases of `make nightly`, and cases between two records.
COUNTS = {"gates": (20_000, 30), "writer": (2_000, 10), "verilog": (300, 1), "netlist": (40, 1),
          "networks": (2_000, 10), "networks-writer": (300, 1), "networks-verilog": (100, 1)}  # fmt: skip
WHAT = {
    "gates": "gates in Amaranth's simulator",
    "writer": "emitted Verilog, proven equal to Amaranth's RTLIL",
    "verilog": "emitted Verilog in Icarus, bench of `sim/`",
    "netlist": f"netlist after synthesis ({', '.join(fuzz.NETLISTS)} in turn) in Icarus, bench of `sim/`",
}  # of kernels; for networks see network_fuzz
FAILED = ROOT / "build" / "fuzz" / "failed"
PAGE = ROOT / "docs" / "verification.md"


def joined(record, more):
    """Records of two runs of one seed, the second right after the first."""
    cells = Counter(record["cells"]) + Counter(more["cells"])
    sums = {key: record[key] + more[key] for key in ("count", "failures", "cpu")}
    return record | sums | {"cells": dict(cells)}


def _part(job):
    level, seed, numbers = job
    gc.disable()  # what a part leaves behind goes at its end, a fifth faster than bit by bit
    try:
        if level in network_fuzz.LEVELS:
            return network_fuzz.run(seed, numbers, network_fuzz.LEVELS[level], FAILED)
        return fuzz.run(seed, numbers, fuzz.LEVELS[level])
    finally:
        gc.enable()
        gc.collect()


def volume(level, seed, first, count, path, *, jobs=1, say=print):
    """Check `count` cases from number `first`. The file `path` keeps the results, from which a later call continues.

    Returns
    -------
    dict
        As :func:`fuzz.run`, with ``level``, ``seconds`` of all calls together, and ``per_minute``.
    """
    path = Path(path)
    done = {"level": level, "seed": seed, "first": first, "count": 0, "cells": {}, "failures": [],
            "seconds": 0.0, "cpu": 0.0}  # fmt: skip
    if known := kept.read(path):  # one that was damaged is of no use
        done = known
        given = level, seed, first
        assert (done["level"], done["seed"], done["first"]) == given, f"{path} is of another run"
        again = [_part((level, seed, [failure["number"]])) for failure in done["failures"]]
        done["failures"] = [failure for more in again for failure in more["failures"]]
        write_files(path.parent, {path.name: kept.text(done)})
    part, end = COUNTS[level][1], first + count
    numbers = range(first + done["count"], end, part)
    parts = [(level, seed, range(number, min(number + part, end))) for number in numbers]
    begin, before = monotonic(), done["seconds"]
    workers = {"initializer": end_with_parent, "initargs": (os.getpid(),)}
    with multiprocessing.Pool(jobs, **workers) if jobs > 1 else nullcontext() as pool:
        for more in (pool.imap if pool else map)(_part, parts):
            done = joined(done, more)
            done["seconds"] = round(before + monotonic() - begin, 1)
            done["cpu"] = round(done["cpu"], 1)
            done["per_minute"] = round(60 * done["count"] / max(done["seconds"], 0.1), 1)
            write_files(path.parent, {path.name: kept.text(done)})
            for failure in more["failures"]:
                say(f"case {failure['number']} of seed {seed}: {failure['text']}")
            if done["count"] * 10 // count > (done["count"] - more["count"]) * 10 // count:
                say(f"{level}: {done['count']} cases, {done['per_minute']} a minute")
    return done


def table(records):
    """Markdown of what was run; records of one level and seed are one row."""
    rows = {}
    for record in records:
        key = record["level"], record["seed"]
        rows[key] = joined(rows[key], record) | {
            "seconds": rows[key]["seconds"] + record["seconds"]
        } if key in rows else record  # fmt: skip
    lines = ["| cases run through | seed | cases | mismatches | a tool broke off | a minute | of a core | share of a kind |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for level in WHAT:
        for (_, seed), record in sorted((k, r) for k, r in rows.items() if k[0] == level):
            count, cells = record["count"], [*record["cells"].values()]
            least = min(cells) if len(cells) == len(fuzz.CELLS) else 0
            broken = sum(f["text"].startswith("ToolFailed") for f in record["failures"])
            rate, of_a_core = (60 * count / max(record[key], 0.1) for key in ("seconds", "cpu"))
            lines.append(
                f"| {WHAT[level]} | {seed} | {count:,} | {len(record['failures']) - broken} | {broken} | {rate:,.0f} | {of_a_core:,.0f} | "
                f"{100 * least / count:.2f} to {100 * max(cells) / count:.2f} % |"
            )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--level", choices=[*COUNTS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    usual = ", ".join(f"{count} {level}" for level, (count, _) in COUNTS.items())
    parser.add_argument("--count", type=int, help=f"cases, by default {usual}")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--records", type=Path, default=ROOT / "build" / "fuzz", metavar="DIR")
    parser.add_argument("--docs", action="store_true", help="write the table of all records")
    given = parser.parse_args()
    say = functools.partial(print, file=sys.stderr, flush=True)
    done = []
    for level in COUNTS if given.level == "all" else [given.level]:
        count = COUNTS[level][0] if given.count is None else given.count
        say(f"{level}: seed {given.seed}, cases {given.first} .. {given.first + count - 1}")
        path = given.records / f"{level}-{given.seed}-{given.first}.json"
        done.append(volume(level, given.seed, given.first, count, path, jobs=given.jobs, say=say))
    if networks := [record for record in done if record["level"] in network_fuzz.LEVELS]:
        say(network_fuzz.table(networks))
    if given.docs:
        found = map(kept.read, sorted(given.records.glob("*.json")))
        records = [record for record in found if record is not None]
        networks = [record for record in records if record["level"] in network_fuzz.LEVELS]
        kernels = [record for record in records if record not in networks]
        if kernels:
            marks.put(PAGE, "fuzzing", table(kernels))
        if networks:
            marks.put(PAGE, "networks", network_fuzz.table(networks))
    print(json.dumps(done, indent=2))
    return any(record["failures"] for record in done)


if __name__ == "__main__":
    sys.exit(main())
