"""Where tests are: a place for each package of tnhw, and nothing that one test takes from another."""

import ast

from places import ROOT
from trees import tree_of

TESTS = ROOT / "tests"


def packages():
    """Names of the packages of tnhw."""
    for path in sorted((ROOT / "tnhw").iterdir()):
        if (path / "__init__.py").exists():
            yield path.name


def test_each_package_has_its_tests():
    folders = {name: "tnhw_support" if name == "support" else name for name in packages()}
    missing = [name for name, folder in folders.items()
               if not (list((TESTS / folder).glob("test_*.py")) or (TESTS / f"test_{name}.py").exists())]  # fmt: skip
    assert len(folders) > 15 and not missing


def taken_from_tests(text):
    """Modules of tests, or the conftest, that a text imports."""
    found = []
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return [name for name in found if name.split(".")[-1].startswith(("test_", "conftest"))]


def test_no_test_imports_another():
    assert taken_from_tests("import test_one\nfrom test_other import this\nimport os") == [
        "test_one",
        "test_other",
    ]
    found = {
        path: taken_from_tests(path.read_text(encoding="utf-8")) for path in TESTS.rglob("*.py")
    }
    assert not {str(path): names for path, names in found.items() if names}
