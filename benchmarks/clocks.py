"""Build one layer for boards with a PLL, at the board's clock and at the highest, and write the table of `docs/boards.md`.

python benchmarks/clocks.py [-o FILE] [BOARD ...]
"""

import argparse
import tempfile
from pathlib import Path

import marks

from tnhw.bitstream import build
from tnhw.boards import load_board
from tnhw.catalogue import load

KERNEL = "digits_layer_threshold"
BOARDS = ("icestick", "icebreaker", "ice40_hx8k_b_evn", "ulx3s_25f", "tang_nano_9k")
HEAD = """\
| board | board's clock MHz | vectors/s | `--frequency max` MHz | vectors/s | more | Fmax MHz |
|---|--:|--:|--:|--:|--:|--:|
"""


def row(name, folder):
    """One row: cells as text."""
    kernel, board = load(KERNEL), load_board(name)
    plain = build(kernel, board, folder / "board")
    fast = build(kernel, board, folder / "max", frequency="max")
    rates = [record.frequency / kernel.interval for record in (plain, fast)]
    cells = [name, f"{plain.frequency / 1e6:g}", f"{rates[0]:,.0f}", f"{fast.frequency / 1e6:.2f}",
             f"{rates[1]:,.0f}", f"{rates[1] / rates[0]:.2f} x", f"{fast.fmax / 1e6:.1f}"]  # fmt: skip
    return "| " + " | ".join(cells) + " |\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = Path(__file__).resolve().parent.parent / "docs" / "boards.md"
    parser.add_argument("-o", "--out", type=Path, default=default)
    parser.add_argument("boards", nargs="*", default=BOARDS, metavar="BOARD")
    given = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name in given.boards:
            print(f"building for {name}", flush=True)
            lines.append(row(name, Path(folder, name)))
    marks.put(given.out, "clocks", HEAD + "".join(lines))
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
