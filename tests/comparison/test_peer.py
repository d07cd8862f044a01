"""The peer: a network through da4ml equals the golden model, and a wrong one is found."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tnhw import cli
from tnhw.catalogue import load
from tnhw.comparison import networks
from tnhw.comparison.da4ml import Unrolled
from tnhw.comparison.out_of_context import Alone
from tnhw.errors import CheckFailed, InputError
from tnhw.network import Network, UnrolledDesign

pytest.importorskip("da4ml")


def network(rule, rng):
    keys = {"rule": rule, "kind": "dense"}
    if rule != "ternary":
        keys["parameter"] = {"threshold": "u3", "mac": "s3", "shift": "u2"}[rule]
    layers = [keys | {"outputs": 3, "output": "u3", "shift": 2}, keys | {"outputs": 2}]
    arrays = []
    for shape in ((3, 4), (2, 3)):
        own = {"bias": rng.integers(-8, 8, shape[0])}
        if rule == "mac":
            own["weight"] = rng.integers(-4, 4, shape)
        else:
            own["sign"] = rng.integers(-1, 2, shape)
        if rule == "threshold":
            own["theta"] = rng.integers(0, 8, shape)
        if rule == "shift":
            own["exponent"] = rng.integers(0, 3, shape)
        arrays.append(own)
    return Network("little", "u3", [4], layers, arrays)


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("rule", ["threshold", "mac", "shift", "ternary"])
def test_equals_the_golden_model(rule, monkeypatch):
    rng = np.random.default_rng(3)
    made = network(rule, rng)
    x = made.random_input(rng, 60)
    unrolled = Unrolled(made)
    unrolled.check(x)
    assert unrolled.latency == unrolled.stages + 1

    golden = made.golden(x)
    golden[-1, 0] += 1
    monkeypatch.setattr(made, "golden", lambda x: golden)
    with pytest.raises(CheckFailed, match="da4ml's graph differs"):
        unrolled.check(x)
    monkeypatch.setattr(unrolled, "_graph", SimpleNamespace(predict=lambda x: golden))
    with pytest.raises(CheckFailed, match="da4ml's Verilog differs"):
        unrolled.check(x)


def test_beside_it_the_network_unrolled(monkeypatch):
    """With a peer each network has two unrolled rows, the first of which is ours; both as they were placed."""
    made = network("mac", np.random.default_rng(3))
    alone = Alone("ulx3s_25f", {"RAM": 0, "DSP": 0}, 100, [200.0])
    monkeypatch.setattr(
        networks, "place", lambda design, *_, dsp, seeds: replace(alone, logic=int(not dsp) + 50)
    )
    monkeypatch.setattr(Unrolled, "place", lambda *_: alone)
    monkeypatch.setattr(Unrolled, "check", lambda *_: None)
    rows = networks.compare({"little": made}, "ulx3s_25f", choices=("unrolled",), peer="da4ml")
    design = UnrolledDesign(made)
    assert [(row.products, row.choice, row.folds, row.logic) for row in rows] == [
        ("lut", "unrolled", "all", 51), ("da4ml", "unrolled", "all", 100)]  # fmt: skip
    assert (rows[0].latency, rows[0].interval, rows[0].lanes) == (design.latency, 1, 4 * 3 + 3 * 2)
    assert rows[0].rate == 200e6 and rows[0].seconds == design.latency / 200e6
    assert [ratio["logic"] for ratio in networks.ratios(rows)] == [1, 100 / 51]
    assert "all (unrolled)" in networks.cells_of(rows)[1]


def test_what_it_cannot_take(capsys):
    with pytest.raises(InputError, match="dense layers of threshold"):
        Unrolled(load("mnist_conv_tn"))
    arguments = ["compare", "digits_tn", "-t", "icebreaker", "--peer", "hls4ml"]
    assert cli.main(arguments) == 2
    assert "the peer must be da4ml" in capsys.readouterr().err
