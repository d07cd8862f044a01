"""Several processes that fit one model together: each computes its part of every batch, and sums are over all of them.

Processes belong together where torch.distributed has a process group. Without one, a process is alone, and nothing here
changes a bit of what it computes.
"""

from contextlib import contextmanager

import torch
from torch import distributed
from torch.autograd import Function

from ..errors import InputError

__all__ = [
    "agree",
    "check_rows",
    "count",
    "is_first",
    "joined",
    "own_part",
    "split",
    "sum_gradients",
    "total",
]


def count():
    """How many processes there are."""
    return distributed.get_world_size() if _together() else 1


def is_first():
    """Whether this process writes files and reports."""
    return not _together() or distributed.get_rank() == 0


def _together():
    return distributed.is_available() and distributed.is_initialized()


def launched():
    """Whether ``torchrun`` has started this process."""
    return distributed.is_available() and distributed.is_torchelastic_launched()


@contextmanager
def joined():
    """Within it, the processes that ``torchrun`` has started are a group; gives whether this one is the first.

    A process that was started by itself stays alone. A group that exists already is left as it is.
    """
    begun = launched() and not distributed.is_initialized()
    if begun:
        distributed.init_process_group("gloo")
    try:
        yield is_first()
    finally:
        if begun:
            distributed.destroy_process_group()


class _Total(Function):
    @staticmethod
    def forward(ctx, values):
        return _summed(values)

    @staticmethod
    def backward(ctx, g):
        return _summed(g)


def _summed(values):
    values = values.clone().contiguous()
    distributed.all_reduce(values)
    return values


def total(values):
    """Sum of a tensor over all processes. Gradients go to each of them, from each of them."""
    return _Total.apply(values) if count() > 1 else values


def moments(z):
    """Mean of each column of z [rows, outputs], with gradients, and the standard deviation of all numbers from these means,
    without; over the rows of all processes."""
    if count() == 1:
        mean = z.mean(0)
        return mean, (z.detach() - mean.detach()).square().mean().sqrt()
    sums = total(torch.cat([z.sum(0), z.new_full((1,), len(z))]))
    mean, rows = sums[:-1] / sums[-1], sums[-1].detach()
    square = _summed((z.detach() - mean.detach()).square().sum())
    return mean, (square / (rows * z.shape[1])).sqrt()


@torch.no_grad()
def agree(model):
    """Give all processes the parameters and buffers of the first one."""
    if count() > 1:
        for value in [*model.parameters(), *model.buffers()]:
            distributed.broadcast(value, 0)


def own_part(batch):
    """The rows of a batch that this process computes.

    Raises
    ------
    InputError
        If there are fewer rows than processes.
    """
    if count() == 1:
        return batch
    check_rows(len(batch.x))
    own = slice(distributed.get_rank(), None, count())
    y = None if batch.y is None else batch.y[own]
    return batch._replace(x=batch.x[own], y=y, rows=batch.rows[own])


def check_rows(rows):
    """Raise InputError if a batch has fewer rows than there are processes."""
    if rows < count():
        raise InputError(
            f"a batch of {rows} rows cannot be divided among {count()} processes; choose another `batch`"
        )


def split(items):
    """Every item of an iterable that is this process's, of all that the processes go through together."""
    if count() == 1:
        return iter(items)
    rank = distributed.get_rank()
    return (item for number, item in enumerate(items) if number % count() == rank)


def sum_gradients(optimiser, loss):
    """Replace the gradients of an optimiser's parameters by their sums over all processes, in place, and return that of
    the losses."""
    if count() == 1:
        return loss
    held = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]  # fmt: skip
    sums = _summed(torch.cat([loss.reshape(1), *(grad.flatten() for grad in held)]))
    parts = sums[1:].split([grad.numel() for grad in held])
    for grad, part in zip(held, parts, strict=True):
        grad.copy_(part.view_as(grad))
    return sums[0]
