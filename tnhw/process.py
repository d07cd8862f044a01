"""Run one external command: time limit, clean end of it and its children, informative failure."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence

from . import interrupts
from .environment import for_child
from .errors import ToolFailed

__all__ = ["ToolTimeout", "execute", "failure_text", "last_lines"]


class ToolTimeout(ToolFailed):
    """A tool gave no result in its time limit."""


def execute(
    tool: str,
    command: Sequence[str],
    *,
    cwd: str | os.PathLike | None = None,
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
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=for_child(env) if env else None,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # so that its children end with it
    )
    try:
        stdout, stderr = process.communicate(input, timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        raise ToolTimeout(
            f"`{tool}` gave no result within its limit of {timeout:g} s and was ended."
        ) from None
    except BaseException:
        _end(process)
        raise
    stderr = re.sub(r"(?m)^Preparing to run .*\n", "", stderr)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _end(process: subprocess.Popen) -> None:
    """End a process and its children; an interrupt first, so that YoWASP removes its files."""
    try:
        _signal(process, signal.SIGINT)
        process.communicate(timeout=2)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process, signal.SIGKILL)
        with process:  # closes its pipes and waits
            pass


def _signal(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def last_lines(output: str, count: int) -> list[str]:
    """Last lines of an output that speak of an error, or else its last lines."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(error|fatal|cannot)\b", line, re.IGNORECASE)]
    return (errors or lines)[-count:]


def failure_text(tool: str, done: subprocess.CompletedProcess[str]) -> str:
    """Sentence for a person about a command that failed."""
    lines = last_lines(done.stderr + done.stdout, 5)
    said = "".join(f"\n  {line}" for line in lines) or " and said nothing."
    return f"`{tool}` failed with exit status {done.returncode}{':' if lines else ''}{said}"
