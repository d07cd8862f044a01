"""Build something for every board, and write the table in `docs/boards.md`.

python benchmarks/boards.py [-o FILE] [--work FOLDER] [--again] [BOARD...]

Each finished board leaves its row in the work folder, and is not built again: so the run goes on where it
was interrupted. The page is rewritten when the rows of all boards are there. A bitstream must reach
its board's clock.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import numpy as np

from tnhw import kept
from tnhw.board import boards, load_board
from tnhw.build import build
from tnhw.errors import DoesNotFit, TimingNotMet
from tnhw.files import write_files
from tnhw.library import load_design

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "boards.md"
BEGIN, END = "<!-- boards: made by benchmarks/boards.py -->", "<!-- boards: end -->"
HEAD = """
| board | device | what | with | LUTs | Fmax MHz | clock MHz | s |
|---|---|---|---|---|---|---|---|
"""

# What is built, the first that fits and is fast enough: one layer in a single engine, then a whole
# network in few cells with a short critical path.
CANDIDATES = (("digits_layer_threshold", {}), ("digits_tn", {"folds": "4x2,1x1"}))
SEEDS = (1, 2)
SELF_TEST_VECTORS = 8


def attempts(board):
    """(file, options, seed, vectors of a self-test or None) in the order in which they are tried."""
    for name, options in CANDIDATES:
        kernel = load_design(name, **options)
        x = None
        if board.uart is None:
            x = kernel.random_input(np.random.default_rng(0), SELF_TEST_VECTORS)
        for seed in SEEDS:
            yield kernel, seed, x


def build_row(name, folder):
    """Row of one board, a dict; raises what the last attempt raised."""
    board = load_board(name)
    failure = None
    for kernel, seed, x in attempts(board):
        if isinstance(failure, DoesNotFit) and seed != SEEDS[0]:
            continue
        began = time.monotonic()
        try:
            record = build(kernel, board, folder, seed=seed, self_test=x, cache=False)
        except (DoesNotFit, TimingNotMet) as error:
            print(f"    {error}", file=sys.stderr, flush=True)
            failure = error
            continue
        return {
            "board": name,
            "device": re.search(r"\((.*)\)", board.title)[1],
            "what": kernel.name,
            "with": "self-test" if record.self_test else "serial line",
            "luts": f"{record.utilisation['LUTs']['used']}",
            "fmax": f"{record.fmax / 1e6:.1f}",
            "clock": f"{record.clock / 1e6:g}",
            "seconds": f"{time.monotonic() - began:.0f}",
        }
    raise failure


def open_boards():
    """Names of the boards that open tools build for."""
    return [name for name in boards() if not load_board(name).vendor_tool]


def table(rows):
    """Text of the table."""
    return HEAD + "".join("| " + " | ".join(row.values()) + " |\n" for row in rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=PAGE, help="page to write the table in")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "boards", help="kept rows")
    parser.add_argument("--again", action="store_true", help="build all anew")
    parser.add_argument("boards", nargs="*", metavar="BOARD", help="these, and no page")
    options = parser.parse_args(arguments)
    names = options.boards or open_boards()
    rows, failed = [], []
    for number, name in enumerate(names, 1):
        path = options.work / name / "row.json"
        row = None if options.again else kept.read(path)
        if row is None:
            print(f"[{number}/{len(names)}] {name}", file=sys.stderr, flush=True)
            try:
                row = build_row(name, path.parent)
            except Exception as error:  # the others are worth building all the same
                print(f"    failed: {error}", file=sys.stderr, flush=True)
                failed.append(name)
                continue
            write_files(path.parent, {path.name: kept.text(row)})
        rows.append(row)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    if options.boards:
        print(table(rows))
        return 0
    before, rest = options.out.read_text().split(BEGIN)
    after = rest.split(END)[1]
    text = f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"
    write_files(options.out.parent, {options.out.name: text})
    print(f"wrote {len(rows)} boards to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
