"""Checkpoints: files from which a fit that was interrupted goes on, and gives the same model."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import torch

from ..errors import InputError
from ..support.files import work_folder
from .processes import is_first

__all__ = ["Checkpoint", "Keeper", "parameters_of"]


@dataclass(frozen=True)
class Checkpoint:
    """Where the checkpoint of a fit is, and how often it is written.

    Attributes
    ----------
    path : path
        File that is read at the start if it is there, and written after every epoch. The caller removes it.
    note : dict
        Stored in the file, and compared when the file is read; JSON-able.
    minutes : float, optional
        Write the file in the middle of an epoch too, after so many minutes.

    Raises
    ------
    InputError
        If `minutes` is not above 0.
    """

    path: Path | str
    note: dict = field(default_factory=dict)
    minutes: float | None = None

    def __post_init__(self):
        if self.minutes is not None and not self.minutes > 0:
            raise InputError(f"`minutes` must be above 0, not {self.minutes}")


class Keeper:
    """Writes and reads the checkpoint of a fit.

    Parameters
    ----------
    checkpoint : Checkpoint or None
        Without one nothing is written or read.
    settings : dict
        What a fit has to agree with to go on from the file.
    """

    def __init__(self, checkpoint, settings):
        self.checkpoint = checkpoint
        self.settings = settings | {"note": checkpoint.note if checkpoint else {}}
        self._last = monotonic()

    @property
    def due(self):
        """Whether it is time for a checkpoint in the middle of an epoch."""
        minutes = self.checkpoint.minutes if self.checkpoint else None
        return minutes is not None and monotonic() - self._last >= 60 * minutes

    def save(self, state):
        """Write a state, a dict of tensors and plain values, completely or not at all. Of several processes, only the first does.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        if not self.checkpoint or not is_first():
            return
        path = Path(self.checkpoint.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with work_folder(path.parent, ".new-") as new:
                torch.save({"settings": self.settings} | state, new / path.name)
                os.replace(new / path.name, path)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({error.strerror}); choose another file with -o"
            ) from None
        self._last = monotonic()

    def load(self, restore, device):
        """Call `restore` with the state in the file, whose tensors are brought to a device, if there is one.

        Raises
        ------
        InputError
            If the file is of a fit with other settings, or no checkpoint of this model.
        """
        if not self.checkpoint or not Path(self.checkpoint.path).exists():
            return
        path = self.checkpoint.path
        try:
            state = torch.load(path, weights_only=True, map_location=device)
            if state["settings"] != self.settings:
                raise InputError(
                    f"{path}: is of a fit with other settings; remove it to start again"
                )
            restore(state)
        except InputError:
            raise
        except Exception as error:  # torch names no errors of its own here
            raise InputError(
                f"{path}: not a checkpoint of this model; remove it to start again"
            ) from error


def parameters_of(state):
    """State dict of the model that a fit would give if it ended with this checkpoint."""
    return state["best"] or state["model"] | (state["average"] or {}).get("values", {})
