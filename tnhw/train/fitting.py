"""Fit: Adam with a cosine schedule, statistics that are frozen after a share of the epochs, checkpoints.

With the same seed, version of torch, processor and number of threads a fit gives the same model. The number of
threads matters because it changes the order in which sums of gradients are rounded; sums of the forward pass are
exact.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..support.files import work_folder
from .checks import check_data
from .modules import layers_of

__all__ = ["as_input", "evaluate", "fit"]

PRUNE_FROM, PRUNE_TO = 0.2, 0.6  # share of the epochs in which synapses are removed


def as_input(x, shape, bits=4):
    """Turn integer inputs into the tensor that the layers take: float32 in [0, 1), x / 2^bits.

    Parameters
    ----------
    x : int array [n, prod(shape)]
        Row by row, with channels last.
    shape : tuple of int
        Shape of one input.
    bits : int
        Bits of the unsigned input format.

    Returns
    -------
    torch.Tensor
        [n, features], or [n, channels, height, width] for a `shape` of (height, width, channels).
    """
    x = torch.as_tensor(np.asarray(x), dtype=torch.float32) / 2**bits
    if len(shape) == 3:
        x = x.view(-1, *shape).permute(0, 3, 1, 2).contiguous()
    return x


def fit(
    model, x, y, *, epochs, rate=0.03, batch=128, seed=0, loss="class", freeze=0.7, prune=0.0,
    noise=0, shape=None, valid=None, threads=1, checkpoint=None, note=None, report=None, teacher=None,
):  # fmt: skip
    """Fit a model to integers.

    Parameters
    ----------
    model : torch.nn.Sequential
        Layers of `tnhw.train.layers`, which are changed in place; a Sequential may hold others.
    x : int array [n, prod(shape)]
        Inputs in the model's input format, row by row with channels last.
    y : int array
        Labels [n], or for ``loss="vector"`` [n, outputs] in the format of the last layer; a teacher may need none.
    epochs, batch, threads : int
        Number of epochs, of rows in a batch, and of threads of torch.
    rate : float
        Learning rate of Adam at the start; it falls to 0 as a cosine.
    seed : int
        Of the order of the rows and of `noise`. (Initial parameters depend on torch's seed when the model is made.)
    loss : str
        ``class``: cross entropy; ``vector``: mean squared error.
    freeze : float
        Share of the epochs after which mean and scale of every layer are constants.
    prune : float
        Share of the synapses of every layer that are absent at the end.
    noise : int
        During training a random integer of -noise .. noise is added to every input, within the input's format.
    shape : tuple of int, optional
        Shape of one input: (height, width, channels) for convolutions. Default: (features,).
    valid : (x, y), optional
        Validation data; after every epoch their score is reported.
    checkpoint : path, optional
        File that is read at the start and written after every epoch: an interrupted fit continues where it was
        interrupted, and gives the same model as without the interruption. The caller removes the file.
    note : dict, optional
        Stored in the checkpoint, and compared when the checkpoint is read; JSON-able.
    report : callable, optional
        Called after every epoch with a dict of ``epoch``, ``epochs``, ``loss`` (mean over the rows), and with
        `valid` also ``score``.
    teacher : tnhw.train.distilling.Teacher, optional
        What another network says of every row of `x`, as a part of the loss or all of it. For ``loss="class"``.

    Returns
    -------
    list of dict
        The dicts of all epochs, as `report` takes them.

    Raises
    ------
    InputError
        If a setting is out of range, data do not fit the model, or the checkpoint is another's or cannot be written.
    """
    _check(epochs, rate, batch, freeze, prune, noise)
    torch.set_num_threads(threads)
    layers = layers_of(model)
    _check_data({"": (x, y), " of `valid`": valid}, layers, shape, loss)
    x = as_input(x, shape := shape or (np.shape(x)[1],), layers[0].input_bits)
    measure = _measure(y, loss, layers[-1], teacher)
    optimiser = torch.optim.Adam(_groups(layers, rate))
    settings = {
        "epochs": epochs, "rate": rate, "batch": batch, "seed": seed, "loss": loss, "freeze": freeze,
        "prune": prune, "noise": noise, "rows": len(x), "note": note or {}, **(teacher.settings if teacher else {}),
    }  # fmt: skip
    history = _resume(checkpoint, settings, model, optimiser)
    run = _Epochs(model, layers, optimiser, measure, x, settings)
    for epoch in range(len(history), epochs):
        if epoch >= freeze * epochs:
            for layer in layers:
                layer.freeze()
        total = run.epoch(epoch)
        _prune(layers, prune, (epoch + 1) / epochs)
        record = {"epoch": epoch + 1, "epochs": epochs, "loss": total / len(x)}
        if valid is not None:
            record["score"] = evaluate(model, *valid, shape=shape, loss=loss)
        history.append(record)
        _save(checkpoint, settings, model, optimiser, history)
        if report:
            report(record)
    return history


@dataclass(frozen=True)
class _Epochs:
    """The epochs of a fit. What an epoch does depends only on its number and on the model before it."""

    model: nn.Sequential
    layers: list
    optimiser: torch.optim.Optimizer
    measure: Callable  # mean loss of outputs for the rows with these numbers
    x: torch.Tensor
    settings: dict

    def epoch(self, number):
        """Do one pass over the rows, and return the sum of their losses."""
        batch, epochs, noise = (self.settings[key] for key in ("batch", "epochs", "noise"))
        steps, total = math.ceil(len(self.x) / batch), 0.0
        random = torch.Generator().manual_seed(self.settings["seed"] * 1_000_003 + number)
        order = torch.randperm(len(self.x), generator=random)
        for step, rows in enumerate(order.split(batch)):
            done = (number + step / steps) / epochs
            for group in self.optimiser.param_groups:
                rate = group["share"] * self.settings["rate"]
                group["lr"] = rate * (1 + math.cos(math.pi * done)) / 2
            self.model.train()
            x = _noisy(self.x[rows], noise, self.layers[0].input_bits, random)
            error = self.measure(self.model(x), rows)
            self.optimiser.zero_grad()
            error.backward()
            self.optimiser.step()
            total += error.item() * len(rows)
            for layer in self.layers:
                layer.clamp_()
        return total


@torch.no_grad()
def evaluate(model, x, y, *, shape=None, loss="class"):
    """Score of a model on integers as `fit` takes them: accuracy in percent, or with ``loss="vector"`` the peak
    signal-to-noise ratio in dB."""
    layers = layers_of(model)
    x = as_input(x, shape or (np.shape(x)[1],), layers[0].input_bits)
    y = _target(y, loss, layers[-1])
    was = model.training
    model.eval()
    out = torch.cat([model(rows) for rows in x.split(1000)])
    model.train(was)
    if loss == "class":
        return 100 * (out.argmax(1) == y).double().mean().item()
    peak = 1 - 2.0 ** -layers[-1].output_bits
    return 10 * math.log10(peak**2 / max((out - y).double().square().mean().item(), 1e-12))


def _check(epochs, rate, batch, freeze, prune, noise):
    for name, value in {"epochs": epochs, "batch": batch}.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"`{name}` must be a positive integer, not {value!r}")
    if not 0 < rate < 10:
        raise InputError(f"`rate` must be above 0 and below 10, not {rate}")
    if not 0 < freeze < 1:
        raise InputError(f"`freeze` must be above 0 and below 1, not {freeze}")
    if not 0 <= prune < 1:
        raise InputError(f"`prune` must be 0 or more and below 1, not {prune}")
    if isinstance(noise, bool) or not isinstance(noise, int) or noise < 0:
        raise InputError(f"`noise` must be an integer, 0 or more, not {noise!r}")


def _check_data(pairs, layers, shape, loss):
    for part, pair in pairs.items():
        if pair is not None:
            check_data(*pair, layers[0], layers[-1], shape, loss, part)


def _measure(y, loss, last, teacher):
    """The loss of a fit: a function of outputs and of the numbers of their rows."""
    if teacher is not None:
        return teacher.measure(None if y is None else _target(y, loss, last))
    y = _target(y, loss, last)
    measure = nn.CrossEntropyLoss() if loss == "class" else nn.MSELoss()
    return lambda outputs, rows: measure(outputs, y[rows])


def _target(y, loss, last):
    y = torch.as_tensor(np.asarray(y))
    if loss == "class":
        return y.long()
    return y.float() / 2**last.output_bits


def _groups(layers, rate):
    """Groups of parameters for Adam, by their share of the learning rate."""
    groups = {1.0: []}
    for layer in layers:
        groups[1.0] += [layer.bias, layer.temper]
        for name, p in layer.p.items():
            groups.setdefault(layer.synapse.slow.get(name, 1.0), []).append(p)
    return [{"params": p, "share": share, "lr": rate * share} for share, p in groups.items()]


def _noisy(x, noise, bits, random):
    """Inputs plus uniform integers of -noise .. noise, clamped to ``u<bits>``."""
    if not noise:
        return x
    steps = torch.randint(-noise, noise + 1, x.shape, generator=random)
    return (x + steps / 2**bits).clamp(0, 1 - 2.0**-bits)


def _prune(layers, share, done):
    """Remove synapses gradually, faster at first (as Zhu and Gupta, arXiv 1710.01878)."""
    if share:
        part = min(max((done - PRUNE_FROM) / (PRUNE_TO - PRUNE_FROM), 0), 1)
        for layer in layers:
            layer.prune_(share * (1 - (1 - part) ** 3))


def _save(path, settings, model, optimiser, history):
    if not path:
        return
    state = {
        "settings": settings, "model": model.state_dict(), "optimiser": optimiser.state_dict(),
        "history": history,
    }  # fmt: skip
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with work_folder(path.parent, ".new-") as new:
            torch.save(state, new / path.name)
            os.replace(new / path.name, path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another file with -o"
        ) from None


def _resume(path, settings, model, optimiser):
    """History of a checkpoint, after loading it; empty if there is none."""
    if not path or not Path(path).exists():
        return []
    try:
        state = torch.load(path, weights_only=True)
        if state["settings"] != settings:
            raise InputError(f"{path}: is of a fit with other settings; remove it to start again")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        return state["history"]
    except InputError:
        raise
    except Exception as error:  # torch names no errors of its own here
        raise InputError(
            f"{path}: not a checkpoint of this model; remove it to start again"
        ) from error
