"""Pauses of Python's garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused"]


@contextmanager
def paused() -> Iterator[None]:
    """Pause the search for unreachable cycles in the block, so that no destructors of objects in cycles run.

    There are two uses. While millions of objects are made that stay for a while, the search would take two fifths of
    the time. And `ast.parse` of Python 3.11 fails with a `SystemError` ("AST constructor recursion depth mismatch")
    if a destructor runs Python code while the tree is built (CPython issue 106905); Amaranth's components have such
    destructors.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
