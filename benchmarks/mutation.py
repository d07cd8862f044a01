"""Mutation scores of the bench, as JSON: ``python benchmarks/mutation.py [--faults N] [--all]``."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import mutation


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=100, help="faults for each kind of kernel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--all", action="store_true", help="all kinds, not one a rule and architecture"
    )
    given = parser.parse_args()
    records = []
    for kind in mutation.KINDS if given.all else mutation.SAMPLE:
        print("mutation:", " ".join(kind), file=sys.stderr, flush=True)
        records.append(mutation.score(mutation.kernel(*kind), given.faults, seed=given.seed))
    print(json.dumps({"seed": given.seed, "kinds": records}, indent=2))


if __name__ == "__main__":
    main()
