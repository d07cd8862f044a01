"""Commands `train` and `export`, recipes and tables, on scikit-learn's digits."""

import json
import subprocess
import sys

import pytest

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

import typer
from typer.testing import CliRunner

from tnhw.cli.commands.exporting import export
from tnhw.cli.commands.training import add_commands
from tnhw.data import datasets
from tnhw.errors import InputError
from tnhw.network import Network
from tnhw.train import build, recipe_for, table, train, tune
from tnhw.train import export as export_model
from tnhw.train.recipes import KINDS, RECIPES, Recipe
from tnhw.train.training import TABLE, export_checkpoint, grid, score

app = typer.Typer()
add_commands(app)
app.command()(export)


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def _run(*words):
    """Result as JSON, or the error that was raised."""
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


def test_train(tmp_path, digits):
    path = tmp_path / "my_digits.npz"
    record = _run("train", "digits", "--epochs", 8, "--hidden", "12", "--final", "-o", path)
    network = Network.load(path)
    assert record == {"model": str(path)} | network.card
    assert network.name == "my_digits" and list(tmp_path.iterdir()) == [path]
    assert record["score"] == pytest.approx(score(network, digits.x_test, digits.y_test), abs=1e-3)
    assert record["score"] > 60 and record["measured_on"] == "450 rows, test part"
    assert record["synapses"] == 12 * 74 and record["stored_bits"] == 5 * 12 * 74


def test_same_bytes(tmp_path):
    words = "train", "digits", "--epochs", 2, "--hidden", "8", "--gain", "--seed", 3
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        _run(*words, "-o", tmp_path / name / "model.npz")
    assert len({(tmp_path / name / "model.npz").read_bytes() for name in ("a", "b")}) == 1


@pytest.mark.parametrize(
    "words, layers",
    [
        (["--rule", "mac", "--weight-bits", "6"], [("mac", "s6"), ("mac", "s6")]),
        (["--rule", "addernet"], [("addernet", "u4"), ("addernet", "u4")]),
        (["--min-level", "2", "--inject", "1"], [("mac", "s4"), ("threshold", "u4")]),
        (["--rule", "ternary", "--bits", "3"], [("ternary", None), ("ternary", None)]),
    ],
)
def test_train_options(words, layers, tmp_path):
    _run("train", "digits", "--epochs", 1, "--hidden", "8", *words, "-o", tmp_path / "m.npz")
    made = [layer.keys for layer in Network.load(tmp_path / "m.npz").layers]
    assert [(k.rule, k.parameter and str(k.parameter)) for k in made] == layers


@pytest.mark.parametrize(
    "words, text",
    [
        (["digit"], "no data set 'digit'; did you mean `digits`"),
        (["digits", "--rule", "mac", "--gain"], "are for the rule `threshold`, not `mac`"),
        (["digits", "--gain", "--min-level", "2"], "without --gain"),
        (["digits", "--hidden", "8x"], "a layer is written `32`"),
        (["digits", "--hidden", "8c3"], "a convolution needs an image, not 64 features"),
        (["digits", "-o", "model.bin"], "a model is an `.npz` file"),
        (["digits", "--average", "1"], "`average` must be 0 or more and below 1"),
        (["digits", "--warm-up", "0"], "`warm_up` must be above 0"),
        (["digits", "--decay", "99"], "`decay` must be 0 or more"),
        (["digits", "--device", "none"], "`device`: cannot train on 'none'"),
        (["digits", "--minutes", "0"], "`minutes` must be above 0"),
        (["digits", "--minutes", "1", "--tune"], "--minutes is for one model"),
        (["digits", "--patience", "1", "--final"], "leave out `patience`"),
        (["digits", "--shifts", "1"], "shifts and flips are for images"),
        (["digits", "--flips"], "shifts and flips are for images"),
    ],
)
def test_train_wrong(words, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=text):
        _run("train", *words, "--epochs", 1)
    assert not list(tmp_path.iterdir())


