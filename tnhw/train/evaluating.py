"""The score of a model on integers, in bounded memory and on the device where the model is."""

import math

import torch

from . import processes
from .batches import as_real
from .modules import layers_of, modules_of
from .sources import source_of

__all__ = ["evaluate", "score_of"]

NUMBERS = 1 << 23  # of one layer for all rows of a batch: 32 MiB as float32
LARGEST = 1000  # rows of a batch


def evaluate(model, x, y=None, *, shape=None, loss="class"):
    """Score of a model on integers as `fit` takes them: accuracy in percent, or with ``loss="vector"`` the peak
    signal-to-noise ratio in dB.

    The model stays on its device, and the rows are brought there in batches.

    Raises
    ------
    InputError
        If the data do not fit the model.
    """
    layers = layers_of(model)
    return score_of(model, source_of(x, y, layers, shape, loss), loss)


@torch.no_grad()
def score_of(model, source, loss, *, together=False):
    """Score of a model on the batches of a source, as `evaluate` gives it. If all processes call it `together`, each
    computes some of the batches."""
    layers = layers_of(model)
    device, bits = layers[0].mean.device, layers[0].input_bits
    was = model.training
    model.eval()
    good, numbers = 0.0, 0
    batches = source.in_order(_rows(model, source, bits))
    for x, y, _ in processes.split(batches) if together else batches:
        out, y = model(as_real(x.to(device), bits)), y.to(device)
        good += (out.argmax(1) == y).sum().item() if loss == "class" else (out - y).cpu().double().square().sum().item()  # fmt: skip
        numbers += y.numel()
    model.train(was)
    if together:
        good, numbers = processes.total(torch.tensor([good, numbers], dtype=torch.float64)).tolist()
    if loss == "class":
        return 100 * (good / numbers)
    peak = 1 - 2.0 ** -layers[-1].output_bits
    return 10 * math.log10(peak**2 / max(good / numbers, 1e-12))


def _rows(model, source, bits):
    """How many rows a batch may have."""
    x = as_real(next(iter(source.in_order(1))).x[:1], bits).to(layers_of(model)[0].mean.device)
    largest = x.numel()
    for _, module in modules_of(model):
        x = module(x)
        largest = max(largest, x.numel())
    return max(1, min(LARGEST, NUMBERS // largest))
