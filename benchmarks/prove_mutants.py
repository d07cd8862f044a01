"""What `tnhw prove` says of faulty Verilog: docs/results/prove_mutants.json, and the table of `docs/proof.md`.

``python benchmarks/prove_mutants.py [KERNEL...] [--faults N] [--seed S] [-o FILE]``. The exit status is 1 if a
fault is proven, or fewer than nine in ten are disproved with a vector.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import verilog_mutants

from tnhw.files import write_files

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results" / "prove_mutants.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", default=list(verilog_mutants.KERNELS))
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    found = {}
    for name in given.kernels:
        made = verilog_mutants.kernel(name)
        text = verilog_mutants.verilog.emit(made.create(), made.name)
        found[name] = []
        with tempfile.TemporaryDirectory() as folder:
            for number, mutant in enumerate(
                verilog_mutants.mutants(text, given.faults, given.seed)
            ):
                record = verilog_mutants.judged(made, mutant, Path(folder, str(number)))
                found[name].append(record)
                print(name, record["verdict"], record["real"], record["seconds"], record["fault"], record["text"][:300],
                      file=sys.stderr, flush=True)  # fmt: skip
        print(name, verilog_mutants.counts(found[name]), file=sys.stderr, flush=True)
    write_files(given.out.parent, {given.out.name: json.dumps(found, indent=1) + "\n"})


if __name__ == "__main__":
    main()
