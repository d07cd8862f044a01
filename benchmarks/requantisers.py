"""What the requantisation of a layer costs: the same layer with a shift, with thresholds, and with multipliers.

    python benchmarks/requantisers.py      # writes the table in docs/theory.md

The layer has 64 inputs of 4 bits and 64 outputs, rule ternary, in a design of 8 x 8 lanes. It is synthesised by Yosys
without place and route. The largest sums of all three are the same.
"""

import sys
import tempfile
from pathlib import Path

import marks
import numpy as np

from tnhw.netlist.synthesis import logic, synthesise
from tnhw.network import Design, Fold, Network
from tnhw.verilog import emitting

PAGE = Path(__file__).resolve().parent.parent / "docs" / "theory.md"
FAMILIES = ("ice40", "ecp5")
BITS = (1, 2, 4, 8)
SIZE = 64


def design(kind, bits):
    """The layer with a kind of requantisation to so many bits."""
    rng = np.random.default_rng(0)
    keys = {
        "kind": "dense",
        "rule": "ternary",
        "outputs": SIZE,
        "output": f"u{bits}",
        "requantise": kind,
    }
    arrays = {"sign": rng.integers(-1, 2, (SIZE, SIZE)), "bias": rng.integers(-100, 101, SIZE)}
    if kind == "staircase":
        arrays["steps"] = np.sort(rng.integers(-500, 500, (SIZE, 2**bits - 1)), axis=1)
    elif kind == "scale":
        arrays["multiplier"] = rng.integers(2**7, 2**8, SIZE)
        arrays["offset"] = rng.integers(-(2**14), 2**14, SIZE)
        keys["shift"] = 17 - bits
    else:
        keys["shift"] = max(0, 9 - bits)
    network = Network("layer", "u4", [SIZE], [keys], [arrays], "vector")
    return Design(network, [Fold(8, 8)])


def row(kind, bits, folder):
    made = design(kind, bits)
    text, _ = emitting.emitted(made)
    cells = []
    for family in FAMILIES:
        found = synthesise(text, made.name, family, folder, dsp=False)
        cells += [logic(found.counts, family), found.counts["FF"], found.counts["RAM"]]
    return made.latency, made.interval, cells


def table():
    heads = [f"{family} {what}" for family in FAMILIES for what in ("LUT", "FF", "RAM")]
    lines = [
        "| bits of a result | requantisation | latency | cycles a vector | "
        + " | ".join(heads)
        + " |",
        "|--:|---|--:|--:|" + "--:|" * len(heads),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for bits in BITS:
            for kind in ("shift", "staircase", "scale"):
                print(f"{kind}, {bits} bits ...", file=sys.stderr)
                latency, interval, cells = row(kind, bits, folder)
                numbers = " | ".join(f"{cell:,}" for cell in cells)
                lines.append(f"| {bits} | {kind} | {latency} | {interval} | {numbers} |")
    return "\n".join(lines)


if __name__ == "__main__":
    made = table()
    print(made)
    marks.put(PAGE, "requantisers", made)
