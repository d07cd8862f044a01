"""Interrupts that are not lost: Ctrl-C, SIGTERM and SIGHUP end a command, also where Python drops the exception.

An exception that a signal raises while an object is deleted is printed and ignored. A long proof deletes objects of the
solver most of the time, so it also asks `check` before each step.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["check", "handled"]

_seen = threading.Event()


@contextmanager
def handled() -> Iterator[None]:
    """Within it these signals raise `KeyboardInterrupt`, and are remembered; SIGHUP only where it is not ignored."""

    def interrupt(*_: object) -> None:
        _seen.set()
        raise KeyboardInterrupt

    _seen.clear()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` does
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _seen.clear()


def check() -> None:
    """Raise `KeyboardInterrupt` if a signal came before."""
    if _seen.is_set():
        raise KeyboardInterrupt
