"""Fuzzing of networks: random layers, folds and schedules, golden model and gates against a naive oracle.

A case is a function of (seed, number), see `random_networks.case`; the kinds of `random_networks.KINDS` take turns.
"""

import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import network_oracle
import random_networks
from emission import unequal
from random_networks import KINDS

from tnhw.simulation import simulate
from tnhw.verilog.emitting import as_rtlil

SHARE = 0.05  # of each kind, at least


def on_verilog(case):
    """A case through its emitted Verilog: the bench of `sim/` in Icarus, which checks addresses as well.

    Every other one has AXI4-Stream, and gets wrong packets as well.
    """
    design = case.design(interface=("stream", "axi-stream")[case.seed % 2])
    x = random_networks.vectors(case, 6)
    wanted = [network_oracle.result(case.network, vector) for vector in x]
    assert design.golden(x).tolist() == wanted, "golden model"
    with tempfile.TemporaryDirectory() as folder:
        result = simulate(design, folder, vectors=4, seed=case.seed, x=x)
    assert result.y.tolist() == wanted


def on_writer(case):
    """A case through the writer of Verilog, see `fuzz.on_writer`."""
    design = case.design()
    _, others = unequal(*as_rtlil(design.create(), design.name))
    assert others == []


LEVELS = {
    "networks": random_networks.check,
    "networks-writer": on_writer,
    "networks-verilog": on_verilog,
}


def traits(case):
    """Kinds that a case is of, and what else it has."""
    network, design = case.network, case.design()
    layers, stages = network["layers"], [] if case.schedule == "unrolled" else design.stages
    flags = {name: is_of(case) for name, is_of in KINDS.items()} | {
        "signed input": network["input"][0] == "s",
        "complement": any(keys.get("complement") for keys in layers),
        "shifted left": any(keys.get("shift", 0) < 0 for keys in layers),
        "several results a cycle": any(drain > 1 for _, _, drain in case.folds),
        "idle lanes": any(s.words * s.fold.simd > s.layer.in_shape[2] for s in stages),
        "idle units": any(s.layer.keys.outputs % s.fold.units for s in stages),
        "shared products": any(s.synapse.shared_by > 1 and s.fold.units > 1 for s in stages),
        "reset": case.reset,
        "loadable": case.loadable,
    }
    found = {name for name, value in flags.items() if value}
    found |= {f"rule {keys['rule']}" for keys in layers}
    return found | {f"result {network['result']}", f"{len(layers)} layers"}


def keep(case, name, folder):
    """Write the network of a case; returns the command that simulates it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    design = case.design()
    design.network.save(folder / f"{name}.npz")
    options = f"--schedule {case.schedule}"
    if case.folds:
        options += f" --folds {','.join(str(fold) for fold in design.folds)} --rom {case.rom}"
    flags = [f"--{flag}" for flag in ("dsp", "loadable") if getattr(case, flag)]
    return " ".join(["tnhw simulate", f"{name}.npz", options, *flags])


def run(seed, numbers, check, folder):
    """Check cases; the record is that of :func:`fuzz.run`, whose ``cells`` are here the traits of the cases."""
    begin, cpu, cells, failures, count = time.monotonic(), _cpu(), Counter(), [], 0
    for number in numbers:
        case = random_networks.case(seed, number)
        count += 1
        cells.update(traits(case))
        try:
            check(case)
        except Exception as error:  # whatever it is, it is a finding
            command = keep(case, f"network_{seed}_{number}", folder)
            failures.append({"number": number, "text": repr(error)[:300], "kept": command})
    return {"seed": seed, "first": min(numbers), "count": count, "failures": failures,
            "cells": dict(cells), "seconds": time.monotonic() - begin, "cpu": _cpu() - cpu}  # fmt: skip


def _cpu():
    return sum(os.times()[:4])


def table(records):
    """Markdown: how many networks of each kind were checked, at each level."""
    totals = {level: [r for r in records if r["level"] == level] for level in LEVELS}
    sums = {level: sum(r["count"] for r in own) for level, own in totals.items()}
    lines = [
        "| networks | " + " | ".join(WHAT[level] for level in LEVELS) + " |",
        "|---" * (1 + len(LEVELS)) + "|",
    ]

    def row(name, values):
        lines.append(f"| {name} | " + " | ".join(values) + " |")

    row("checked", [f"{sums[level]:,}" for level in LEVELS])
    row("mismatches", [str(sum(len(r["failures"]) for r in totals[level])) for level in LEVELS])
    names = {name for record in records for name in record["cells"]} - {"any"}
    for name in [*(kind for kind in KINDS if kind in names), *sorted(names - set(KINDS))]:
        counts = [sum(r["cells"].get(name, 0) for r in totals[level]) for level in LEVELS]
        row(name, [f"{count:,} ({100 * count / max(sums[level], 1):.1f} %)"
                   for level, count in zip(LEVELS, counts, strict=True)])  # fmt: skip
    return "\n".join(lines) + "\n"


WHAT = {
    "networks": "gates in Amaranth's simulator",
    "networks-writer": "emitted Verilog, proven equal to Amaranth's RTLIL",
    "networks-verilog": "emitted Verilog in Icarus, bench of `sim/`",
}
