"""A hash of the code that a result depends on, plug-ins included, without comments and docstrings."""

import ast
import hashlib
import secrets
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..support import garbage

__all__ = ["digest", "modules"]

_OURS = __name__.partition(".")[0]


def digest(*roots, without=()):
    """Hash of the code of some modules and of all that they import, in hexadecimal; see `modules`.

    With a module that has no file, the hash is different in each process.
    """
    texts = [(name, _read(name)[0]) for name in sorted(modules(*roots, without=without))]
    return hashlib.sha256(repr(texts).encode()).hexdigest()


def modules(*roots, without=()):
    """Names of some modules and of all modules that they import from tnhw or from their own packages: a set.

    Parameters
    ----------
    roots : str
        Names of modules to begin with.
    without : sequence of str
        Modules to leave out, with what only they import.
    """
    packages = {_OURS, *(name.partition(".")[0] for name in roots)}
    found, waiting = set(), set(roots)
    while waiting:
        name = waiting.pop()
        found.add(name)
        imported = {one for one in _read(name)[1] if one.partition(".")[0] in packages}
        waiting |= imported - found - {*without}
    return found


@cache
def _read(name):
    """Code of a module without comments and docstrings, and the names of all modules that it imports anywhere."""
    path = _path(name)
    if path is None:
        return secrets.token_hex(), frozenset()
    with garbage.paused():
        tree = ast.parse(path.read_bytes())
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(parts if node.level else []), *filter(None, [node.module])])
            imported |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        value = first.value if isinstance(first, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            value.value = ""
    return ast.unparse(tree), frozenset(one for one in imported if _path(one))


@cache
def _path(name):
    """File of a Python module; None if it has none, or if there is no such module."""
    if name in sys.modules:
        file = getattr(sys.modules[name], "__file__", None)
    else:
        parent = name.rpartition(".")[0]
        if parent and _path(parent) is None:
            return None
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            return None
        file = spec and spec.origin
    return Path(file) if file and str(file).endswith(".py") and Path(file).is_file() else None
