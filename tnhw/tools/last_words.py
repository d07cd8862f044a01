"""What a tool that ended badly has said, as a sentence for a person.

A tool that refuses its input says why. A tool that died, by a signal or by an assertion of its own, says
nothing about it; then its last steps are what it has said. A WebAssembly tool leaves a backtrace, of which
only the function that gave up is of use.
"""

import re
import signal
from collections.abc import Iterable

from ..errors import ToolDied, ToolFailed

__all__ = ["failure", "last_lines"]

_FRAME = re.compile(r"^ *\d+: 0x[0-9a-f]+ - \S+?!(.+)$", re.MULTILINE)
_GIVING_UP = {"abort", "__assert_fail", "raise", "_Exit", "exit"}
_ERROR = re.compile(r"\b(error|fatal|cannot)\b", re.IGNORECASE)
_TRACEBACK = "Traceback (most recent call last):"
# What a tool says of itself, and not of its input.
_OWN_FAULT = re.compile(r"ERROR: (ABC|Assert|Found error in internal)|Assertion .* failed")


def last_lines(output: str, count: int) -> list[str]:
    """Last lines of an output that speak of an error, or else its last lines."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.search(line)]
    return (errors or lines)[-count:]


def failure(tool: str, status: int, output: str, own_log: str = "") -> ToolFailed:
    """The error for a tool that ended with a status other than 0.

    Parameters
    ----------
    tool
        Name for the message.
    status
        Exit status; negative for a signal.
    output
        Standard error and standard output.
    own_log
        Text of log files that it wrote itself.

    Returns
    -------
    ToolDied
        If it did not refuse its input, but broke.
    ToolFailed
        Otherwise.
    """
    frames = _FRAME.findall(output)
    said, _, trace = output.partition(_TRACEBACK)
    words = last_lines(said, 5)
    refused = any(_ERROR.search(line) for line in words)
    words = words or [line.strip() for line in own_log.splitlines() if line.strip()][-3:]
    how = ""
    if frames:
        place = next((f for f in frames if f not in _GIVING_UP), frames[0]).partition("(")[0]
        how = f"died in its function {place}" if place else "died"
    elif status < 0:
        how = f"was ended by the signal {_signal(-status)}"
    elif trace:
        how = f"died of an error of its own ({trace.strip().splitlines()[-1]})"
    elif _OWN_FAULT.search("\n".join(words)):
        how = f"died with exit status {status}"
    elif not refused:
        how = f"ended with exit status {status} and named no error"
    if not how:
        return ToolFailed(f"`{tool}` failed with exit status {status}:{_list(words)}")
    if not words:
        return ToolDied(f"`{tool}` {how} and said nothing.")
    return ToolDied(f"`{tool}` {how}. Its last words:{_list(words)}")


def _list(lines: Iterable[str]) -> str:
    return "".join(f"\n  {line}" for line in lines)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
