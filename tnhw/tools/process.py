"""Run one external command: time limit, clean end of it and its children."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence

from ..errors import ToolFailed
from ..support import interrupts
from ..support.environment import for_child
from .watch import started

__all__ = ["ToolTimeout", "execute", "started"]


class ToolTimeout(ToolFailed):
    """A tool gave no result in its time limit; its attribute `output` is what it said until then."""

    output = ""


def execute(
    tool: str,
    command: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    timeout: float,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit status is.

    A time-out or an interrupt ends the command and all its children.

    Parameters
    ----------
    tool
        Name for messages.
    env
        Variables that are set beside those of this process.
    input
        Text for its standard input; empty by default.

    Raises
    ------
    ToolTimeout
        If it is not done within ``timeout`` seconds.
    """
    interrupts.check()
    with started(
        command,
        cwd=cwd,
        env=for_child(env),
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            stdout, stderr = process.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            error = ToolTimeout(
                f"`{tool}` gave no result within its limit of {timeout:g} s and was ended."
            )
            error.output = _interrupt(process)
            raise error from None
        except BaseException:
            _interrupt(process)
            raise
    stderr = re.sub(r"(?m)^Preparing to run .*\n", "", stderr)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _interrupt(process: subprocess.Popen[str]) -> str:
    """End a process and its children, and give what it said; an interrupt first, so that YoWASP removes its files."""
    for number in (signal.SIGINT, signal.SIGKILL):
        _signal(process, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return "".join(process.communicate(timeout=2))
    return ""


def _signal(process: subprocess.Popen[str], number: int) -> None:
    with contextlib.suppress(OSError):  # it is gone
        os.killpg(process.pid, number)
