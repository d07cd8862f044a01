"""Unrolled designs: what they say of themselves, what they refuse, and the way of a name to its Verilog."""

import json

import numpy as np
import pytest
from random_networks import TWO
from unrolled_networks import dense

from tnhw.api import generate, simulate
from tnhw.catalogue import load_design
from tnhw.errors import InputError
from tnhw.network import Design, Fold, Network, UnrolledDesign
from tnhw.network import unrolled as module


def test_latency_by_hand():
    """A table, one adder, a requantiser; a table, an adder of a constant; a comparison; two cycles of the queue."""
    layers = [
        {"kind": "dense", "rule": "ternary", "outputs": 2, "output": "u4", "shift": 1},
        {"kind": "dense", "rule": "ternary", "outputs": 2},
    ]
    arrays = [{"sign": np.array([[1, 1], [1, 1]])}, {"sign": np.array([[1, -1], [1, 0]])}]
    design = UnrolledDesign(Network("net", "u4", [2], layers, arrays))
    assert design.latency == (1 + 1 + 1) + (1 + 1 + 0) + 1 + 2
    assert (design.interval, design.images, design.lanes, design.beats_in, design.width_i) == (
        1,
        1,
        8,
        1,
        8,
    )
    facts = design.facts()
    assert facts["schedule"] == "unrolled"
    assert [one["adders"] for one in facts["network"]["layers"]] == [2, 1]


def test_digits():
    """The sums of the digits network have fewer adders than it has terms: many are shared."""
    design = load_design("digits_tn", schedule="unrolled")
    first, last = design.facts()["network"]["layers"]
    assert design.lanes == 2368 and design.latency == 22
    assert first["adders"] < 1100 and last["adders"] < 210
    assert "2,368 terms a cycle" in design.diagram().subtitle


def test_convolution():
    design = UnrolledDesign(Network(**TWO))
    assert design.lanes == 2 * 2 * 2 + 3 * 4
    assert module.neurons(design.network.layers[0]).sources.tolist() == [[0, 1], [2, 3]]


def test_equality_and_identity():
    one, other, third = (dense(seed, "mac", input="u4").design() for seed in (1, 1, 2))
    assert one == other != third and list(one.identity()) == list(other.identity()) != list(
        third.identity()
    )
    assert load_design(one.network, **one.options()) == one
    axi = UnrolledDesign(one.network, interface="axi-stream")
    assert load_design(axi.network, **axi.options()) == axi != one
    assert repr(one).startswith("<UnrolledDesign net: ")


@pytest.mark.parametrize(
    ("options", "name"),
    [({"lanes": 8}, "lanes"), ({"folds": "1x1"}, "folds"), ({"images": 2}, "images"), ({"rom": "logic"}, "rom"),
     ({"loadable": True}, "loadable"), ({"dsp": True}, "dsp")],
)  # fmt: skip
def test_refused(options, name):
    with pytest.raises(
        InputError, match=f"the schedule `unrolled` .* takes no `{name}`; leave it out"
    ):
        load_design("digits_tn", schedule="unrolled", **options)


def test_too_large(monkeypatch):
    monkeypatch.setattr(module, "MAX_TERMS", 2000)
    with pytest.raises(
        InputError, match="2,368 terms, of which each .* at most 2,000: use `pipeline`"
    ):
        load_design("digits_tn", schedule="unrolled")
    with pytest.raises(InputError, match='"stream" or "axi-stream", not \'wires\''):
        UnrolledDesign(Network(**TWO), interface="wires")
    with pytest.raises(InputError, match='"unrolled" is an `UnrolledDesign`'):
        Design(Network(**TWO), [Fold(1, 1)] * 2, schedule="unrolled")


@pytest.mark.needs("iverilog")
def test_generate_and_simulate(tmp_path):
    network = dense(3, "threshold", input="u4", inputs=6, outputs=5).network
    made = generate(Network(**network), out=tmp_path, schedule="unrolled")
    manifest = json.loads((tmp_path / "net" / "rtl" / "manifest.json").read_text())
    assert made.latency == manifest["latency"] and manifest["interval"] == 1
    assert simulate(Network(**network), out=tmp_path, schedule="unrolled", vectors=20).passed
