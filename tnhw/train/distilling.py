"""Distillation: a network learns what another one, its teacher, says of each input (Hinton et al., arXiv 1503.02531)."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..errors import InputError

__all__ = ["Teacher"]


@dataclass(frozen=True)
class Teacher:
    """What the original says of the rows to which another network is fitted.

    The loss of a row is ``share * T^2 * KL(softmax(teacher / T), softmax(student / T))``, with T the temperature, plus
    ``1 - share`` times the cross entropy with its label.

    Parameters
    ----------
    logits : float32 Tensor [n, classes]
    temperature : float
        Above 0; a higher one gives more weight to the order of the classes that are not chosen.
    share : float
        Above 0, at most 1; 1 needs no labels.

    Raises
    ------
    InputError
        If `temperature` or `share` is out of range.
    """

    logits: torch.Tensor
    temperature: float = 2.0
    share: float = 0.5

    def __post_init__(self):
        if not 0 < self.temperature <= 100:
            raise InputError(
                f"`temperature` must be above 0 and at most 100, not {self.temperature}"
            )
        if not 0 < self.share <= 1:
            raise InputError(f"`share` must be above 0 and at most 1, not {self.share}")

    @property
    def settings(self):
        """What a checkpoint has to agree with."""
        return {"temperature": self.temperature, "share": self.share}

    def measure(self, labels):
        """The loss for `tnhw.train.fit`: a function of outputs [rows, classes] and of the numbers of their rows.

        `labels` is int64 [n], or None where `share` is 1.
        """
        if labels is None and self.share < 1:
            raise InputError("there are no labels, so `share` must be 1")
        soft = functional.softmax(self.logits / self.temperature, 1)

        def loss(outputs, rows):
            own = functional.log_softmax(outputs / self.temperature, 1)
            taught = functional.kl_div(own, soft[rows].to(own.device), reduction="batchmean")
            total = self.share * self.temperature**2 * taught
            if self.share < 1:
                own = labels[rows].to(outputs.device)
                total = total + (1 - self.share) * functional.cross_entropy(outputs, own)
            return total

        return loss
