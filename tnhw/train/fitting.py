"""Fit: Adam with a cosine schedule, statistics frozen on the way, a checkpoint after every epoch.

The same seed, torch and processor give the same model for one number of threads: sums of gradients are
rounded in an order that depends on threads, sums of the forward pass are exact.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..support.files import work_folder
from .layers import Layer

__all__ = ["as_input", "evaluate", "fit"]

PRUNE_FROM, PRUNE_TO = 0.2, 0.6  # share of the epochs in which synapses are removed


def as_input(x, shape, bits=4):
    """Integers [n, prod(shape)], raster with channels last, as the layers' float32 in [0, 1).

    A shape of three becomes [n, channels, height, width].
    """
    x = torch.as_tensor(np.asarray(x), dtype=torch.float32) / 2**bits
    if len(shape) == 3:
        x = x.view(-1, *shape).permute(0, 3, 1, 2).contiguous()
    return x


def fit(
    model, x, y, *, epochs, rate=0.03, batch=128, seed=0, loss="class", freeze=0.7, prune=0.0,
    noise=0, shape=None, valid=None, threads=1, checkpoint=None, note=None, report=None,
):  # fmt: skip
    """Fit a model to integers.

    Parameters
    ----------
    model : torch.nn.Sequential
        Of layers of `tnhw.train.layers`, changed in place.
    x : int array [n, prod(shape)]
        Of the model's input format, raster with channels last.
    y : int array [n] of labels, or [n, outputs] in the format of the last layer
    epochs : int
    rate : float
        Learning rate of Adam; it falls to 0 as a cosine.
    batch : int
    seed : int
        Of the order of rows; initial parameters come from torch's seed when the model is made.
    loss : str
        ``class``: cross entropy; ``vector``: mean squared error.
    freeze : float
        Share of the epochs after which mean and scale of every layer are constants.
    prune : float
        Share of the synapses of every layer that are absent at the end.
    noise : int
        Training sees every input plus a random integer of -noise .. noise, clamped to the format.
    shape : tuple of int, optional
        Of one input, (height, width, channels) for convolutions.
    valid : (x, y), optional
        What `report` is told the score of.
    threads : int
    checkpoint : path, optional
        File that is read at the start and written after every epoch: an interrupted fit goes on where
        it was, and ends as if it had not been interrupted. The caller removes it.
    note : dict, optional
        Kept in the checkpoint, and compared when it is read; JSON-able.
    report : callable, optional
        Gets a dict after every epoch: epoch, epochs, loss, and score if there is `valid`.

    Returns
    -------
    list of dict
        What `report` got.
    """
    _check(epochs, rate, batch, freeze, prune, noise)
    torch.set_num_threads(threads)
    layers = [layer for layer in model if isinstance(layer, Layer)]
    shape = shape or (np.shape(x)[1],)
    x = as_input(x, shape, layers[0].input_bits)
    y = _target(y, loss, layers[-1])
    measure = nn.CrossEntropyLoss() if loss == "class" else nn.MSELoss()
    optimiser = torch.optim.Adam(_groups(layers, rate))
    settings = {
        "epochs": epochs, "rate": rate, "batch": batch, "seed": seed, "loss": loss, "freeze": freeze,
        "prune": prune, "noise": noise, "rows": len(x), "note": note or {},
    }  # fmt: skip
    history = _resume(checkpoint, settings, model, optimiser)
    run = _Epochs(model, optimiser, measure, x, y, settings)
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
    """A fit's epochs; each depends on its number alone, and on the model before it."""

    model: nn.Sequential
    optimiser: torch.optim.Optimizer
    measure: nn.Module
    x: torch.Tensor
    y: torch.Tensor
    settings: dict

    def epoch(self, number):
        """One pass over the rows; gives the sum of the losses of all of them."""
        batch, epochs, noise = (self.settings[key] for key in ("batch", "epochs", "noise"))
        layers = [layer for layer in self.model if isinstance(layer, Layer)]
        steps, total = math.ceil(len(self.x) / batch), 0.0
        random = torch.Generator().manual_seed(self.settings["seed"] * 1_000_003 + number)
        order = torch.randperm(len(self.x), generator=random)
        for step, rows in enumerate(order.split(batch)):
            done = (number + step / steps) / epochs
            for group in self.optimiser.param_groups:
                rate = group["share"] * self.settings["rate"]
                group["lr"] = rate * (1 + math.cos(math.pi * done)) / 2
            self.model.train()
            x = _noisy(self.x[rows], noise, layers[0].input_bits, random)
            error = self.measure(self.model(x), self.y[rows])
            self.optimiser.zero_grad()
            error.backward()
            self.optimiser.step()
            total += error.item() * len(rows)
            for layer in layers:
                layer.clamp_()
        return total


@torch.no_grad()
def evaluate(model, x, y, *, shape=None, loss="class"):
    """Score of a model on integers: accuracy in percent, or peak signal-to-noise ratio in dB."""
    layers = [layer for layer in model if isinstance(layer, Layer)]
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


def _target(y, loss, last):
    y = torch.as_tensor(np.asarray(y))
    if loss == "class":
        return y.long()
    if last.output_bits is None:
        raise InputError("a fit to vectors needs `output_bits` of the last layer")
    return y.float() / 2**last.output_bits


def _groups(layers, rate):
    """Parameters by their share of the learning rate."""
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
