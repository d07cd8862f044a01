"""Errors that tnhw shows to users, each with the exit status of the command line.

Every message is one or two sentences: what is wrong, where, what is allowed, and how to fix it.
"""

from typing import Any

__all__ = [
    "CheckFailed",
    "DeviceError",
    "DoesNotFit",
    "InputError",
    "TimingNotMet",
    "TnhwError",
    "ToolDied",
    "ToolFailed",
    "ToolMissing",
    "Undecided",
]


class TnhwError(Exception):
    """Base of every error that tnhw raises on purpose.

    Attributes
    ----------
    exit_status : int
        Exit status of the command line.
    result : object or None
        The result of a simulation or proof that failed, as the function would have returned it.
    shown : bool
        Whether the result has been printed already, so that only the message is left to print.
    """

    exit_status = 1

    def __init__(self, *args: object, result: Any = None) -> None:
        super().__init__(*args)
        self.result = result
        self.shown = False


class CheckFailed(TnhwError):
    """A simulation or proof disagrees with the golden model."""

    exit_status = 1


class InputError(TnhwError, ValueError):
    """A kernel file, parameter, option or name is not valid."""

    exit_status = 2


class LibertyWarning(UserWarning):
    """A Liberty file was read although it does not quite follow the format."""


class ToolMissing(TnhwError):
    """An external tool is missing or too old."""

    exit_status = 3


class ToolFailed(TnhwError):
    """An external tool failed, or gave no result within its time limit."""

    exit_status = 4


class ToolDied(ToolFailed):
    """An external tool crashed instead of rejecting its input; another attempt may help."""

    exit_status = 4


class Undecided(ToolFailed):
    """A solver gave no answer within its time limit, or a proof does not apply to the given Verilog."""

    exit_status = 4


class DoesNotFit(ToolFailed):
    """A design needs more of a resource than the device has."""

    exit_status = 4


class TimingNotMet(TnhwError):
    """A routed design is slower than the clock it must run at."""

    exit_status = 5


class DeviceError(TnhwError):
    """A board or serial port cannot be reached, or answers wrongly."""

    exit_status = 6
