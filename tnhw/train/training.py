"""From a recipe to an integer network with its score, and tables of the scores of many."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..data import Dataset
from ..data.scores import percent_correct, psnr
from ..errors import InputError
from ..kernel.names import check_design_name
from ..network import Network
from .checkpoints import Checkpoint, parameters_of
from .exporting import export
from .fitting import fit
from .recipes import Recipe, build, recipe_for

__all__ = ["export_checkpoint", "grid", "score", "table", "train", "tune"]

TABLE = ("threshold", "threshold4", "gain", "gain-complement", "ternary", "shift", "mac")
UNITS = {"class": "% correct", "vector": "dB PSNR"}


def score(network, x, y):
    """Score of an integer network: accuracy in percent, or peak signal-to-noise ratio in dB.

    `x` is int [n, inputs], `y` the labels [n] or for a network that gives vectors int [n, outputs].
    """
    if network.result == "class":
        return percent_correct(network.results(x), y)
    return psnr(network.golden(x), y, network.output_format.max)


def train(
    recipe, seed=0, *, data, name=None, final=False, command="", checkpoint=None, minutes=None, **fitting
):  # fmt: skip
    """Fit, export and measure a network.

    Parameters
    ----------
    recipe : Recipe
    seed : int
    data : tnhw.data.Data
    name : str, optional
        Name of the network. Default: data set and rule.
    final : bool
        Whether to fit to the training and validation parts and measure on the test part, which should be done once,
        at the end. Otherwise fit to the training part, and measure on the validation part.
    command : str
        Command that makes the model again, for its card.
    checkpoint, minutes : path and float, optional
        See `tnhw.train.Checkpoint`.
    **fitting
        `device`, `threads`, `optimiser` and `report` of `tnhw.train.fit`.

    Returns
    -------
    tnhw.network.Network
        Its card has data set, licence, what `Data.card` holds, recipe, seed, command and score.

    Raises
    ------
    InputError
        If the name or the recipe is not valid, a final model has no test part, or for a reason of `tnhw.train.fit` or
        `tnhw.train.export`.
    """
    dataset = data.dataset
    name = name or f"{dataset.word}_{recipe.rule}"
    check_design_name(name)
    if final and not len(data.x_test):
        raise InputError(
            f"{dataset.name}: has no test part, on which a final model is measured; add the arrays `x_test` and `y_test`, or "
            "train without --final and --table"
        )
    model = build(recipe, seed, dataset)
    x, y = data.fitting if final else (data.x_train, data.y_train)
    held = (data.x_test, data.y_test) if final else (data.x_valid, data.y_valid)
    if final and recipe.patience is not None:
        raise InputError(
            "a final model is fitted to the validation part too, so no score can stop it: leave out `patience`"
        )
    history = fit(
        model, x, y, settings=recipe.settings(seed, dataset.task), shape=dataset.shape,
        valid=None if final else held, augment=recipe.augment, checkpoint=_checkpoint(checkpoint, minutes, _note(recipe, seed, data)),
        **fitting,
    )  # fmt: skip
    network = _network(model, dataset, name, {})
    synapses, bits = (sum(column) for column in zip(*(layer.sizes for layer in model), strict=True))
    card = {
        "data": dataset.title,
        "licence": dataset.licence,
        **data.card,
        "recipe": recipe.to_dict(),
        "seed": seed,
        "fitted_to": f"{len(x)} rows, training part" + (" and validation part" if final else ""),
        "measured_on": f"{len(held[0])} rows, {'test' if final else 'validation'} part",
        "score": round(score(network, *held), 3),
        "unit": UNITS[dataset.task],
        "synapses": synapses,
        "stored_bits": bits,
        "command": command,
    }
    if len(history) < recipe.epochs:
        card["stopped"] = f"after {len(history)} of {recipe.epochs} epochs"
    return _network(model, dataset, name, card)


def _checkpoint(path, minutes, note):
    return None if path is None else Checkpoint(path, note, minutes)


def _note(recipe, seed, data):
    """What a checkpoint holds of a fit, from which its network can be made; JSON-able."""
    card = {"data": data.dataset.title, "licence": data.dataset.licence, **data.card}
    return {
        "recipe": recipe.to_dict(),
        "seed": seed,
        "dataset": data.dataset.facts(),
        "card": card,
    }


def _network(model, dataset, name, card):
    return export(model, name, dataset.shape, result=dataset.task, card=card)


def export_checkpoint(path, name=None):
    """Network of a fit that was interrupted, with the parameters of its last full epoch; its card says so.

    Raises
    ------
    InputError
        If there is no such file, or it is not a checkpoint of `tnhw train`.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{path}: not a file")
    try:
        state = torch.load(path, weights_only=True)
        note, done = state["settings"]["note"], len(state["history"])
        recipe = Recipe.from_dict(note["recipe"])
        dataset = _recorded(recipe.dataset, note)
        model = build(recipe, note["seed"], dataset)
        model.load_state_dict(parameters_of(state))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except Exception as error:  # torch names no errors of its own here
        raise InputError(f"{path}: not a checkpoint of `tnhw train`") from error
    card = note["card"] | {
        "recipe": note["recipe"],
        "seed": note["seed"],
        "command": "",
        "unfinished": f"{done} of {recipe.epochs} epochs",
    }
    name = name or f"{dataset.word}_{recipe.rule}"
    return _network(model, dataset, name, card)


