"""Seeded faults: what a check has to find is broken for one test."""

import inspect
import sys
import textwrap


def mutate(monkeypatch, owner, method, old, new):
    """Replace the one occurrence of `old` in the source of a method."""
    function = getattr(owner, method)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"{owner.__name__}.{method} no longer holds {old!r} once"
    found = {}
    exec(source.replace(old, new), vars(sys.modules[function.__module__]), found)
    monkeypatch.setattr(owner, method, found[method])
