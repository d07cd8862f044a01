"""Sources of batches whose rows need not fit in memory: Datasets and DataLoaders of torch."""

import math

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from ..errors import InputError
from .batches import Batch, Rows

__all__ = ["Items", "Loader", "source_of"]


def source_of(x, y, layers, shape, loss, part=""):
    """Batches of arrays x and y, or of a Dataset or DataLoader x, for the layers of a model; else as `Rows`.

    Raises
    ------
    InputError
        If the data do not fit the model.
    """
    ends = layers[0], layers[-1]
    if not isinstance(x, Dataset | DataLoader):
        return Rows(x, y, *ends, shape, loss, part)
    if y is not None:
        raise InputError(
            f"fit: `y`{part} must be left out: a {type(x).__name__} gives pairs of integers and target"
        )
    data = x.dataset if isinstance(x, DataLoader) else x
    if isinstance(data, IterableDataset):
        raise InputError(
            f"fit: `x`{part} is an IterableDataset, whose rows have no numbers; give a Dataset with `__len__` and `__getitem__`"
        )
    kind = Loader if isinstance(x, DataLoader) else Items
    source = kind(x, ends, shape, loss, part)
    if not len(source):
        raise InputError(f"fit: `x`{part} has no rows")
    next(iter(source.in_order(1)))  # a wrong row is seen before the fit
    return source


class Items:
    """Batches of a Dataset, whose items are (integers, target): integers [prod(shape)] or of `shape`, with channels last.

    Attributes
    ----------
    facts : dict
        What a checkpoint has to agree with.
    """

    facts: dict = {}

    def __init__(self, data, ends, shape, loss, part):
        self.data, self._given = data, (*ends, shape, loss, part)

    def __len__(self):
        return len(self.data)

    def steps(self, size):
        """Number of batches with `size` rows, of which the last may have fewer."""
        return math.ceil(len(self) / size)

    def epoch(self, random, size, first=0):
        """Batches of all rows in random order, from number `first` on. Before each, torch's own generator gets a seed, so
        that random changes of the Dataset's are always the same."""
        order, seed = torch.randperm(len(self), generator=random), random.initial_seed()
        return (
            self._batch(rows, (seed * 1_000_003 + number) % 2**63)
            for number, rows in enumerate(order.split(size))
            if number >= first
        )

    def in_order(self, size):
        """Batches of all rows in their order."""
        return map(self._batch, torch.arange(len(self)).split(size))

    def _batch(self, rows, seed=None):
        if seed is not None:
            torch.manual_seed(seed)
        x, y = zip(*(self.data[row] for row in rows.tolist()), strict=True)
        return self._checked(_stacked(x), _stacked(y), rows)

    def _checked(self, x, y, rows):
        own = Rows(x.reshape(len(x), -1), y, *self._given)
        return Batch(own.x, own.y, rows)


class Loader(Items):
    """Batches of a DataLoader, as it makes them.

    In the middle of an epoch a fit goes on after all batches before have been read once more.
    """

    @property
    def facts(self):
        return {"loader": self.data.batch_size}

    def __len__(self):
        return len(self.data.dataset)

    def steps(self, size):
        return len(self.data)

    def epoch(self, random, size, first=0):
        """Batches from number `first` on. At the beginning of an epoch the generators of torch and of the loader get a seed."""
        return self._from(first, random.initial_seed() % 2**63)

    def in_order(self, size):
        """Batches in the loader's order."""
        return self._from(0)

    def _from(self, first, seed=None):
        if seed is not None:
            torch.manual_seed(seed)
            if self.data.generator is not None:
                self.data.generator.manual_seed(seed)
        for number, (x, y) in enumerate(self.data):
            if number >= first:
                x, y = np.asarray(x), np.asarray(y)
                yield self._checked(x, y, torch.full((len(x),), -1))


def _stacked(values):
    return np.stack([np.asarray(value) for value in values])
