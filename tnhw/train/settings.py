"""Settings of a fit: the numbers that decide which model comes out, as a checkpoint records them."""

import math
from dataclasses import asdict, dataclass, replace

from ..errors import InputError

__all__ = ["SCHEDULES", "Settings"]

SCHEDULES = ("cosine", "one-cycle")
LOSSES = ("class", "vector")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a model is fitted. `tnhw.train.fit` takes one of these, or its attributes by name.

    Attributes
    ----------
    epochs, batch : int
        Number of epochs, and of rows in a batch.
    rate : float
        Highest learning rate.
    seed : int
        Of the order of the rows, of `noise` and of what changes images. (Initial parameters depend on torch's seed when
        the model is made.)
    loss : str
        ``class``: cross entropy; ``vector``: mean squared error.
    freeze : float
        Share of the epochs after which mean and scale of every layer are constants.
    prune : float
        Share of the synapses of every layer that are absent at the end.
    noise : int
        During training a random integer of -noise .. noise is added to every input, within the input's format.
    schedule : str
        ``cosine``: the rate falls to 0 as a cosine. ``one-cycle``: during a share `warm_up` of the fit it first rises
        linearly, then it falls as a cosine.
    warm_up : float
        For ``one-cycle``.
    average : float
        0, or the share that an exponential moving average of the real parameters keeps at each step, for example 0.999.
        The averages are what is validated, and the model has them after the fit.
    decay : float
        Weight decay: at each step p is multiplied by 1 - rate * decay (Loshchilov and Hutter, arXiv 1711.05101).
    patience : int, optional
        The fit ends after so many epochs without a better validation score, and the model has the parameters of the best
        epoch. With `prune`, only epochs after the last synapse was removed count.

    Raises
    ------
    InputError
        If an attribute is out of range.
    """

    epochs: int
    rate: float = 0.03
    batch: int = 128
    seed: int = 0
    loss: str = "class"
    freeze: float = 0.7
    prune: float = 0.0
    noise: int = 0
    schedule: str = "cosine"
    warm_up: float = 0.1
    average: float = 0.0
    decay: float = 0.0
    patience: int | None = None

    def __post_init__(self):
        for name in ("epochs", "batch"):
            check_count(name, getattr(self, name))
        if self.patience is not None:
            check_count("patience", self.patience)
        for name, choices in (("schedule", SCHEDULES), ("loss", LOSSES)):
            if getattr(self, name) not in choices:
                raise InputError(
                    f"`{name}` must be {' or '.join(choices)}, not {getattr(self, name)!r}"
                )
        if not 0 < self.rate < 10:
            raise InputError(f"`rate` must be above 0 and below 10, not {self.rate}")
        for name in ("freeze", "warm_up"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"`{name}` must be above 0 and below 1, not {getattr(self, name)}")
        for name in ("prune", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"`{name}` must be 0 or more and below 1, not {getattr(self, name)}"
                )
        if not 0 <= self.decay * self.rate < 1:
            raise InputError(
                f"`decay` must be 0 or more, and below 1 / `rate`, which is {1 / self.rate:g}, not {self.decay}"
            )
        if isinstance(self.noise, bool) or not isinstance(self.noise, int) or self.noise < 0:
            raise InputError(f"`noise` must be an integer, 0 or more, not {self.noise!r}")

    @classmethod
    def of(cls, settings, options):
        """Settings with some attributes changed, or if there are none, those of the attributes alone."""
        return cls(**options) if settings is None else replace(settings, **options)

    def to_dict(self):
        """All attributes, for JSON."""
        return asdict(self)

    def rate_at(self, done):
        """The learning rate after a share `done` of the fit."""
        if self.schedule == "one-cycle":
            if done < self.warm_up:
                return self.rate * done / self.warm_up
            done = (done - self.warm_up) / (1 - self.warm_up)
        return self.rate * (1 + math.cos(math.pi * done)) / 2


def check_count(name, value):
    """Raise InputError if a value is no positive integer."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"`{name}` must be a positive integer, not {value!r}")
