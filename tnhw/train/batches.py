"""Batches: integers and their targets, in an order that depends only on the seed.

Data stay on the CPU as small integers. A batch becomes real numbers where the model is.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from .checks import check_data

__all__ = ["Batch", "Rows", "as_input", "as_real"]


class Batch(NamedTuple):
    """Some rows of the data.

    Attributes
    ----------
    x : integer Tensor
        [rows, features], or [rows, channels, height, width].
    y : Tensor or None
        Targets as the loss takes them: int64 labels [rows], or float32 vectors [rows, outputs].
    rows : int64 Tensor
        Their numbers in the data.
    """

    x: torch.Tensor
    y: torch.Tensor | None
    rows: torch.Tensor


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
    return as_real(_channels_first(torch.as_tensor(np.asarray(x)), shape), bits)


def as_real(x, bits):
    """Integers x as the layers take them, on the device where they are."""
    return x.to(torch.float32) / 2**bits


class Rows:
    """Batches of arrays in memory.

    Parameters
    ----------
    x : int array [n, prod(shape)]
    y : int array or None
        Labels [n], or vectors [n, outputs]; None if a teacher alone gives the targets.
    first, last : Layer
        Of the model.
    shape : tuple of int or None
        Shape of one input; None for (features,).
    loss : str
        ``class`` or ``vector``.
    part : str
        Which data these are, for messages.

    Attributes
    ----------
    facts : dict
        What a checkpoint has to agree with.

    Raises
    ------
    InputError
        If an array does not fit the model.
    """

    facts: dict = {}

    def __init__(self, x, y, first, last, shape, loss, part=""):
        check_data(x, y, first, last, shape, loss, part)
        bits = first.input_bits
        small = torch.uint8 if bits <= 8 else torch.int16 if bits < 16 else torch.int32
        x = torch.as_tensor(np.asarray(x)).to(small)
        self.x = _channels_first(x, shape or x.shape[1:])
        self.y = None if y is None else targets(y, loss, last)

    def __len__(self):
        return len(self.x)

    def steps(self, size):
        """Number of batches with `size` rows, of which the last may have fewer."""
        return math.ceil(len(self) / size)

    def epoch(self, random, size, first=0):
        """Batches of all rows in random order, from number `first` on; `random` is a generator."""
        order = torch.randperm(len(self), generator=random)
        return map(self._batch, order.split(size)[first:])

    def in_order(self, size):
        """Batches of all rows in their order."""
        return map(self._batch, torch.arange(len(self)).split(size))

    def _batch(self, rows):
        return Batch(self.x[rows], None if self.y is None else self.y[rows], rows)


def targets(y, loss, last):
    """Targets as the loss takes them, for the last layer of a model."""
    y = torch.as_tensor(np.asarray(y))
    return y.long() if loss == "class" else y.float() / 2**last.output_bits


def _channels_first(x, shape):
    return x.view(-1, *shape).permute(0, 3, 1, 2).contiguous() if len(shape) == 3 else x
