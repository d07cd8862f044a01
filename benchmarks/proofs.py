"""Prove every shipped kernel, and write the table of `docs/verification.md`.

python benchmarks/proofs.py [-o FILE]
"""

import argparse
import tempfile
from pathlib import Path

import marks

from tnhw import proof
from tnhw.catalogue import kernel_names, load

HEAD = """\
| kernel | property | part | verdict | method | solver | questions | s |
|---|---|---|---|---|---|---|---|
"""


def rows(name, folder):
    """Rows of one kernel; a kernel that is not proven raises."""
    result = proof.prove(load(name), folder)
    for part in result.parts:
        cells = [name, part["property"], part["part"], part["verdict"], part["method"]]
        cells += [
            part["solver"] or "none",
            sum(part["questions"].values()),
            f"{part['seconds']:.1f}",
        ]
        yield "| " + " | ".join(map(str, cells)) + " |\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = Path(__file__).resolve().parent.parent / "docs" / "verification.md"
    parser.add_argument("-o", "--out", type=Path, default=default)
    out = parser.parse_args().out
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name in kernel_names():
            print(f"proving {name}", flush=True)
            lines += rows(name, Path(folder, name))
    marks.put(out, "kernels", HEAD + "".join(lines))
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
