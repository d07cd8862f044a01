"""Vectors and labels of one's own: nothing is rounded or scaled without a word."""

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
    ],
)
def test_damaged_card(record):
    with pytest.raises(InputError, match="import the network again"):
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
