"""Vectors and labels of one's own: nothing is rounded or scaled without a word."""

import json

import numpy as np
import pytest

from tnhw.catalogue import load as load_any
from tnhw.cli import main
from tnhw.data import own
from tnhw.data.encoding import Encoder
from tnhw.errors import InputError
from tnhw.synapse import Format

U4 = Format(4)


def test_arrays(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.arange(12).reshape(3, 2, 2), y=np.array([1, 0, 2]))
    x, y = own.integers(tmp_path / "d.npz", U4, 4)
    assert x.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]] and y.tolist() == [1, 0, 2]
    assert x.dtype == y.dtype == np.int64


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"y": np.zeros(3, int)}, "no array `x`"),
        ({"x": np.zeros((3, 4))}, "must be integers in 0 .. 15"),
        ({"x": np.full((3, 4), 200, np.uint8)}, "must lie in 0 .. 15"),
        ({"x": np.full((3, 4), -1)}, "must lie in 0 .. 15"),
        ({"x": np.zeros((3, 5), int)}, "vectors of 4 numbers"),
        ({"x": np.zeros((0, 4), int)}, "must be numbers"),
        ({"x": np.int64(4)}, "must be numbers"),
        ({"x": np.zeros((3, 4), bool)}, "must be numbers"),
        ({"x": np.full((3, 4), np.nan)}, "not numbers"),
        ({"x": np.zeros((3, 4), int), "y": np.zeros(2, int)}, "`y` must be integers"),
        ({"x": np.zeros((3, 4), int), "y": np.zeros(3)}, "`y` must be integers"),
    ],
)
def test_refused(arrays, words, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(InputError, match=words):
        own.integers(tmp_path / "d.npz", U4, 4)


def test_the_test_part_comes_first(tmp_path):
    """A file for training is simulated and scored on its test part."""
    x = np.arange(12).reshape(3, 4)
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(3), x_test=x[:2] + 1, y_test=np.array([4, 5]))
    found, y = own.integers(tmp_path / "d.npz", U4, 4)
    assert (found == x[:2] + 1).all() and y.tolist() == [4, 5]
    assert own.reals(tmp_path / "d.npz", 4)[1].tolist() == [4, 5]
    assert own.arrays(tmp_path / "d.npz")[1].tolist() == [0, 1, 2]
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(3), x_test=x + 9)
    with pytest.raises(InputError, match="`x_test`: input must lie in 0 .. 15"):
        own.integers(tmp_path / "d.npz", U4, 4)
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(3), x_test=x)
    assert own.integers(tmp_path / "d.npz", U4, 4)[1] is None


@pytest.mark.parametrize("y", [[0, 1, 3], [-1, 0, 1]])
def test_labels_beyond_the_classes(y, tmp_path):
    np.savez(tmp_path / "d.npz", x=np.zeros((3, 4), int), y=np.array(y))
    with pytest.raises(InputError, match="labels must be 0 to 2, the classes of the network, but"):
        own.integers(tmp_path / "d.npz", U4, 4, classes=3)


def test_steps_of_each_input():
    steps = np.array([[0.5, 1.0], [-2.0, 7.0]], np.float32)
    record = Encoder(3, steps).to_dict()
    assert json.loads(json.dumps(record)) == record
    encoder = Encoder.from_dict(record, 2, "n")
    x = np.array([[0.5, -2.1], [1.0, 6.9], [0.0, 1e300]])
    assert encoder.encode(x).tolist() == [[4, 3], [5, 4], [3, 5]]
    assert encoder.encode(x[:0].reshape(0, 1, 2)).shape == (0, 2)
    with pytest.raises(InputError, match="import or train the network again"):
        Encoder.from_dict(record, 3, "n")


def test_real_numbers_of_an_imported_network(tmp_path):
    encoder = Encoder.from_dict({"low": -1, "steps": [0.25, 0.75], "order": [1, 0]}, 2, "n")
    np.savez(tmp_path / "d.npz", x=np.array([[0.0, 0.25], [0.75, 0.5]], np.float32))
    x, y = own.integers(tmp_path / "d.npz", Format(2, True), 2, encoder=encoder)
    assert x.tolist() == [[0, -1], [0, 1]] and y is None
    np.savez(tmp_path / "d.npz", x=np.array([[0.0, np.nan]], np.float32))
    with pytest.raises(InputError, match="not numbers"):
        own.integers(tmp_path / "d.npz", Format(2, True), 2, encoder=encoder)


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        {"low": 0},
        {"low": "a", "steps": []},
        {"low": 0, "steps": [1], "order": [0, 0]},
        {"low": 0, "steps": [2, 1]},
        {"low": 0, "steps": [[[1]]]},
    ],
)
def test_damaged_card(record):
    with pytest.raises(InputError, match="import or train the network again"):
        Encoder.from_dict(record, 2, "n.npz")


@pytest.mark.needs("iverilog")
def test_simulate(tmp_path, capsys):
    network = load_any("digits_tn")
    x = network.random_input(np.random.default_rng(0), 8)
    np.savez(tmp_path / "d.npz", x=x, y=network.classes(x))
    given = ["simulate", "digits_tn", "--data-file", str(tmp_path / "d.npz"), "-o", str(tmp_path)]
    assert main(given) == 0
    assert "100.00 %" in capsys.readouterr().out
    assert main([*given, "--dataset", "digits"]) == 2
    assert "either --dataset or --data-file" in capsys.readouterr().err
