"""Searches without training: a trainer that makes up scores, costs that need no folds, and data of a few rows.

As a program it is one worker of a search in a folder, for tests that kill it:
``python search_tools.py FOLDER TRIALS SECONDS``, with the seconds of each training.
"""

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from tnhw.boards import load_board
from tnhw.data import Data, Dataset
from tnhw.exploration import part
from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import optuna
    import torch  # noqa: F401
else:
    pytest.importorskip("torch", reason='pip install "tnhw[train]"')
    optuna = pytest.importorskip("optuna", reason='pip install "tnhw[search]"')

SPACE = {
    "rules": ("threshold", "mac"),
    "widths": (4, 6, 8, 12),
    "hidden_layers": (1, 2),
    "epochs": (80,),
}
UNFITTING = 4  # outputs of a first layer with which no design fits


def small_data(seed=0):
    """40 rows of 8 inputs and 3 classes, with 10 for validation and 10 for test."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 16, (60, 8))
    y = (x[:, 0] > 7) + (x[:, 1] > 7).astype(int)

    def loader(folder):
        return x[:50], y[:50], x[50:], y[50:]

    dataset = Dataset(
        name="few",
        title="few rows",
        licence="none",
        shape=(8,),
        task="class",
        outputs=3,
        loader=loader,
        valid=10,
    )
    return Data.of(dataset, loader(None), card={})


def cost_of(recipe):
    """The cost of a network in these searches: the outputs of its hidden layers, and 10 with products."""
    return sum(map(int, recipe.hidden)) + 10 * (recipe.rule == "mac" or recipe.inject > 0)


def score_of(recipe, seed):
    """The score that the trainer gives: more with more outputs and epochs, far less with 3 bits, and a little by the seed."""
    score = 90 - 200 / (sum(map(int, recipe.hidden)) * recipe.epochs**0.5) + seed % 7 * 0.1
    return score - 50 * (recipe.bits == 3)


def made_up(network, board, objective="speed", speed=0.0):
    """Instead of `estimate`: a cost by the network's layers, or None for some of them."""
    from tnhw.exploration.costing import Estimate

    widths = [layer.keys.outputs for layer in network.layers[:-1]]
    products = any(layer.keys.rule == "mac" for layer in network.layers)
    if widths[0] == UNFITTING:
        return None
    return Estimate("1x1", sum(widths) + 10 * products, 1, 100.0 + sum(widths), 1)


class Trainer:
    """Takes the place of training. It lists what it was asked for in `asked`, as (name of the network, epochs).

    Parameters
    ----------
    wait : float
        Seconds that a whole training takes, over its epochs.
    interrupt : int, optional
        Number of the call in whose middle there is a Ctrl-C.
    log : path, optional
        File to which a line is added for each training that ends, once its last epoch is done.
    """

    def __init__(self, wait=0.0, interrupt=None, log=None):
        self.asked, self._wait, self._interrupt, self._log = [], wait, interrupt, log

    def __call__(self, recipe, seed, *, data, name, threads, checkpoint, report):
        from tnhw.exploration.costing import untrained
        from tnhw.exploration.trials import Trained

        self.asked.append((name, recipe.epochs))
        done = int(checkpoint.read_text()) if checkpoint.exists() else 0
        for epoch in range(done, recipe.epochs):
            time.sleep(self._wait / recipe.epochs)
            new = checkpoint.with_suffix(".new")
            new.write_text(str(epoch + 1))
            new.replace(checkpoint)
            if len(self.asked) == self._interrupt and epoch == recipe.epochs // 2:
                raise KeyboardInterrupt
            report({"epoch": epoch + 1, "epochs": recipe.epochs})
        if self._log and done < recipe.epochs:  # from a whole checkpoint there is nothing to do
            with self._log.open("a") as file:
                file.write(f"{name} {recipe.epochs}\n")
        return Trained(untrained(recipe, data.dataset, name), score_of(recipe, seed))


@contextmanager
def without_hardware(pictures):
    """In the block costs are made up, and the ends of the front are neither trained further nor built."""
    from tnhw.exploration.finishing import Made

    def finish(what, point, *_, **__):
        return Made(what, point.trial, "", point.score, "test part", unbuilt="not asked for")

    part("searching")
    real = part("report").picture_of
    with (
        mock.patch(
            "tnhw.exploration.report.picture_of", real if pictures else lambda *_: "<svg></svg>"
        ),
        mock.patch("tnhw.exploration.trials.estimate", made_up),
        mock.patch("tnhw.exploration.searching.finish", finish),
    ):
        yield


def run_search(folder, trainer=None, **options):
    """A search without training in a folder."""
    options = {"trials": 12, "space": SPACE} | options
    pictures = options.pop("pictures", False)
    data = options.pop("data", None) or small_data()
    board = load_board(options.pop("board", "icebreaker"))
    with without_hardware(pictures):
        return part("searching").search(
            data, board, folder=Path(folder), trainer=trainer or Trainer(), **options
        )


def naive_front(points):
    """The front by its definition, by comparing each point with each: set of numbers of trials."""

    def beats(one, other):
        no_worse = one.score >= other.score and one.cost <= other.cost
        return no_worse and (one.score > other.score or one.cost < other.cost)

    kept = [point for point in points if not any(beats(one, point) for one in points)]
    first = {}
    for point in sorted(kept, key=lambda one: one.trial):
        first.setdefault((point.score, point.cost), point.trial)
    return set(first.values())


if __name__ == "__main__":
    place, count, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    run_search(place, Trainer(seconds, log=place.parent / "log"), trials=count)
