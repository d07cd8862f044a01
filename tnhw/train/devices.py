"""Devices on which models are trained."""

import torch

from ..errors import InputError

__all__ = ["device_of"]


def device_of(name):
    """The torch.device of a name such as ``cpu`` or ``cuda:1``.

    Raises
    ------
    InputError
        If there is no such device here.
    """
    try:
        device = torch.device(name)
        if device.type != "meta":
            torch.zeros(1, device=device)
            return device
        reason = "it holds no numbers"
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    raise InputError(
        f"`device`: cannot train on {str(name)!r} ({reason}); name a device that this PyTorch has, such as `cpu`"
    )
