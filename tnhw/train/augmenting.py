"""Random changes of images during training, which do not change what is to be seen on them."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..errors import InputError

__all__ = ["changed", "shifts_and_flips"]


@dataclass(frozen=True)
class _ShiftsAndFlips:
    pad: int
    flips: bool

    def __call__(self, x, random):
        if x.ndim != 4:
            raise InputError("shifts and flips are for images, and an input of this model is none")
        count, channels, height, width = x.shape
        down, across = torch.randint(0, 2 * self.pad + 1, (2, count, 1), generator=random)
        columns = across + torch.arange(width)
        if self.flips:
            flip = torch.randint(0, 2, (count, 1), generator=random).bool()
            columns = torch.where(flip, columns.flip(1), columns)
        image = torch.arange(count)[:, None, None, None]
        channel = torch.arange(channels)[:, None, None]
        rows = (down + torch.arange(height))[:, None, :, None]
        padded = functional.pad(x, [self.pad] * 4)
        return padded[image, channel, rows, columns[:, None, None, :]]


def shifts_and_flips(pad, flips=True):
    """Random part of each image after `pad` zeros were added on all sides, as large as the image; every second one is
    mirrored left to right.

    Parameters
    ----------
    pad : int
        Largest shift in pixels, 0 or more.
    flips : bool
        Whether images are mirrored.

    Returns
    -------
    callable
        For the argument `augment` of `tnhw.train.fit`.

    Raises
    ------
    InputError
        If `pad` is no such number.
    """
    if isinstance(pad, bool) or not isinstance(pad, int) or pad < 0:
        raise InputError(f"`pad` must be an integer, 0 or more, not {pad!r}")
    return _ShiftsAndFlips(pad, bool(flips))


def changed(augment, x, random, bits):
    """What a function of the user's makes of integers x, after checks of its result.

    Raises
    ------
    InputError
        If the result has another shape, or is not integers in ``u<bits>``.
    """
    made = augment(x, random)
    if not isinstance(made, torch.Tensor) or made.shape != x.shape or made.dtype.is_floating_point:
        what = f"{made.dtype} {list(made.shape)}" if isinstance(made, torch.Tensor) else repr(made)
        raise InputError(
            f"`augment` must give integers {list(x.shape)}, as it takes them, not {what}"
        )
    if made.min() < 0 or made.max() >= 2**bits:
        raise InputError(
            f"`augment` must give integers in 0 .. {2**bits - 1}, not {made.min()} .. {made.max()}"
        )
    return made
