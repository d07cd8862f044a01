"""One module reads the environment: what it gives, what the documentation says of it, and that no other does."""

import ast
import re
from pathlib import Path

import pytest
from doc_blocks import ROOT
from trees import tree_of

from tnhw.support import caches, environment
from tnhw.support.environment import VARIABLES

OWN = ROOT / "tnhw" / "support" / "environment.py"
FOLDERS = ("tnhw", "sim", "examples", "benchmarks", "tests", "docs")
FILES = [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py")) if path != OWN]
# They run inside a simulator, where tnhw need not be installed.
BENCHES = [*sorted((ROOT / "sim").glob("*.py")), ROOT / "tests" / "support" / "ip_bench.py"]

ACCESS = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "expandvars"}
OPTIONS = {"envvar", "auto_envvar_prefix", "env_prefix"}  # of typer, click and pydantic-settings
IN_TEXT = re.compile(r"\bos\s*\.\s*(environb?|getenvb?|putenv|unsetenv)\b|/proc/\S+/environ")
MACROS = {"TNHW_MAJOR", "TNHW_MINOR"}  # of C, in an IP package's header
NAME = re.compile(r"\bTNHW_[A-Z0-9_]*[A-Z0-9]\b")


def uses(text, bench=False):
    """Lines of a program that reach the environment, with what they say.

    A bench may read one variable by its name, if `VARIABLES` lists it as one of a bench.
    """
    tree = tree_of(text)
    allowed = {id(node.value) for node in ast.walk(tree) if bench and _of_a_bench(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ACCESS and id(node) not in allowed:
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "posix", "nt", "os.path"):
            names = {alias.name for alias in node.names}
            found += [(node.lineno, name) for name in sorted(names & (ACCESS | {"*"}))]
        elif isinstance(node, ast.keyword) and node.arg in OPTIONS:
            found.append((node.value.lineno, node.arg))
        elif isinstance(node, ast.Constant) and _names_it(node.value):
            found.append((node.lineno, node.value))
    return found


def _names_it(value):
    return isinstance(value, str) and bool(value in ACCESS or IN_TEXT.search(value))


def _of_a_bench(node):
    """Whether it is ``os.environ["NAME"]`` for a variable of a bench."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)):
        return False
    variable = VARIABLES.get(node.slice.value)
    return ast.unparse(node.value) == "os.environ" and variable and variable.reader == "bench"


def test_no_other_module_reads_the_environment():
    assert len(FILES) > 200
    found = {}
    for path in FILES:
        if path != Path(__file__):  # whose examples are what is looked for
            found[path] = uses(path.read_text(encoding="utf-8"), bench=path in BENCHES)
    found = {str(path.relative_to(ROOT)): lines for path, lines in found.items() if lines}
    assert not found, f"read it with tnhw.support.environment: {found}"


EXAMPLES = {
    "subscript": 'import os\nos.environ["LS"]',
    "get": 'import os\nos.environ.get("LS")',
    "getenv": 'import os\nos.getenv("LS")',
    "other name": 'import os as system\nsystem.environ["LS"]',
    "no import": '__import__("os").environ.get("LS")',
    "from": "from os import environ",
    "from as": "from os import getenv as setting",
    "from all": "from os import *",
    "posix": "from posix import environ",
    "getattr": 'import os\ngetattr(os, "environ")',
    "vars": 'import os\nvars(os)["getenv"]',
    "expanded": 'import os\nos.path.expandvars("$LS")',
    "whole": "import os\nf(env=os.environ | {})",
    "typer": 'typer.Option(envvar="LS")',
    "program": 'run([python, "-c", "import os; print(os.environ[1])"])',
    "process": 'open("/proc/self/environ")',
}


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("bench", [False, True])
def test_the_check_finds(text, bench):
    assert uses(text, bench)


def test_the_check_lets_pass():
    assert not uses("import os\nos.replace(a, b)\nenvironment.text('PATH')\nos.cpu_count()")
    text = 'import os\nos.environ["TNHW_BENCH"]'
    assert uses(text) and not uses(text, bench=True)
    assert uses('import os\nos.environ["TNHW_DATA"]', bench=True)  # not a bench's


def test_every_name_is_listed():
    """Also where a variable is only set, or named in a text."""
    texts = [ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *(ROOT / "docs").rglob("*.md")]
    texts += [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for path in [*FILES, *(path for path in texts if path.is_file())]:
        names = set(NAME.findall(path.read_text(encoding="utf-8"))) - MACROS
        assert names <= VARIABLES.keys(), f"{path}: {names - VARIABLES.keys()}"


def test_documentation():
    """CONTRIBUTING.md shows the table that the module makes; the site's page is made from it."""
    assert environment.table() in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name, variable in VARIABLES.items():
        shown = f"| `{name}` |" in environment.table()
        assert shown == (variable.reader not in ("bench", "amaranth"))
        assert all(vars(variable).values())


def test_text(monkeypatch):
    monkeypatch.delenv("TNHW_DATA", raising=False)
    assert environment.text("TNHW_DATA") is None and environment.path("TNHW_DATA") is None
    monkeypatch.setenv("TNHW_DATA", "")
    assert environment.text("TNHW_DATA") is None
    monkeypatch.setenv("TNHW_DATA", "some/where")
    assert environment.path("TNHW_DATA") == Path("some/where")
    with pytest.raises(KeyError, match="LS"):
        environment.text("LS")
    with pytest.raises(KeyError, match="LS"):
        with environment.temporarily("LS", "0.1"):
            pass


@pytest.mark.parametrize("value, on", [("", False), ("0", False), ("1", True), ("yes", True)])
def test_flag(value, on, monkeypatch):
    monkeypatch.setenv("TNHW_NIGHTLY", value)
    assert environment.flag("TNHW_NIGHTLY") is on


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path))
    assert caches.cache_folder() == tmp_path
    monkeypatch.setenv("TNHW_CACHE_DIR", "")
    assert caches.cache_folder().name == "tnhw"


def test_for_processes(monkeypatch):
    monkeypatch.setenv("PATH", "/bin")
    assert environment.search_path(first=(Path("a"),), last=(Path("b"),)) == "a:/bin:b"
    assert environment.for_child({"X": "1"})["X"] == "1"
    assert "X" not in environment.for_child()
    monkeypatch.delenv("YOSYS", raising=False)
    for before in (None, "other"):
        if before:
            monkeypatch.setenv("YOSYS", before)
        with environment.temporarily("YOSYS", "mine"):
            assert environment.text("YOSYS") == "mine"
        assert environment.text("YOSYS") == before
