"""Shipped models: their page, and the scores that their cards state. Needs no torch."""

import functools
import shlex

import pytest

from tnhw.data import datasets
from tnhw.network import Network
from tnhw.support.data_files import folder
from tnhw.train.cards import page

MODELS = sorted(path.stem for path in folder("models").glob("*.npz"))


_data = functools.cache(datasets.load)


def _network(name):
    return Network.load(folder("models") / f"{name}.npz")


def test_page_is_up_to_date():
    assert (folder("models") / "README.md").read_text(encoding="utf-8") == page(folder("models")), (
        "run `python -m tnhw.train.cards models`"
    )


@pytest.mark.parametrize("name", MODELS)
def test_card(name):
    network = _network(name)
    card = network.card
    assert network.name == name
    assert card["seed"] == 0 and card["measured_on"].endswith("test part")
    assert card["synapses"] == network.synapses
    words = shlex.split(card["command"])
    assert words[:2] == ["tnhw", "train"] and words[2] == card["recipe"]["dataset"]
    assert "--final" in words


@pytest.mark.parametrize("name", MODELS)
def test_score(name, request):
    network = _network(name)
    dataset = network.card["recipe"]["dataset"]
    if dataset == "digits":
        pytest.importorskip("sklearn")
    data = _data(dataset, None if dataset == "digits" else request.getfixturevalue("data_dir"))
    if network.result == "class":
        score = 100 * float((network.classes(data.x_test) == data.y_test).mean())
        assert round(score, 3) == network.card["score"]
    else:
        from math import log10

        error = float(((network.golden(data.x_test) - data.y_test) ** 2).mean())
        assert 20 * log10(15) - 10 * log10(error) == pytest.approx(network.card["score"], abs=1e-3)


def test_bytes_are_the_same_again(tmp_path):
    for name in MODELS:
        _network(name).save(tmp_path / f"{name}.npz")
        assert (tmp_path / f"{name}.npz").read_bytes() == (
            folder("models") / f"{name}.npz"
        ).read_bytes()
