"""Fuzzing: random small kernels, golden model and gates against a naive oracle.

A case is a function of (seed, number), so that a run is repeated, cut into parts or resumed by numbers. The
kinds (rule, architecture, storage, narrow or wide) take turns, so that each has an equal share.
"""

import json
import os
import tempfile
import time
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import oracle
import random_kernels
from emission import unequal
from places import REGRESSIONS
from random_kernels import Case

from tnhw.kernel import ARCHITECTURES
from tnhw.simulation import simulate
from tnhw.synapse import RULES
from tnhw.verilog.emitting import as_rtlil

STORAGES = ("ports", "memory", "constant")
WIDTHS = {"narrow": (2, 4), "wide": (5, 12)}
CELLS = list(product(sorted(RULES), sorted(ARCHITECTURES), STORAGES, WIDTHS))
NETLISTS = ("ice40", "ecp5", "gowin", "xc7")


def case(seed, number):
    """Case `number` of a seed."""
    rule, architecture, storage, width = CELLS[number % len(CELLS)]
    rng = np.random.default_rng((seed, number))
    low, high = WIDTHS[width]

    def form(least=low, most=high):
        return str(rng.choice(["u", "s"])) + str(rng.integers(least, most + 1))

    keys = {"name": "random_kernel", "rule": rule, "architecture": architecture, "storage": storage}
    # Most are small, which is fast, and what a small one shows is read at once.
    most = (3, 2) if rng.random() < 0.95 else (9, 4)
    keys |= {"inputs": int(rng.integers(1, most[0], endpoint=True)), "input": form()}
    keys["outputs"] = int(rng.integers(1, most[1], endpoint=True))
    if RULES[rule].only_input:
        keys["input"] = str(RULES[rule].only_input)
    if RULES[rule].has_parameter:
        keys["parameter"] = f"u{rng.integers(1, 4)}" if rule == "shift" else form()
    if rule == "threshold":
        keys["gain"] = bool(rng.random() < 0.5)
    if RULES[rule].forms:
        keys["form"] = str(rng.choice(["auto", *RULES[rule].forms]))
        if keys["form"] == "sign_magnitude":  # is for signed weights
            keys["parameter"] = f"s{max(2, int(keys['parameter'][1:]))}"
    if rng.random() < 0.1:
        keys["arithmetic"] = "heap"
        keys["adder"] = str(rng.choice(["ripple", "prefix"]))
        if (architecture, storage) == ("tile", "constant"):
            keys["sharing"] = str(rng.choice(["pairs", "none"]))
    if rng.random() < 0.5:
        folded = storage == "ports" and rng.random() < 0.3
        keys["bias"] = ("folded " if folded else "") + form(2, 12)
    if rng.random() < 0.7:
        keys["output"], keys["shift"] = form(2, 10), int(rng.integers(-2, 8))
    if storage != "ports" and (architecture, storage) != ("tile", "memory") and rng.random() < 0.3:
        keys["interface"] = "axi-stream"
        keys["beat"] = int(rng.integers(1, max(keys["inputs"], keys["outputs"]) + 1))
    kind = architecture, storage, keys.get("arithmetic")
    if kind == ("serial", "ports", "heap") and "folded" not in keys.get("bias", ""):
        keys["gating"] = str(rng.choice(["none", "predicate"]))
    if kind[:2] == ("tile", "memory"):
        keys["registers"] = str(rng.choice(["flip-flop", "latch"]))
    if storage != "constant" and architecture != "serial" and rng.random() < 0.3:
        keys["excitatory"] = int(rng.integers(0, keys["inputs"], endpoint=True))
    arrays = None
    if storage == "constant" or (storage == "memory" and rng.random() < 0.5):
        arrays = random_kernels.parameters(keys, rng, few=bool(rng.random() < 0.5))
    return Case(keys, arrays, int(rng.integers(2**32)))


