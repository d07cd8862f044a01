"""Synthesis of small random kernels with random names: ``python benchmarks/synthesis.py [--count N] [--seed S]``.

Whether ABC9 dies depends on the names in a design, so names are random too. Every kernel goes
through synthesis for every FPGA family: for one of them as `tnhw build` does it, with the harness of a board, for
the others alone, as `compare` and `simulate --netlist` do it. Results are kept, so that an interrupted run can be continued. The result is JSON on standard output; the exit status is 1 if there
was a failure.
"""

import argparse
import contextlib
import functools
import json
import sys
import tempfile

import numpy as np

from tnhw.bitstream import toolchain
from tnhw.bitstream.harnessed import board_plan
from tnhw.boards import load_board
from tnhw.boards.harness import Harness
from tnhw.boards.protocol import Sizes
from tnhw.comparison import jobs
from tnhw.errors import InputError, TnhwError
from tnhw.kernel import ARCHITECTURES, Kernel
from tnhw.netlist import count, synthesise
from tnhw.synapse import RULES
from tnhw.tools.ladder import recorded
from tnhw.verilog import emit

COUNT = 300
# Family, and the board that some kernels are built for; no open tool builds for xc7.
FAMILIES = {"ice40": "icebreaker", "ecp5": "ulx3s_25f", "gowin": "tang_nano_9k", "xc7": None}
BAUD = 115_200
WORDS = ("layer", "dot", "neuron", "edge", "widget", "core", "top", "unit", "sum", "net")
# Under these names, these kernels once ended the synthesis for iCE40.
NAMED = (
    {"name": "foo", "rule": "threshold", "architecture": "parallel", "parameter": "s4",
     "interface": "axi-stream"},
    {"name": "beta", "rule": "ternary", "architecture": "parallel"},
    {"name": "gamma", "rule": "threshold", "architecture": "serial", "parameter": "s4"},
)  # fmt: skip
_NAMED_SIZE = {"inputs": 3, "outputs": 2, "input": "s4", "storage": "memory"}


def random_keys(rng):
    """Keys of a small kernel; not every choice is allowed."""

    def format_():
        return f"{rng.choice(['u', 's'])}{rng.integers(2, 7)}"

    letters = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz_0123456789"), rng.integers(1, 9)))
    keys = {
        "name": f"{rng.choice(WORDS)}_{letters}z",
        "rule": str(rng.choice(sorted(RULES))),
        "architecture": str(rng.choice(sorted(ARCHITECTURES))),
        "storage": str(rng.choice(["ports", "memory"])),
        "inputs": int(rng.integers(1, 7)),
        "outputs": int(rng.integers(1, 4)),
        "input": format_(),
    }
    if keys["rule"] == "shift":
        keys["parameter"] = f"u{rng.integers(1, 3)}"
    elif keys["rule"] != "ternary":
        keys["parameter"] = format_()
    if rng.integers(2):
        keys |= {"output": format_(), "shift": int(rng.integers(0, 4))}
    if rng.integers(3) == 0 and keys["storage"] == "memory":
        keys["interface"] = "axi-stream"
    if rng.integers(4) == 0:
        keys["arithmetic"] = "heap"
    return keys


def cases(seed, number):
    """Keys of the kernels of NAMED and then of random ones, `number` together, and the family in which each is built for a board."""
    rng, found = np.random.default_rng(seed), [_NAMED_SIZE | keys for keys in NAMED]
    while len(found) < number:
        keys = random_keys(rng)
        with contextlib.suppress(InputError):
            Kernel(**keys)
            found.append(keys)
    names = [*FAMILIES]
    return [
        (keys, names[0 if k < len(NAMED) else k % len(names)])
        for k, keys in enumerate(found[:number])
    ]


def check(keys, on_board, families):
    """Result of the synthesis of a kernel for each family: cells by kind, what was tried again, or the failure."""
    kernel, result = Kernel(**keys), {}
    text = None
    for family in families:
        with tempfile.TemporaryDirectory() as folder, recorded() as retries:
            try:
                if family == on_board and FAMILIES[family]:
                    cells = _on_board(kernel, load_board(FAMILIES[family]), folder)
                else:
                    text = text or emit(kernel.create(), kernel.name)
                    cells = synthesise(text, kernel.name, family, folder).counts
            except TnhwError as error:
                result[family] = {"failure": str(error), "retries": retries}
            else:
                result[family] = {"cells": cells, "retries": retries}
    return result


def _on_board(kernel, board, folder):
    plain, clock = kernel.create(interface="stream"), board.clock.frequency
    harness = Harness(plain, Sizes.of(kernel), clock=clock, baud=BAUD)
    plan = board_plan(harness, board, dsp=True)
    return count(toolchain.synthesise_plan(plan, folder, board), board.family)


def survey(number=COUNT, seed=0, families=tuple(FAMILIES), *, workers=1, cached=True, say=print):
    """Synthesise kernels.

    Returns
    -------
    dict
        ``kernels``, ``syntheses``, ``retried`` (those in which a tool died, by family) and ``failures``.
    """
    made = cases(seed, number)
    todo = []
    for k, (keys, on_board) in enumerate(made):
        arguments = {"keys": keys, "on_board": on_board, "families": list(families)}
        todo.append(jobs.Job(f"{k}: {keys['name']}", check, arguments, arguments))
    results = jobs.run(todo, workers=workers, cached=cached, say=say)
    retried, failures = dict.fromkeys(families, 0), []
    for (keys, _), result in zip(made, results, strict=True):
        if isinstance(result, TnhwError):
            failures.append({"kernel": keys["name"], "failure": str(result)})
            continue
        for family, found in result.items():
            retried[family] += bool(found["retries"])
            if "failure" in found:
                failures.append({"kernel": keys["name"], "family": family, **found})
    return {
        "kernels": len(made),
        "syntheses": len(made) * len(families),
        "retried": retried,
        "failures": failures,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--again", action="store_true", help="also what is known from before")
    given = parser.parse_args()
    say = functools.partial(print, file=sys.stderr, flush=True)
    options = {"workers": given.jobs, "cached": not given.again, "say": say}
    record = survey(given.count, given.seed, **options)
    print(json.dumps(record, indent=2))
    return bool(record["failures"])


if __name__ == "__main__":
    sys.exit(main())