def _recorded(name, note):
    """The record of the data set of a checkpoint, which does not hold the data."""
    facts = note["dataset"] | {"shape": tuple(note["dataset"]["shape"])}

    def loader(folder):
        raise InputError(f"{name}: a checkpoint does not hold its data; name them again")

    title, licence = note["card"]["data"], note["card"]["licence"]
    return Dataset(name=name, title=title, licence=licence, loader=loader, **facts)


def grid(recipe):
    """Recipes that `tune` tries, which vary rate and spread in the same way for every rule, and only the rate for
    networks with convolutions."""
    images = any("c" in token for token in recipe.hidden)
    for rate in (0.01, 0.03, 0.1):
        for spread in (recipe.spread,) if images else (0.6, 1.0):
            yield replace(recipe, rate=rate, spread=spread)


def tune(recipe, data, seeds=range(2), rows=None, report=None, **fitting):
    """Find the best recipe of `grid` by the mean score of several seeds on the validation part.

    The rate whose trials have the best mean is taken, because single trials are noisy; the spread is that of the best
    trial with this rate.

    Parameters
    ----------
    recipe : Recipe
    data : tnhw.data.Data
    seeds : iterable of int
    rows : int, optional
        Fit only to the first `rows` rows of the training part. Default: all.
    report : callable, optional
        Called after every trial with a dict of ``rate``, ``spread`` and ``score``.
    **fitting
        As for `train`.

    Returns
    -------
    dict
        ``rate``, ``spread`` and ``score`` of the best trial.
    """
    trials = []
    data = replace(data, x_train=data.x_train[:rows], y_train=data.y_train[:rows])
    for trial in grid(recipe):
        scores = [train(trial, seed, data=data, **fitting).card["score"] for seed in seeds]
        made = {key: getattr(trial, key) for key in ("rate", "spread")}
        trials.append(made | {"score": round(float(np.mean(scores)), 3)})
        if report:
            report(trials[-1])

    def of_rate(rate):
        return [made["score"] for made in trials if made["rate"] == rate]

    return max(trials, key=lambda made: (np.mean(of_rate(made["rate"])), made["score"]))


def table(data, *, kinds=TABLE, seeds=range(5), folder=None, report=None, changes=None, **fitting):
    """Scores of final models of every kind of neuron: mean and standard error over `seeds`.

    Parameters
    ----------
    data : tnhw.data.Data
    kinds : iterable of str
        Of `tnhw.train.recipes.KINDS`.
    seeds : iterable of int
    folder : path, optional
        Folder in which the models are saved. A model that is there already, with the same recipe and seed, is not
        fitted again.
    report : callable, optional
        Called with the card of every model, to which ``kind`` is added.
    changes : dict, optional
        Attributes that are changed in every recipe.
    **fitting
        As for `train`.

    Returns
    -------
    list of dict
        One for each kind: ``kind``, ``mean``, ``error`` (standard error; None for one seed), ``scores``, ``unit``,
        ``synapses``, ``bits`` (stored bits of a synapse).
    """
    rows = []
    for kind in kinds:
        cards = []
        for seed in seeds:
            recipe = recipe_for(data.dataset, kind, **(changes or {}))
            name = f"{data.dataset.word}_{kind}_{seed}".replace("-", "_")
            path = Path(folder, f"{name}.npz") if folder else None
            cards.append(_known(path, recipe, seed, data))
            if cards[-1] is None:
                network = train(recipe, seed, data=data, name=name, final=True, **fitting)
                cards[-1] = network.card
                if path:
                    network.save(path)
            if report:
                report({"kind": kind} | cards[-1])
        scores = [card["score"] for card in cards]
        error = float(np.std(scores, ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else None
        rows.append({
            "kind": kind, "mean": round(float(np.mean(scores)), 3), "error": error and round(error, 3),
            "scores": scores, "unit": cards[0]["unit"], "synapses": cards[0]["synapses"],
            "bits": round(cards[0]["stored_bits"] / cards[0]["synapses"], 2),
        })  # fmt: skip
    return rows


def _known(path, recipe, seed, data):
    """Card of the model in a file, if it is a final model with this recipe and seed and of these data; otherwise None."""
    if path is None or not path.is_file():
        return None
    card = Network.load(path).card
    wanted = {"recipe": recipe.to_dict(), "seed": seed, **data.card}
    same = all(card.get(key) == value for key, value in wanted.items())
    return card if same and "test" in card.get("measured_on", "") else None
