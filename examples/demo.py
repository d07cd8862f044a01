"""The whole flow on handwritten digits: fit, generate, simulate, build, compare.

Run it with ``make demo``. Everything that it prints was computed or measured while it ran; files are
left in ``build/demo``.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import fit_digits
import numpy as np
import picture
from rich import box
from rich.console import Console
from rich.table import Table

from tnhw.bitstream import build
from tnhw.boards import load_board
from tnhw.errors import CheckFailed, TnhwError
from tnhw.kernel import Kernel
from tnhw.netlist import synthesise
from tnhw.simulation import simulate
from tnhw.support.config import read_toml
from tnhw.support.data_files import folder
from tnhw.support.files import write_files
from tnhw.verilog import generate

RULES = ("threshold", "ternary", "shift", "mac")
BOARDS = ("icebreaker", "ulx3s_25f")
SHADES = " .:-=+*#%@"
PICTURES = 8
CELLS = ("kernel_luts", "kernel_carry", "luts", "ram", "dsps")


def kernel_of(rule, arrays):
    """The digits kernel of a rule with freshly fitted parameters."""
    keys = read_toml(folder("kernels") / f"digits_layer_{rule}.toml")
    return Kernel(arrays=arrays, **keys)


def accuracy(y, labels):
    """Share of vectors whose first largest result is the label, in percent."""
    return 100 * float((y.argmax(axis=1) == labels).mean())


def run_rule(rule, seed, images, labels, boards, out, say):
    """One rule from training to bitstreams: a record of what was measured."""
    began = time.monotonic()
    kernel = kernel_of(rule, fit_digits.fit(rule, seed))
    say(f"{rule}: fitted in {time.monotonic() - began:.1f} s; writing Verilog")
    manifest = generate(kernel, out / kernel.name / "rtl")
    golden = kernel.golden(images)
    say(f"{rule}: simulating {len(images)} test images in Icarus Verilog")
    result = simulate(kernel, out / kernel.name / "sim", vectors=8, seed=seed, x=images)
    if not np.array_equal(result.y, golden):
        raise CheckFailed(f"{rule}: the simulated hardware differs from the golden model")
    record = {
        "rule": rule,
        "stored_bits": manifest["stored_bits"],
        "accuracy_golden": accuracy(golden, labels),
        "accuracy_rtl": accuracy(result.y, labels),
        "cycles": manifest["interval"],
        "latency": manifest["latency"],
        "simulation": f"{result.vectors} vectors, {result.cycles} cycles",
        "boards": {},
    }
    for name in boards:
        say(f"{rule}: building {name}")
        board = load_board(name)
        built = build(kernel, board, out / kernel.name / name)
        rtl = out / kernel.name / "rtl" / f"{kernel.name}.v"
        alone = synthesise(rtl, kernel.name, board.family, out / kernel.name / "netlists").counts
        record["boards"][name] = {
            "luts": built.utilisation["LUTs"]["used"],
            "kernel_luts": alone["LUT"],
            "kernel_carry": alone["carry"],
            "ffs": built.utilisation["FFs"]["used"],
            "ram": built.utilisation["RAM"]["used"],
            "dsps": built.utilisation["DSP"]["used"],
            "fmax_mhz": built.fmax / 1e6,
            "images_per_second": built.fmax / manifest["interval"],
        }
    return record, result.y


def table(records, boards):
    """The comparison, as a rich table: a row for each rule and board."""
    out = Table(box=box.SIMPLE_HEAD)
    out.add_column("rule")
    for heading in ("bits a\nsynapse", "accuracy %\ngolden", "\nRTL"):
        out.add_column(heading, justify="right")
    out.add_column("board")
    headings = ("kernel\nLUTs", "\ncarry", "board\nLUTs", "\nRAM", "\nDSPs")
    headings += ("Fmax\nMHz", "cycles\nan image", "images/s\ncore")
    for heading in headings:
        out.add_column(heading, justify="right")
    for record in records:
        row = [record["rule"], str(record["stored_bits"])]
        row += [f"{record[key]:.1f}" for key in ("accuracy_golden", "accuracy_rtl")]
        for name in boards:
            board = record["boards"][name]
            cells = [board[key] for key in CELLS]
            cells += [f"{board['fmax_mhz']:.1f}", record["cycles"]]
            cells.append(f"{board['images_per_second']:,.0f}")
            out.add_row(*row, name, *map(str, cells))
            row = ["", "", "", ""]
    return out


def pictures(images, classes, labels):
    """Digits as text, side by side, with the class that the hardware gave them."""
    lines = []
    for row in range(8):
        cells = [image.reshape(8, 8)[row] for image in images]
        lines.append("  ".join("".join(SHADES[v * 9 // 15] * 2 for v in cell) for cell in cells))
    verdicts = [
        f"{got}" if got == label else f"{got} (is {label})"
        for got, label in zip(classes, labels, strict=True)
    ]
    lines.append("  ".join(f"{verdict:^16}" for verdict in verdicts))
    return "\n".join(line.rstrip() for line in lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("build/demo"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=RULES)
    parser.add_argument("--boards", nargs="*", default=BOARDS)
    parser.add_argument("--images", type=int, default=None, help="test images (all 450)")
    parser.add_argument("--json", action="store_true", help="result as JSON on stdout")
    options = parser.parse_args(arguments)

    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:5.1f} s] {text}", file=sys.stderr, flush=True)

    *_, images, labels = fit_digits.load()
    images, labels = images[: options.images], labels[: options.images]
    records, results = [], {}
    try:
        for rule in options.rules:
            record, y = run_rule(
                rule, options.seed, images, labels, options.boards, options.out, say
            )
            records.append(record)
            results[rule] = y
    except TnhwError as error:
        print(f"demo: {error}", file=sys.stderr)
        return error.exit_status

    shown = options.rules[0]
    classes = results[shown].argmax(axis=1)
    wrong = np.flatnonzero(classes != labels)[:1]
    chosen = np.concatenate([np.arange(PICTURES - len(wrong)), wrong])
    drawn = images[chosen], classes[chosen].tolist(), labels[chosen].tolist()
    report = {"seed": options.seed, "images": len(images), "rules": records}
    write_files(
        options.out,
        {
            "digits.svg": picture.draw(*drawn, records, next(iter(options.boards), None)),
            "results.json": json.dumps(report, indent=2) + "\n",
        },
    )
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    console = Console(width=None if sys.stdout.isatty() else 132)
    console.print(table(records, options.boards))
    console.print(
        f"{len(images)} test images, seed {options.seed}; simulated RTL equals the golden model on "
        "every one.\nkernel: after synthesis, alone. board: routed, serial line and the LUTs of carry "
        "chains included.\nimages/s: core rate, Fmax / cycles an image, not the rate of the serial "
        "line; no board was attached.\nOn these digits `threshold` has no measurable lead over "
        "`ternary`: see `examples/fit_digits.py --table`."
    )
    print(f"\nWhat the `{shown}` hardware saw, and the class it gave:\n")
    print(pictures(*drawn))
    print(f"\nFiles are in {options.out}; the picture is {options.out / 'digits.svg'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
