"""How large a kernel can be proven: kinds of kernels by size and width, and the table of `docs/verification.md`.

python benchmarks/reach.py [--only TEXT] [--limit SECONDS] [-o FOLDER]

Each case is a `tnhw prove` of its own, which is ended after the limit. Figures are kept in `results/reach.json`, so that
an interrupted run continues where it stopped; `--only` runs the cases again whose title contains a text.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import marks

from tnhw.support.files import write_files

DOCS = Path(__file__).resolve().parent.parent / "docs"
RULES = ("threshold subtract", "threshold max", "ternary", "addernet", "shift", "mac")


def kernel(rule, inputs, bits, architecture="parallel", **more):
    """TOML of a kernel with parameters in ports, rounding and clamp."""
    rule, _, form = rule.partition(" ")
    keys = {"name": "reach", "rule": rule, "architecture": architecture, "inputs": inputs,
            "input": f"u{bits}", "output": f"u{bits}", "shift": 4}  # fmt: skip
    if rule == "shift":
        keys["parameter"] = "u3"
    elif rule != "ternary":
        keys["parameter"] = f"s{bits}" if rule in ("mac", "addernet") else f"u{bits}"
    if form:
        keys["form"] = form
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in (keys | more).items())


def cases():
    """Title to (TOML, options of `tnhw prove`)."""
    found = {}
    for rule, architecture, bits in product(RULES, ("parallel", "serial"), (4, 8, 16)):
        if rule.startswith("mac") and bits > 4:
            continue  # whole products are for lemmas
        title = f"function whole, {rule}, {architecture}, 4 inputs of {bits} bits"
        options = ["--property", "function", "--method", "whole"]
        found[title] = kernel(rule, 4, bits, architecture), options
    for rule, inputs, bits, architecture in product(
        RULES, (16, 64), (8, 16), ("parallel", "serial")
    ):
        title = f"function by lemmas, {rule}, {architecture}, {inputs} inputs of {bits} bits"
        found[title] = kernel(rule, inputs, bits, architecture), ["--property", "function"]
    for rule, how, property_ in product(
        RULES, ("parallel", "serial", "serial gated"), ("function", "stream")
    ):
        title = f"{property_}, {rule}, {how}, bit heap, 16 inputs of 8 bits"
        gated = {"gating": "predicate"} if "gated" in how else {}
        toml = kernel(rule, 16, 8, how.split()[0], arithmetic="heap", **gated)
        found[title] = toml, ["--property", property_]
    for (inputs, bits), architecture in product(((16, 16), (64, 8)), ("parallel", "serial")):
        title = f"stream, threshold, {architecture}, {inputs} inputs of {bits} bits"
        found[title] = kernel(RULES[0], inputs, bits, architecture), ["--property", "stream"]
    for rule, family in product((*RULES, "mac booth"), ("ice40", "ecp5", "gowin")):
        title = f"netlist of {family}, {rule}, parallel, 16 inputs of 8 bits"
        found[title] = kernel(rule, 16, 8), ["--property", "stream", "--netlist", family]
    return found


def measure(toml, options, limit):
    """The result of one proof: verdict, method, solver, seconds."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "reach.toml")
        path.write_text(toml)
        command = [sys.executable, "-m", "tnhw", "prove", str(path), *options, "-o", name, "--json",
                   "--limit", str(limit)]  # fmt: skip
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it ends its tools
            process.communicate()
            return {"verdict": f"not within {limit:g} s", "seconds": limit}
    seconds = round(time.monotonic() - begin, 1)
    try:
        result = json.loads(out)
    except json.JSONDecodeError:
        return {"verdict": err.strip().splitlines()[-1][:200], "seconds": seconds}
    wanted = "netlist" if "--netlist" in options else options[1]
    parts = [part for part in result["parts"] if part["property"] == wanted]
    verdicts = {part["verdict"] for part in parts}
    return {
        "verdict": ", ".join(sorted(verdicts)) or "none",
        "method": ", ".join(dict.fromkeys(part["method"] for part in parts)),
        "solver": ", ".join(dict.fromkeys(part["solver"] or "none" for part in parts)),
        "seconds": seconds,
    }


def table(record):
    lines = ["| property, kernel | verdict | method | solver | s |", "|---|---|---|---|---|"]
    for title, row in record.items():
        cells = title, row["verdict"], row.get("method", ""), row.get("solver", ""), row["seconds"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="only cases with this in their title, measured again")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one case")
    parser.add_argument("-o", "--out", type=Path, default=DOCS, help="folder like docs")
    given = parser.parse_args()
    kept = given.out / "results" / "reach.json"
    record = json.loads(kept.read_text()) if kept.exists() else {}
    for title, (toml, options) in cases().items():
        if given.only not in title if given.only else title in record:
            continue
        record[title] = measure(toml, options, given.limit)
        print(f"{title}: {record[title]['verdict']}, {record[title]['seconds']} s", flush=True)
        write(record, given.out)


def write(record, folder):
    """The figures, and the table of `docs/verification.md`, in a folder like `docs`."""
    record = {title: record[title] for title in cases() if title in record}
    write_files(folder / "results", {"reach.json": json.dumps(record, indent=1) + "\n"})
    marks.put(folder / "verification.md", "reach", table(record))


if __name__ == "__main__":
    main()
