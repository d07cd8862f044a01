"""Seeded faults: what a check has to find is broken for one test."""

import ast
import copy
import inspect
import sys
import textwrap

from trees import tree_of

__all__ = ["mutate"]


def mutate(monkeypatch, owner, method, old, new):
    """Replace the one expression `old` of a method or function by `new`.

    The expression is found in the syntax tree, so that line breaks, brackets, comments and the statements around
    it do not matter. Amaranth's components are made of expressions alone: a method that is mutated builds other
    gates.

    Parameters
    ----------
    owner : class or module
        Whose `method` is broken until the end of the test.
    old, new : str
        Python expressions, or for an argument of a call also its ``name=value``.
    """
    function = getattr(owner, method)
    tree = tree_of(textwrap.dedent(inspect.getsource(function)))
    replace = _Replace(_parsed(old), _parsed(new))
    tree = ast.fix_missing_locations(replace.visit(tree))
    where = f"{owner.__name__}.{method}"
    assert replace.count == 1, f"{where} holds {old!r} {replace.count} times, not once"
    found = {}
    code = compile(tree, f"<{where} with a fault>", "exec")
    exec(code, vars(sys.modules[function.__module__]), found)
    monkeypatch.setattr(owner, method, found[method])


def _parsed(text):
    if not text.isidentifier() and "=" in text and (call := _keyword(text)):
        return call
    return tree_of(text, mode="eval").body


def _keyword(text):
    try:
        (keyword,) = tree_of(f"call({text})", mode="eval").body.keywords
    except (SyntaxError, ValueError):
        return None
    return keyword


class _Replace(ast.NodeTransformer):
    """Puts one tree in the place of each that equals another."""

    def __init__(self, old, new):
        self.old, self.new, self.count = ast.dump(old), new, 0

    def visit(self, node):
        if isinstance(node, (ast.expr, ast.keyword)) and ast.dump(node) == self.old:
            self.count += 1
            return copy.deepcopy(self.new)
        return self.generic_visit(node)
