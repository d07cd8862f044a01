"""The bench in C++: it finds nothing in good designs, and each fault in bad ones."""

import json

import numpy as np
import pytest
from bench_designs import run_design
from tiny_networks import tiny

from tnhw.catalogue import load
from tnhw.errors import CheckFailed, InputError, ToolFailed
from tnhw.network import Design, Fold
from tnhw.simulation import simulate

pytestmark = pytest.mark.needs("verilator", "g++", "make", "perl")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param("threshold16", marks=pytest.mark.nightly), "threshold_axi"]
)
def test_kernels(name, tmp_path):
    """Payloads of 256 bits with parameters in them; loads over AXI4-Stream, with an output for errors."""
    result = simulate(load(name), tmp_path, vectors=500, fast=True)
    assert result.passed and [test["test"] for test in result.tests] == [
        "full_speed",
        "random_stalls",
    ]
    full, stalled = result.tests
    assert full["vectors"] == stalled["vectors"] > 500 and stalled["cycles"] > 1.5 * full["cycles"]
    assert json.loads((tmp_path / "results.json").read_text())["passed"]


@pytest.mark.slow
def test_own_vectors_of_a_network(tmp_path):
    """Their results come back in their order; two images are computed side by side."""
    design = Design(tiny(), [Fold(1, 2, images=2), Fold(2, 1, images=2)])
    x = np.random.default_rng(1).integers(0, 16, (301, 4))
    result = simulate(design, tmp_path, vectors=0, x=x, fast=True)
    assert result.passed and (result.y == design.golden(x)).all()


FAULTS = {
    "payload changes under stall": (
        "parallel", [("o_payload = b", "o_payload = o_ready ? b : b ^ tick")], {}, "unstable",
    ),
    "swapped outputs": ("parallel", [("{difference, sum}", "{sum, difference}")], {}, "value"),
}  # fmt: skip
RARER = {
    "no tlast": ("axi", [("m_axis_tlast = 1", "m_axis_tlast = 0")], {}, "last"),
    "never ready": ("serial", [("loaded <= column == 3", "loaded <= 0")], {}, "missing"),
    "valid falls under stall": (
        "parallel", [("o_valid = vb", "o_valid = vb & (tick | o_ready)")], {}, "unstable",
    ),
    "beat lost under stall": ("parallel", [("i_ready = move", "i_ready = 1")], {}, "value"),
    "half the throughput": (
        "parallel",
        [("i_ready = move;", "i_ready = move & tick;"), ("va <= i_valid;", "va <= i_valid & tick;")],
        {}, "throughput",
    ),
    "spurious output": (
        "parallel", [("va <= i_valid;", "va <= i_valid | &{tick, b[3:0], ~vb};")], {}, "value",
    ),
    "another latency": ("parallel", [], {"latency": 3}, "latency"),
    "another interval": ("serial", [], {"interval": 4}, "throughput"),
    "error without reason": (
        "axi", [("error <= wrong", "error <= 1")], {}, "error",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [pytest.param(name, marks=pytest.mark.slow) for name in FAULTS]
    + [pytest.param(name, marks=pytest.mark.nightly) for name in RARER],
)
def test_fault(fault, tmp_path):
    design, edits, manifest, kind = (FAULTS | RARER)[fault]
    with pytest.raises(CheckFailed) as caught:
        run_design(design, tmp_path, edits=edits, manifest=manifest, fast=True)
    assert caught.value.result.mismatch["kind"] == kind
    assert (tmp_path / "sim" / "failed" / "results.json").exists()


@pytest.mark.nightly
@pytest.mark.parametrize("design", ["parallel", "serial", "axi"])
def test_good_design(design, tmp_path):
    assert run_design(design, tmp_path, fast=True).passed


def test_verilog_that_does_not_compile(tmp_path):
    with pytest.raises(ToolFailed, match="did not compile parallel"):
        run_design("parallel", tmp_path, edits=[("o_valid = vb", "o_valid = nothing")], fast=True)
    assert "nothing" in (tmp_path / "sim" / "failed" / "simulate.log").read_text()


@pytest.mark.parametrize("options", [{"waves": True}, {"netlist": "ice40"}])
def test_refused(options, tmp_path):
    with pytest.raises(InputError, match="has no waves and takes no netlist"):
        simulate(load("threshold16"), tmp_path / "sim", fast=True, **options)
    assert not (tmp_path / "sim").exists()
