"""Syntax trees of Python text."""

import ast

from tnhw.support import garbage

__all__ = ["tree_of"]


def tree_of(text, **options):
    """What `ast.parse` gives, while no component of an earlier test is collected; see `tnhw.support.garbage`."""
    with garbage.paused():
        return ast.parse(text, **options)
