"""Build something for every board, and write the table in `docs/boards.md`, or check it.

python benchmarks/boards.py [-o FILE] [--work FOLDER] [--again] [--check] [--jobs N] [BOARD...]

Each finished board leaves its row in the work folder, and is not built again: so an interrupted run goes on where
it stopped. When the rows of all boards are there, they are written into the page; with ``--check`` they are compared
with those of the page instead, and the exit status is 1 where they differ. A bitstream must reach its board's clock.
"""

import argparse
import re
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import marks
import numpy as np

from tnhw.bitstream import build
from tnhw.boards import boards, load_board
from tnhw.catalogue import load_design
from tnhw.errors import DoesNotFit, TimingNotMet
from tnhw.support import kept
from tnhw.support.files import write_files

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "boards.md"
ROW = "row.json"
HEAD = """
| board | device | what | with | LUTs | FFs | RAM | clock MHz | seed |
|---|---|---|---|---|---|---|---|---|
"""

# What is built, the first that fits and is fast enough: one layer in a single engine, then a whole
# network in few cells with a short critical path.
CANDIDATES = (("digits_layer_threshold", {}), ("digits_tn", {"folds": "4x2,1x1"}))
SEEDS = (1, 2)
SELF_TEST_VECTORS = 8


def attempts(board):
    """Attempts in their order, each (file, options, seed, vectors of a self-test or None)."""
    for name, options in CANDIDATES:
        kernel = load_design(name, **options)
        x = None
        if board.uart is None:
            x = kernel.random_input(np.random.default_rng(0), SELF_TEST_VECTORS)
        for seed in SEEDS:
            yield kernel, seed, x


def build_row(name, folder):
    """Row of one board, a dict. If no attempt succeeds, the error of the last one is raised."""
    board = load_board(name)
    failure = None
    for kernel, seed, x in attempts(board):
        if isinstance(failure, DoesNotFit) and seed != SEEDS[0]:
            continue
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
            **{kind: f"{record.utilisation[kind]['used']}" for kind in ("LUTs", "FFs", "RAM")},
            "clock": f"{record.clock / 1e6:g}",
            "seed": f"{record.seed}",
        }
    raise failure


def open_boards():
    """Names of the boards that open tools build for."""
    return [name for name in boards() if not load_board(name).vendor_tool]


def table(rows):
    """Text of the table."""
    return HEAD + "".join("| " + " | ".join(row.values()) + " |\n" for row in rows)


def differences(rows, page):
    """Rows that a page's table lacks or shows differently, and rows that only the page has."""
    shown = marks.get(page, "boards").splitlines()
    made = table(rows).strip().splitlines()
    return [f"made:  {line}" for line in made if line not in shown] + [
        f"shown: {line}" for line in shown if line not in made
    ]


def build_all(names, work, jobs):
    """Build what has no row in the work folder yet; names of the boards that failed."""
    failed = []
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(build_row, name, work / name): name for name in names}
        for number, done in enumerate(as_completed(waiting), 1):
            name = waiting[done]
            try:
                row = done.result()
            except Exception as error:  # the others are worth building all the same
                failed.append(name)
                print(
                    f"[{number}/{len(names)}] {name} failed: {error}", file=sys.stderr, flush=True
                )
                continue
            write_files(work / name, {ROW: kept.text(row)})
            print(f"[{number}/{len(names)}] {name}", file=sys.stderr, flush=True)
    return failed


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=PAGE, help="page with the table")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "boards", help="kept rows")
    parser.add_argument("--again", action="store_true", help="build also what has a kept row")
    parser.add_argument(
        "--check", action="store_true", help="compare with the page, and write nothing"
    )
    parser.add_argument("--jobs", type=int, default=1, help="boards at once")
    parser.add_argument("boards", nargs="*", metavar="BOARD", help="these, and no page")
    options = parser.parse_args(arguments)
    names = options.boards or open_boards()
    kept_rows = {name: kept.read(options.work / name / ROW) for name in names}
    missing = [name for name, row in kept_rows.items() if options.again or row is None]
    if failed := build_all(missing, options.work, options.jobs):
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    rows = [kept.read(options.work / name / ROW) for name in names]
    if options.boards:
        print(table(rows))
    elif options.check:
        told = differences(rows, options.out)
        print("\n".join(told) or f"{len(rows)} boards as in {options.out.name}")
        return bool(told)
    else:
        marks.put(options.out, "boards", table(rows))
        print(f"wrote {len(rows)} boards to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
