"""The sizes of functions, modules and of the package's root, and what packages may import of each other."""

import ast
from itertools import takewhile
from pathlib import Path

import pytest
from trees import tree_of

TNHW = Path(__file__).resolve().parents[1] / "tnhw"
FUNCTION, MODULE = 80, 400  # lines, docstrings included
ROOT = 5  # modules in the root of tnhw


def long_functions(source):
    """(name, lines) of each function that is longer than it may be."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree_of(source)):
        if isinstance(node, functions) and (lines := node.end_lineno - node.lineno + 1) > FUNCTION:
            yield node.name, lines


def private_imports(source, module):
    """Names with a leading underscore that a module imports from another package of tnhw.

    `module` has the names of the packages around it and its own; a package's ``__init__`` has the
    name ``__init__``.
    """
    package = module[:-1]
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            path = (*base, *(node.module or "").split("."))
            names = [(*filter(None, path), alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        else:
            continue
        for name in names:
            public = (*takewhile(lambda part: part.startswith("__") or part[0] != "_", name),)
            if name[0] == "tnhw" and public != name and public[: len(package)] != package:
                yield ".".join(name)


def modules():
    """(path below tnhw, text) of every module."""
    for path in sorted(TNHW.rglob("*.py")):
        yield path.relative_to(TNHW), path.read_text(encoding="utf-8")


def test_functions_fit_on_a_screen():
    found = [
        f"{path}: {name} has {n} lines" for path, t in modules() for name, n in long_functions(t)
    ]
    assert not found, f"more than {FUNCTION} lines; split by ideas: {found}"


def test_modules_are_short():
    sizes = {str(path): len(text.splitlines()) for path, text in modules()}
    found = {name: lines for name, lines in sizes.items() if lines > MODULE}
    assert not found, f"more than {MODULE} lines; split by ideas: {found}"


def test_the_root_has_few_modules():
    found = [str(path) for path, _ in modules() if len(path.parts) == 1]
    assert len(found) <= ROOT, f"more than {ROOT} modules in the root; find a package: {found}"


def test_no_private_name_leaves_its_package():
    found = [
        f"{path}: {name}"
        for path, text in modules()
        for name in private_imports(text, ("tnhw", *path.with_suffix("").parts))
    ]
    assert not found, f"private names of other packages; make them public, or move them: {found}"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("from ..lemmas.binding import _bool", ["tnhw.proof.lemmas.binding._bool"]),
        ("from .._hidden import name", ["tnhw.proof._hidden.name"]),
        ("import tnhw.verilog._names", ["tnhw.verilog._names"]),
        ("from tnhw.verilog import _names as names", ["tnhw.verilog._names"]),
        ("from ..lemmas.binding import Binding", []),
        ("from .stream import _fit", []),
        ("from ._hidden import name", []),
        ("from ... import __version__", []),
        ("from amaranth.hdl._ast import Slice", []),
    ],
)
def test_private_names_are_seen(statement, found):
    assert list(private_imports(statement, ("tnhw", "proof", "handshakes", "framing"))) == found


def test_long_functions_are_seen():
    body = "    pass\n" * FUNCTION
    assert list(long_functions(f"class C:\n  def f():\n{body}")) == [("f", FUNCTION + 1)]
    assert not list(long_functions(f"def f():\n{body[:-9]}"))
