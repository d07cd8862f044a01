"""Import two networks of others, build them for boards, and write the table of `docs/paths/trained_network.md`.

python benchmarks/imported.py      # needs the folder of TNHW_MODELS; takes a few minutes
"""

import sys
import tempfile
from pathlib import Path

import marks

from tnhw import build
from tnhw.catalogue import load_design
from tnhw.importing import load
from tnhw.support import environment

PAGE = Path(__file__).resolve().parent.parent / "docs" / "paths" / "trained_network.md"
ROWS = (
    ("TFC_1W1A.onnx", "icebreaker", 128),
    ("TFC_1W1A.onnx", "ulx3s_85f", 1024),
    ("TFC_2W2A.onnx", "ulx3s_12f", 128),
    ("TFC_2W2A.onnx", "ulx3s_85f", 512),
)
HEAD = """\
| network | board | `--lanes` | LUT | carry | block RAM | Fmax MHz | cycles an image | images/s at Fmax | at the board's clock |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
"""


def row(models, name, board, lanes, folder):
    """One row: cells as text."""
    network = load(models / name).network
    record = build(network, board, lanes=lanes, out=folder)
    interval = load_design(network, lanes=lanes).interval
    used = record.utilisation
    cells = [name.removesuffix(".onnx"), board, str(lanes)]
    cells += [f"{used[key]['used']:,}" for key in ("LUTs", "carry", "RAM")]
    cells += [f"{record.fmax / 1e6:.1f}", str(interval), f"{record.fmax / interval:,.0f}"]
    cells += [f"{record.frequency / interval:,.0f} at {record.frequency / 1e6:g} MHz"]
    return "| " + " | ".join(cells) + " |\n"


def main():
    models = environment.path("TNHW_MODELS")
    if models is None:
        sys.exit("TNHW_MODELS names no folder of networks of others")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, board, lanes in ROWS:
            print(f"{name} for {board} ...", file=sys.stderr)
            lines.append(row(models, name, board, lanes, folder))
    marks.put(PAGE, "imported", HEAD + "".join(lines))


if __name__ == "__main__":
    main()
