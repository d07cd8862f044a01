"""Two processes that fit one model, by gloo on the CPU: as one process, and on after one of them was killed."""

import json
import subprocess
import sys

import pytest
from places import ROOT

from tnhw.support.environment import flag, for_child

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

from fit_together import CASES, result

from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.network import Network
from tnhw.train import processes
from tnhw.train.batches import Batch


def together(folder, what):
    """Exit states and outputs of two processes."""
    script = ROOT / "tests" / "support" / "fit_together.py"
    begun = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(folder), what],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=for_child() | {"PYTHONPATH": str(ROOT)},
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        said = [one.communicate(timeout=120)[0] for one in begun]
    finally:
        for one in begun:
            one.kill()
    return [one.returncode for one in begun], said


def loaded(folder, what):
    return [torch.load(folder / f"{what}_{rank}", weights_only=True) for rank in range(2)]


def numbers(found):
    return torch.cat([value.double().flatten() for value in found["state"].values()])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    codes, said = together(folder, "whole")
    assert codes == [0, 0], said
    return loaded(folder, "whole")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_as_one_process(name, whole):
    """All losses are those of one process, but for rounding; both processes have the same model, bit for bit."""
    torch.set_num_threads(1)
    alone, first, second = result(name), whole[0][name], whole[1][name]
    assert (numbers(first) == numbers(second)).all() and first["records"] == second["records"]
    losses = [[record["loss"] for record in one["records"]] for one in (alone, first)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)  # they differ by 1e-7
    assert set(first["records"][0]) == {"epoch", "epochs", "loss", "score"}


@pytest.mark.slow
def test_a_fault_is_seen(whole):
    """Statistics of a part of the batch give other losses than those of the whole, by more than the test above allows."""
    right, wrong = (whole[0][name]["records"][0]["loss"] for name in ("dense", "fault"))
    assert wrong != pytest.approx(right, rel=1e-3)


@pytest.mark.nightly
def test_killed_and_resumed(tmp_path, whole):
    """One process ends within an epoch, so the other one fails; both go on from the checkpoint to the same model."""
    codes, _ = together(tmp_path, "killed")
    assert codes[1] == 9 and codes[0] not in (0, 9)
    kept = torch.load(tmp_path / "fit", weights_only=True)
    assert len(kept["history"]) == 1 and len(kept["losses"]) == 1
    codes, said = together(tmp_path, "resumed")
    assert codes == [0, 0], said
    first, second = loaded(tmp_path, "resumed")
    for one in (first, second):
        assert (numbers(one) == numbers(whole[0]["conv"])).all()
        assert one["records"] == whole[0]["conv"]["records"]
    assert (first["reports"], second["reports"]) == (2, 0)


@pytest.mark.nightly
def test_command(tmp_path):
    """`tnhw train` under torchrun writes one model and prints it once; its score is that of the integers."""
    words = ["train", "digits", "--epochs", "4", "--hidden", "8", "-o", "two.npz", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "tnhw", *words],
        cwd=tmp_path, capture_output=True, text=True, env=for_child() | {"PYTHONPATH": str(ROOT)}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["two.npz"]
    assert Network.load(tmp_path / "two.npz").card["score"] == record["score"] > 30


def test_alone():
    """One process is no group: sums are the tensors themselves, and all of a batch is its own."""
    values = torch.rand(3)
    assert processes.total(values) is values and processes.count() == 1 and processes.is_first()
    batch = Batch(torch.zeros(3, 2), None, torch.arange(3))
    assert processes.own_part(batch) is batch
    assert list(processes.split(range(3))) == [0, 1, 2]
    with processes.joined() as first:
        assert first and processes.count() == 1


@pytest.mark.parametrize("option", ["--table", "--tune"])
def test_tables_are_made_by_one_process(option, monkeypatch, capsys):
    monkeypatch.setattr(torch.distributed, "is_torchelastic_launched", lambda: True)
    assert main(["train", "digits", option, "--epochs", "1"]) == 2
    assert "--table and --tune train in one process; start them without torchrun" in " ".join(capsys.readouterr().err.split())  # fmt: skip


def test_too_few_rows(monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 4)
    with pytest.raises(InputError, match="3 rows cannot be divided among 4 processes; choose an"):
        result("dense")
