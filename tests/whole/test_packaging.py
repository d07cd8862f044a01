"""A wheel and an editable install behave the same."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import tnhw
from tnhw.support.data_files import FOLDERS, folder
from tnhw.support.environment import for_child

ROOT = Path(tnhw.__file__).parent.parent

LIST_DATA = """
import json, tnhw
from tnhw.support.data_files import FOLDERS, folder
names = {f: sorted(str(p.relative_to(folder(f))) for p in folder(f).rglob("*")
                   if p.is_file() and "__pycache__" not in p.parts) for f in FOLDERS}
print(json.dumps([tnhw.__file__, str(folder("kernels")), names]))
"""

LIST_HEAVY = """
import sys, tnhw
print(*sorted({"torch", "matplotlib", "cocotb", "sklearn"} & set(sys.modules)))
"""


def python(code: str, cwd: Path, path: Path | None = None) -> str:
    env = for_child({"PYTHONPATH": str(path) if path else "", "PYTHONDONTWRITEBYTECODE": "1"})
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel's content, as pip would lay it out."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("tnhw-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_wheel_has_what_the_checkout_has(installed, tmp_path):
    file, kernels, names = json.loads(python(LIST_DATA, tmp_path, installed))
    assert Path(file).is_relative_to(installed)
    assert Path(kernels) == installed / "tnhw" / "share" / "kernels"

    _, kernels, editable_names = json.loads(python(LIST_DATA, tmp_path))
    assert Path(kernels) == folder("kernels")
    assert names == editable_names
    assert any(name.endswith(".toml") for name in names["kernels"])
    assert any(name.endswith(".toml") for name in names["boards"])
    assert any(name.endswith(".py") for name in names["sim"])
    assert set(names) == set(FOLDERS)


def test_wheel_holds_one_importable_package(installed):
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"tnhw"}
    assert (installed / "tnhw" / "py.typed").exists()
    assert not list((installed / "tnhw" / "share").rglob("__init__.py"))


def test_wheel_lists_the_same(installed, tmp_path):
    command = (
        "from tnhw.cli.app import main; import sys; sys.argv = ['tnhw', 'list', '--json']; main()"
    )
    assert python(command, tmp_path, installed) == python(command, tmp_path)


def test_import_is_light(installed, tmp_path):
    assert python(LIST_HEAVY, tmp_path) == ""
    assert python(LIST_HEAVY, tmp_path, installed) == ""


def test_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == tnhw.__version__
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {project['version']}\n" in citation
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_lock_names_no_index():
    lock = (ROOT / "requirements.lock").read_text()
    for word in ("http", "file:", "index", "find-links", " @ "):
        assert word not in lock
