"""Data sets from modules of the user's own."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from tnhw import plugins
from tnhw.cli import main
from tnhw.data import DATASETS, Dataset, datasets, register
from tnhw.errors import InputError

MODULE = """
import numpy as np
from tnhw.data import Dataset, register

def load(folder):
    rng = np.random.default_rng(0)
    y, y_test = rng.integers(0, 3, 100), rng.integers(0, 3, 20)
    return {returned}

register(Dataset(name="mine", title="my data", licence="CC0", shape=(2, 2, 1), task="class", outputs=3, loader=load,
                 input="u3"))
"""
GOOD = "np.tile(y[:, None], 4) + 2, y, y_test[:, None, None] + np.full((2, 2), 2), y_test"


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Write the module of a plug-in whose loader returns an expression."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv(plugins.VARIABLE, "mine_data")

    def write(returned=GOOD, text=MODULE):
        (tmp_path / "mine_data.py").write_text(text.replace("{returned}", returned))

    yield write
    DATASETS.pop("mine", None)
    sys.modules.pop("mine_data", None)
    plugins._load.cache_clear()


def facts(**changes):
    good = {
        "name": "mine",
        "title": "t",
        "licence": "l",
        "shape": (4,),
        "task": "class",
        "outputs": 3,
    }
    return good | {"loader": lambda folder: None} | changes  # fmt: skip


def test_load(module):
    module()
    data = datasets.load("mine")
    assert (data.x_train.shape, data.x_valid.shape, data.x_test.shape) == (
        (80, 4),
        (20, 4),
        (20, 4),
    )
    assert (data.x_test == data.y_test[:, None] + 2).all() and data.x_test.dtype == np.int64
    assert len(data.card["sha256"]) == 64
    assert datasets.names() == [*(name for name in DATASETS if name != "mine"), "mine"]


def test_the_digest_is_of_the_values(module):
    module()
    first = datasets.load("mine").card
    record = DATASETS["mine"]
    DATASETS["mine"] = replace(record, loader=lambda folder: record.loader(folder))
    assert datasets.load("mine").card == first

    def other(folder):
        x, y, x_test, y_test = record.loader(folder)
        return x, y, x_test, (y_test + 1) % 3

    DATASETS["mine"] = replace(record, loader=other)
    assert datasets.load("mine").card != first


def test_the_loader_gets_the_folder(module, tmp_path):
    seen = []
    module()
    record = datasets.find("mine")
    DATASETS["mine"] = replace(
        record, loader=lambda folder: seen.append(folder) or record.loader(folder)
    )
    datasets.load("mine", tmp_path)
    assert seen == [tmp_path]


@pytest.mark.parametrize(
    "returned, words",
    [
        ("1 / 0", "its loader fails .ZeroDivisionError: division by zero.; correct .* `mine_data`"),
        ("open('none')", "its loader fails .FileNotFoundError"),
        ("y, y", "its loader fails .ValueError: not enough values"),
        ("None", "its loader fails .TypeError"),
        (GOOD.replace("+ 2", "+ 6", 1), "training part: x must lie in 0 .. 7, but holds 6 .. 8"),
        (GOOD.replace("+ 2,", "+ 2.5,", 1), "training part: x must be integers .n, 4., not float64"),
        (GOOD.replace(", 4)", ", 5)"), "training part: x must be integers .n, 4."),
        (GOOD[:-6] + "y_test + 1", "test part: y must lie in 0 .. 2, but holds 1 .. 3"),
        (GOOD[:-6] + "y_test[1:]", r"test part: y must be integers \[20\], not int64 \[19\]"),
        ("np.zeros((0, 4), int), y[:0], np.zeros((1, 4), int), y[:1]", "training part: has no rows"),
        ("np.zeros((4, 4), int), y[:4], np.zeros((1, 4), int), y[:1]", "4 rows are too few"),
        ("[[1], [1, 2]], y, y, y", "training part: x or y has rows of different lengths"),
    ],
)  # fmt: skip
def test_loader_that_fails(returned, words, module, tmp_path, capsys):
    module(returned)
    with pytest.raises(InputError, match=words):
        datasets.load("mine")
    assert main(["simulate", "digits_tn", "--dataset", "mine", "-o", str(tmp_path / "out")]) == 2
    assert "mine" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_module_that_fails(module, capsys):
    module(text="import numpy\n1 / 0\n")
    assert main(["simulate", "digits_tn", "--dataset", "digits"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "TNHW_PLUGINS: the module `mine_data` cannot be imported (ZeroDivisionError" in said


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"title": None}, "`title` must be text"),
        ({"shape": (4, 4)}, r"`shape` must be \(features,\)"),
        ({"shape": [4]}, r"`shape` must be \(features,\)"),
        ({"shape": (0,)}, r"`shape` must be \(features,\)"),
        ({"task": "classes"}, "`task` must be class or vector, not 'classes'"),
        ({"outputs": 1}, "`outputs` must be an integer of 2 to 9999, not 1"),
        ({"outputs": 2.0}, "`outputs` must be an integer"),
        ({"loader": "file.npz"}, "`loader` must be a function"),
        ({"valid": 0}, "`valid` must be a positive integer"),
        ({"input": "s4"}, "`input` must be u1 to u8, not 's4'"),
    ],
)
def test_record_that_is_not_valid(changes, words):
    with pytest.raises(InputError, match=f"data set `mine`: {words}"):
        Dataset(**facts(**changes))


def test_register_wrong():
    with pytest.raises(InputError, match="there is a data set `digits` already"):
        register(Dataset(**facts(name="digits")))
    with pytest.raises(InputError, match="must be letters, digits and underscores"):
        register(Dataset(**facts(name="my data")))
    with pytest.raises(InputError, match="must be a tnhw.data.Dataset, not dict"):
        register({})


def test_list(module, capsys):
    module()
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["datasets"]
    assert listed["mine"] == "my data; 2 x 2 x 1 inputs, 3 classes"
    assert (
        listed["letter"].endswith("; 16 inputs, 26 classes") and "64 outputs" in listed["denoise"]
    )
