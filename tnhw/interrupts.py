"""Interrupts that are not lost: Ctrl-C and SIGTERM end a command, also where Python drops the exception.

An exception that a signal raises while an object is deleted is printed and ignored. A long proof deletes objects of the
solver most of the time, so it also asks `check` before each step.
"""

import signal
import threading
from contextlib import contextmanager

__all__ = ["check", "handled"]

_seen = threading.Event()


@contextmanager
def handled():
    """Within it both signals raise `KeyboardInterrupt`, and are remembered."""

    def interrupt(*_):
        _seen.set()
        raise KeyboardInterrupt

    _seen.clear()
    before = {n: signal.signal(n, interrupt) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _seen.clear()


def check():
    """Raise `KeyboardInterrupt` if a signal came before."""
    if _seen.is_set():
        raise KeyboardInterrupt
