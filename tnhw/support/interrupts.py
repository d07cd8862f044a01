"""Interrupts that are not lost: Ctrl-C, SIGTERM and SIGHUP end a command, even if Python drops the exception.

If a signal raises an exception while an object is being deleted, Python prints it and ignores it. A long proof spends
most of its time deleting objects of the solver, so it also calls `check` before each step.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["check", "handled"]

_seen = threading.Event()


@contextmanager
def handled() -> Iterator[None]:
    """In the block these signals raise `KeyboardInterrupt` and are remembered; SIGHUP only if it is not ignored."""

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
    """Raise `KeyboardInterrupt` if there has been a signal."""
    if _seen.is_set():
        raise KeyboardInterrupt