def smaller(found):
    """Cases that are a step simpler than a failing one."""
    keys, arrays = found.keys, found.arrays
    for name in ("interface", "beat", "arithmetic", "gain", "output", "bias", "form", "gating", "registers",
                 "excitatory", "adder", "sharing"):  # fmt: skip
        if name in keys:
            also = {
                "interface": ["beat"],
                "output": ["shift"],
                "arithmetic": ["adder", "sharing"],
            }.get(name, [])
            less = {k: v for k, v in keys.items() if k not in (name, *also)}
            own = arrays and {k: v for k, v in arrays.items() if k != name}
            yield Case(less, own, found.seed)
    for name, axis in (("inputs", 1), ("outputs", 0)):
        if keys[name] > 1:
            half = keys[name] // 2
            own = arrays and {
                k: (v[:half] if axis == 0 else v if k == "bias" else v[:, :half])
                for k, v in arrays.items()
            }
            yield Case(keys | {name: half}, own, found.seed)


def fails(one, check):
    """The error of a case, or None; a case that is no kernel fails nothing."""
    try:
        _ = one.kernel
    except Exception:
        return None
    try:
        check(one)
    except Exception as error:  # whatever it is, it is a finding
        return error
    return None


def shrink(found, check):
    """A smallest case that still fails."""
    simpler = True
    while simpler:
        simpler = next((c for c in smaller(found) if fails(c, check) is not None), None)
        found = simpler or found
    return found


def keep(found, name, folder=REGRESSIONS):
    """Write a case as a kernel TOML with its parameters; returns the path of the TOML."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keys = found.keys | {"name": name}
    if found.arrays is not None:
        np.savez(folder / f"{name}.npz", **found.arrays)
        keys["parameters"] = f"{name}.npz"
    text = "".join(f"{k} = {json.dumps(v)}\n" for k, v in keys.items())
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


# ---- Levels ----


def on_verilog(one, netlist=None):
    """A case through its emitted Verilog, or the netlist for a family: the bench of `sim/` in Icarus."""
    kernel, parts = one.kernel, random_kernels.segments(one)
    wanted = [oracle.results(one.keys, x, one.arrays if p is None else p) for p, x in parts]
    for (p, x), results in zip(parts, wanted, strict=True):
        assert kernel.golden(x, p).tolist() == results
    p, x = parts[0]
    with tempfile.TemporaryDirectory() as folder:
        result = simulate(kernel, folder, vectors=4, seed=one.seed, x=x, params=p, netlist=netlist)
    assert result.y.tolist() == wanted[0]


def on_netlist(one):
    """A case through synthesis for one of the families."""
    on_verilog(one, NETLISTS[one.seed % len(NETLISTS)])


def on_writer(one):
    """A case through the writer of Verilog: Yosys proves the text equal to Amaranth's RTLIL, register by register."""
    kernel = one.kernel
    _, others = unequal(*as_rtlil(kernel.create(), kernel.name))
    assert others == []


LEVELS = {
    "gates": random_kernels.check,
    "writer": on_writer,
    "verilog": on_verilog,
    "netlist": on_netlist,
}


# ---- Runs ----


def run(seed, numbers, check=random_kernels.check, folder=REGRESSIONS, say=lambda text: None):
    """Check cases.

    Returns
    -------
    dict
        ``seed``, ``first``, ``count``, ``failures`` (number, text, TOML), ``cells`` (cases of each kind),
        ``seconds`` and ``cpu``, those of a core, with those of programs that were called.
    """
    begin, cpu, cells, failures, count = time.monotonic(), _cpu(), Counter(), [], 0
    for number in numbers:
        one = case(seed, number)
        _ = one.kernel  # every case is one
        count += 1
        cells["-".join(CELLS[number % len(CELLS)])] += 1
        error = fails(one, check)
        if error is not None:
            path = keep(shrink(one, check), f"fuzz_{seed}_{number}", folder)
            failures.append({"number": number, "text": repr(error)[:300], "kept": path.name})
            say(f"case {number} of seed {seed}: {error!r}; kept as {path}")
    return {"seed": seed, "first": min(numbers), "count": count, "failures": failures,
            "cells": dict(cells), "seconds": time.monotonic() - begin, "cpu": _cpu() - cpu}  # fmt: skip


def _cpu():
    return sum(os.times()[:4])
