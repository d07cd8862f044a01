"""Fit: a model and integers, epochs of steps, checkpoints, and a report after each epoch.

With the same seed, version of torch, processor and number of threads a fit on the CPU gives the same model. The number of
threads matters because it changes the order in which sums of gradients are rounded; sums of the forward pass are
exact.
"""

import inspect

import torch
from torch import nn

from ..errors import InputError
from .augmenting import changed
from .batches import Rows
from .checkpoints import Checkpoint, Keeper
from .devices import device_of
from .modules import layers_of
from .optimisers import make
from .passes import Fit
from .processes import agree, check_rows, is_first
from .settings import Settings, check_count
from .sources import Loader, source_of

__all__ = ["fit"]


def fit(
    model, x, y=None, *, settings=None, shape=None, valid=None, augment=None, teacher=None, optimiser=None,
    device="cpu", threads=1, checkpoint=None, report=None, **options,
):  # fmt: skip
    """Fit a model to integers.

    Parameters
    ----------
    model : torch.nn.Sequential
        Layers of `tnhw.train.layers`, which are changed in place; a Sequential may hold others.
    x : int array [n, prod(shape)], torch.utils.data.Dataset or DataLoader
        Inputs in the model's input format, row by row with channels last. A Dataset gives pairs of such a row and its
        target, and a DataLoader batches of them, of the loader's size.
    y : int array
        Labels [n], or for ``loss="vector"`` [n, outputs] in the format of the last layer; a teacher may need none.
        Left out where `x` gives them.
    settings : tnhw.train.Settings, optional
        How the model is fitted.
    **options
        Attributes of `settings` by their names, which replace its own: ``fit(model, x, y, epochs=60, rate=0.02)``.
    shape : tuple of int, optional
        Shape of one input: (height, width, channels) for convolutions. Default: (features,).
    valid : (x, y), Dataset or DataLoader, optional
        Validation data; after every epoch their score is reported.
    augment : callable, optional
        Takes a batch of integers [rows, features] or [rows, channels, height, width] and a torch.Generator, and returns
        them changed, for example `tnhw.train.shifts_and_flips`. It takes all that is random from the generator.
    teacher : tnhw.train.distilling.Teacher, optional
        What another network says of every row of `x`, as a part of the loss or all of it. For ``loss="class"``.
    optimiser : callable, optional
        Takes the groups of parameters of `tnhw.train.optimisers.groups`, and returns a torch.optim.Optimizer of them. Default:
        Adam. `fit` sets the rates of its groups.
    device : str
        Where the model is brought, trained and left, for example ``cuda``. The data stay on the CPU but for one batch.
    threads : int
        Threads of torch.
    checkpoint : path or tnhw.train.Checkpoint, optional
        File that is read at the start and written after every epoch: an interrupted fit continues where it was
        interrupted, and gives the same model as without the interruption. The caller removes the file.
    report : callable, optional
        Called after every epoch with a dict of ``epoch``, ``epochs``, ``loss`` (mean over the rows), and with
        `valid` also ``score``.

    Returns
    -------
    list of dict
        The dicts of all epochs, as `report` takes them.

    Raises
    ------
    InputError
        If a setting is out of range, data do not fit the model, there is no such device, or the checkpoint is another's or
        cannot be written.
    """
    settings = Settings.of(settings, options)
    check_count("threads", threads)
    if settings.patience is not None and valid is None:
        raise InputError("`patience` needs `valid`, the data of which a better score is awaited")
    layers = layers_of(model)
    source, valid = _sources(x, y, valid, augment, layers, shape, settings)
    measure, device = _measure(source, settings.loss, teacher), device_of(device)
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint(checkpoint)
    keeper = Keeper(checkpoint, settings.to_dict() | {
        "rows": len(source), "optimiser": _name(optimiser), "augment": _name(augment), **source.facts,
        **(teacher.settings if teacher else {}),
    })  # fmt: skip
    torch.set_num_threads(threads)
    agree(model.to(device))
    run = Fit(model, settings, source, measure, make(optimiser, layers, settings), valid, augment)
    keeper.load(run.restore, device)
    while not run.done:
        record = run.epoch(lambda: keeper.due and keeper.save(run.state()))
        keeper.save(run.state())
        if report and is_first():
            report(record)
    run.finish()
    return run.history


def _sources(x, y, valid, augment, layers, shape, settings):
    """Batches of the data and of the validation data, after a try of what changes them."""
    loss = settings.loss
    source = source_of(x, y, layers, shape, loss)
    if valid is not None:
        pair = valid if isinstance(valid, tuple | list) else (valid, None)
        valid = source_of(*pair, layers, shape, loss, " of `valid`")
    if augment is not None:
        one = next(iter(source.in_order(1))).x
        changed(augment, one, torch.Generator(), layers[0].input_bits)
    if not isinstance(source, Loader):
        check_rows(len(source) - (source.steps(settings.batch) - 1) * settings.batch)
    return source, valid


def _measure(source, loss, teacher):
    """The loss of a fit: a function of outputs, of their targets and of the numbers of their rows."""
    if not isinstance(source, Rows):
        if teacher is not None:
            raise InputError("fit: a teacher needs `x` as an array, whose rows it has seen")
    elif teacher is not None:
        taught = teacher.measure(source.y)
        return lambda outputs, y, rows: taught(outputs, rows)
    elif source.y is None:
        raise InputError("fit: `y` is missing; give labels or vectors, or a teacher")
    measure = nn.CrossEntropyLoss() if loss == "class" else nn.MSELoss()
    return lambda outputs, y, rows: measure(outputs, y)


def _name(function):
    """What a checkpoint says of a function of the user's."""
    if inspect.isroutine(function) or inspect.isclass(function):
        return f"{function.__module__}.{function.__qualname__}"
    return None if function is None else repr(function)
