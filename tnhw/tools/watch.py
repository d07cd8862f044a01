"""Processes that end with this one, however it ends.

A process that is killed cannot end what it started. So a small watcher, a process of its own, is told the
process groups that are at work. It reads from a pipe whose other end only this process holds: when that
closes, by an exit or by ``kill -9``, the watcher ends the groups that are left, and itself.
"""

import atexit
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Any

__all__ = ["end_with_parent", "started"]

# An interrupt first, so that tools remove their temporary files.
_WATCHER = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    sign, group = line[0], line[1:]
    groups.add(group) if sign == "+" else groups.discard(group)
def end(number):
    for group in list(groups):
        try:
            os.killpg(int(group), number)
        except OSError:
            groups.discard(group)
end(signal.SIGINT)
for _ in range(20):
    if groups:
        time.sleep(0.05)
        end(0)
end(signal.SIGKILL)
"""
_PR_SET_PDEATHSIG = 1

_lock = threading.Lock()
_pipe: IO[str] | None = None


def _forget() -> None:
    """Close the pipe: at the end, and in a forked child, which must not hold the pipe of its parent open."""
    global _pipe, _lock
    _lock = threading.Lock()
    if _pipe is not None:
        with contextlib.suppress(OSError):
            _pipe.close()
        _pipe = None


atexit.register(_forget)
os.register_at_fork(after_in_child=_forget)


def _start() -> IO[str]:
    global _pipe
    command = [sys.executable, "-I", "-S", "-c", _WATCHER]
    watcher = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        text=True, start_new_session=True,
    )  # fmt: skip
    watcher.returncode = 0  # it outlives us: nobody waits for it
    assert watcher.stdin is not None
    _pipe = watcher.stdin
    return _pipe


def _tell(text: str) -> None:
    global _pipe
    with _lock:
        for _ in range(2):
            pipe = _pipe or _start()
            try:
                pipe.write(text)
                pipe.flush()
                return
            except OSError:  # somebody ended the watcher
                _pipe = None


@contextlib.contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, which has ended, with all its children, after the body.

    The group also ends when this process does. Options are those of `subprocess.Popen`.
    """
    _tell("\n")  # the watcher is there before the process is
    assert _pipe is not None
    pipe = os.dup(_pipe.fileno())  # which `_forget` does not close

    def announce() -> None:
        with contextlib.suppress(OSError):
            os.write(pipe, b"+%d\n" % os.getpid())

    # By the new process itself, before it is what it will be: an interrupt or a kill of this one at any time
    # finds it either not yet there or known.
    try:
        process = subprocess.Popen(command, start_new_session=True, preexec_fn=announce, **options)
    finally:
        os.close(pipe)
    try:
        yield process
    finally:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with process:  # closes its pipes and waits
            pass
        _tell(f"-{process.pid}\n")


def end_with_parent(parent: int) -> None:
    """Make this process end when the process that started it does; for a worker of a pool.

    Parameters
    ----------
    parent
        Process id of the one that started it, which may have ended already.
    """
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
