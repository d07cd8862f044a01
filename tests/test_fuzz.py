"""Fuzzing: every kind has its share, cases come again, and a fault is found, made small and kept."""

import os
from pathlib import Path

import fuzz
import pytest
import random_kernels

from tnhw.library import load

NIGHTLY = bool(os.environ.get("TNHW_NIGHTLY"))
KEPT = sorted(Path(fuzz.REGRESSIONS).glob("*.toml"))


def test_gates(tmp_path):
    count = 9_000 if NIGHTLY else len(fuzz.CELLS)
    record = fuzz.run(0, range(count), folder=tmp_path)
    assert not record["failures"], record["failures"]
    assert len(record["cells"]) == len(fuzz.CELLS)
    assert min(record["cells"].values()) >= count / 100


def test_cases_come_again():
    for number in (0, 17, 4711):
        one, other = fuzz.case(3, number), fuzz.case(3, number)
        assert one.keys == other.keys and one.seed == other.seed
    assert fuzz.case(3, 1).seed != fuzz.case(4, 1).seed


def test_a_fault_is_kept(tmp_path):
    """A check that dislikes rounding leaves one input, one output, and the rounding."""

    def dislikes(one):
        random_kernels.check(one)
        assert one.keys.get("shift", 0) < 1

    record = fuzz.run(0, range(40), dislikes, tmp_path)
    assert record["failures"]
    for failure in record["failures"]:
        kept = load(tmp_path / failure["kept"])
        assert (kept.inputs, kept.outputs, kept.interface) == (1, 1, "stream") and kept.shift > 0


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_regression(path):
    kernel = load(path)
    keys = {key: getattr(kernel, key) for key in kernel.model_fields_set if key != "parameters"}
    keys = {k: str(v) if k in ("input", "output", "parameter") else v for k, v in keys.items()}
    random_kernels.check(random_kernels.Case(keys, kernel.arrays, 0))