def test_schedules_and_averages(tmp_path, digits):
    """They reach the fit, and the recipe on the card; the defaults are not written there."""
    words = ["--schedule", "one-cycle", "--warm-up", 0.3, "--average", 0.9, "--decay", 0.1]
    words += ["--patience", 1, "--batch", 64, "--minutes", 5, "--device", "cpu"]
    record = _run("train", "digits", "--epochs", 30, "--hidden", "4", *words, "-o", tmp_path / "m.npz")  # fmt: skip
    recipe = recipe_for(
        "digits", epochs=30, hidden=("4",), schedule="one-cycle", warm_up=0.3, average=0.9, decay=0.1,
        patience=1, batch=64,
    )  # fmt: skip
    assert record["recipe"] == recipe.to_dict() and Recipe.from_dict(record["recipe"]) == recipe
    assert Network.load(tmp_path / "m.npz").card == train(recipe, data=digits, name="m").card | {"command": record["command"]}  # fmt: skip
    assert record["stopped"].endswith("of 30 epochs")
    assert "schedule" not in recipe_for("digits").to_dict()


def test_train_table_and_tune(tmp_path):
    words = "train", "digits", "--epochs", 1, "--hidden", "4", "--seeds", 1
    rows = _run(*words, "--table", "-o", tmp_path)
    assert [row["kind"] for row in rows] == list(TABLE)
    assert [row["bits"] for row in rows] == [5, 4, 6, 6, 2, 4, 4]
    assert len(list(tmp_path.glob("*.npz"))) == len(TABLE)
    text = CliRunner().invoke(app, [*map(str, words), "--table", "-o", str(tmp_path)]).stdout
    assert "ternary" in text and "standard error over seeds 0 to 0" in text
    assert set(_run(*words, "--tune", "--rule", "mac")) == {"rate", "spread", "score"}


def test_export_interrupted(tmp_path, digits):
    path = tmp_path / "m.checkpoint"

    def interrupt(record):
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    recipe = recipe_for("digits", hidden=("8",), epochs=4, average=0.9)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, data=digits, checkpoint=path, report=interrupt)
    kept = torch.load(path, weights_only=True)
    record = _run("export", path, "-o", tmp_path / "m.npz")
    assert record["unfinished"] == "2 of 4 epochs"
    network = Network.load(tmp_path / "m.npz")
    assert network.shape == (64,)
    model = build(recipe)
    model.load_state_dict(kept["model"] | kept["average"]["values"])  # the averages are exported
    again = export_model(model, "m").arrays
    assert all((again[name] == array).all() for name, array in network.arrays.items())
    with pytest.raises(InputError, match="there is no such file"):
        export_checkpoint(tmp_path / "none")
    path.write_text("no")
    with pytest.raises(InputError, match="not a checkpoint"):
        export_checkpoint(path)


def test_table(tmp_path, digits):
    changes = {"epochs": 2, "hidden": ("8",)}
    options = {
        "kinds": ("threshold", "mac"),
        "seeds": range(2),
        "folder": tmp_path,
        "changes": changes,
    }
    rows = table(digits, **options)
    assert [(row["kind"], row["synapses"], row["bits"]) for row in rows] == [
        ("threshold", 592, 5),
        ("mac", 592, 4),
    ]
    for row in rows:
        low, high = sorted(row["scores"])
        assert row["mean"] == pytest.approx((low + high) / 2, abs=1e-3)
        assert row["error"] == pytest.approx((high - low) / 2, abs=1e-3)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(files) == 4 and table(digits, **options) == rows
    assert files == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


def test_tune_uses_no_test_data(digits):
    from dataclasses import replace

    blind = replace(digits, x_test=None, y_test=None)
    recipe = recipe_for("digits", "mac", epochs=1, hidden=("4",))
    trials = []
    best = tune(recipe, blind, range(1), rows=200, report=trials.append)
    assert len(trials) == len(list(grid(recipe))) and best in trials


def test_every_recipe_builds():
    for dataset in RECIPES:
        for kind in KINDS:
            if dataset in ("mnist", "cifar10") and kind == "addernet":
                continue  # no padding
            model = build(recipe_for(dataset, kind))
            assert model[-1].output_bits == (4 if dataset == "denoise" else None)


def test_commands_import_no_torch():
    code = "import sys, tnhw.cli.commands.training; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_no_torch(monkeypatch):
    from tnhw import train as package
    from tnhw.errors import ToolMissing

    for name in [name for name in sys.modules if name.startswith("tnhw.train.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ToolMissing, match="needs PyTorch, which is not installed"):
        package.part("layers")
