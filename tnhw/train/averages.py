"""Exponential moving averages of the real parameters of a model."""

from contextlib import contextmanager

import torch

__all__ = ["Average"]

FIRST = 10  # steps after which the average forgets its first values, at the latest


class Average:
    """Averages of the parameters of a model, by their names.

    At step t an average keeps the share min(share, t / (FIRST + t)) of itself, so that it is soon free of the random values
    with which a fit begins. What the statistics of the layers are stays that of the model.
    """

    def __init__(self, model, share):
        self.model, self.share, self.count = model, share, 0
        self.values = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self):
        """Take in the parameters after a step."""
        self.count += 1
        kept = min(self.share, self.count / (FIRST + self.count))
        for name, p in self.model.named_parameters():
            self.values[name].lerp_(p, 1 - kept)

    @contextmanager
    def applied(self):
        """Within it, the model has the averages as its parameters."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self):
        for name, p in self.model.named_parameters():
            own = p.detach().clone()
            p.copy_(self.values[name])
            self.values[name] = own

    def apply(self):
        """Give the model the averages as its parameters, for good."""
        self._swap()

    def state(self):
        """What a checkpoint holds."""
        return {"values": self.values, "count": self.count}

    def restore(self, state):
        """Go on from what a checkpoint holds."""
        self.count = state["count"]
        self.values = {name: state["values"][name] for name in self.values}
