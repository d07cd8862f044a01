"""Try again when a tool died: one way for all tools, which always says what it changed.

An attempt that ends with `ToolDied` or `ToolTimeout` is followed by the next rung. A tool that refuses its
input, or a design that does not fit, ends the climb at once: another attempt would not help.
"""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from ..errors import ToolDied, ToolFailed
from .process import ToolTimeout

__all__ = ["climb", "recorded"]

A = TypeVar("A")
T = TypeVar("T")

_listeners: ContextVar[tuple[list[dict[str, str]], ...]] = ContextVar("listeners", default=())


@contextlib.contextmanager
def recorded() -> Iterator[list[dict[str, str]]]:
    """Give a list that receives every retry of the body: ``{"failure": ..., "change": ...}``.

    It has no path and no time in it, so that a report may hold it.
    """
    retries: list[dict[str, str]] = []
    token = _listeners.set((*_listeners.get(), retries))
    try:
        yield retries
    finally:
        _listeners.reset(token)


def climb(
    rungs: Iterable[tuple[str, A]],
    attempt: Callable[[A], T],
    failures: tuple[type[ToolFailed], ...] = (ToolDied, ToolTimeout),
) -> tuple[A, T]:
    """Result of the first rung that a tool survives.

    Parameters
    ----------
    rungs
        What a rung changes, as the end of a sentence that begins "trying again", and what `attempt` is
        called with. The change of the first one is not said.
    attempt
        Does the work.
    failures
        The errors after which the next rung is tried.

    Returns
    -------
    argument, result
        Of the rung that finished.

    Raises
    ------
    ToolFailed
        The last failure, with what was tried, if no rung finished.
    """
    tried, last = [], None
    for change, argument in rungs:
        if last is not None:
            _say(last, change)
            tried.append(change)
        try:
            return argument, attempt(argument)
        except failures as error:
            last = error
    if last is None:
        raise ValueError("there is no rung to try")
    if not tried:
        raise last
    raise type(last)(f"{last}\nIt was also tried {'; '.join(tried)}.") from last


def _say(error: Exception, change: str) -> None:
    failure = str(error).splitlines()[0].removesuffix(" Its last words:")
    print(f"tnhw: {error}\ntnhw: trying again {change}", file=sys.stderr, flush=True)
    for retries in _listeners.get():
        retries.append({"failure": failure, "change": change})
