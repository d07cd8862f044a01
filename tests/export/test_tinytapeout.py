"""Project folders for Tiny Tapeout: their files, size, and their own test."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from places import TOY

from tnhw import tools
from tnhw.cli import main
from tnhw.errors import DoesNotFit, InputError
from tnhw.export import export
from tnhw.export.tinytapeout import TILES, tiles_for
from tnhw.support.environment import for_child, search_path
from tnhw.support.templating import LICENSE

COCOTB = pytest.mark.needs("cocotb", "libpython", "iverilog", "vvp", "make")

LOADED = """
name = "pocket"
rule = "threshold"
architecture = "serial"
inputs = 4
outputs = 2
input = "u4"
parameter = "u4"
bias = "s8"
storage = "memory"
"""
FIXED = """
name = "fixed"
rule = "mac"
inputs = 3
outputs = 2
input = "s12"
parameter = "s6"
output = "s10"
shift = 3
storage = "constant"
parameters = "fixed.npz"
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "pocket.toml").write_text(LOADED)
    (folder / "fixed.toml").write_text(FIXED)
    rng = np.random.default_rng(0)
    np.savez(folder / "fixed.npz", weight=rng.integers(-32, 32, (2, 3)))
    return folder


@pytest.fixture(scope="module")
def projects(kernels):
    """Folder with the project of every kernel, written once."""
    records = {}
    for name in ("pocket", "fixed"):
        records[name] = export(kernels / f"{name}.toml", "tinytapeout", kernels / "out" / name)
    return kernels / "out", records


def read(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_files(projects):
    for name in ("pocket", "fixed"):
        files = read(projects[0] / name)
        assert set(files) == {
            "info.yaml", "README.md", "docs/info.md", f"src/tt_um_{name}.v", f"src/{name}.v",
            "src/config.json", "test/Makefile", "test/requirements.txt", "test/tb.v", "test/test.py",
            "test/vectors.json",
        }  # fmt: skip
        for path, text in files.items():
            assert LICENSE in "".join(text.splitlines()[:2]), path
            assert "/tmp" not in text and str(projects[0]) not in text, path


def test_info(projects):
    text = (projects[0] / "pocket" / "info.yaml").read_text()
    for line in (
        'top_module:  "tt_um_pocket"',
        'tiles: "1x1"',
        "clock_hz:     10000000",
        "yaml_version: 6",
    ):
        assert line in text
    for pin in [f"{port}[{bit}]:" for port in ("ui", "uo", "uio") for bit in range(8)]:
        assert text.count(f"  {pin} ") == 1
    sources = re.findall(r'    - "(.*)"', text)
    assert all((projects[0] / "pocket" / "src" / source).is_file() for source in sources)
    assert projects[1]["pocket"]["cells"] > 50 and "estimate" in projects[1]["pocket"]["text"]
    page = (projects[0] / "pocket" / "docs" / "info.md").read_text()
    assert "in_param" in page and projects[1]["pocket"]["text"] in page
    assert "in_param" not in (projects[0] / "fixed" / "docs" / "info.md").read_text()


def test_same_bytes(projects, kernels, tmp_path):
    export(kernels / "pocket.toml", "tinytapeout", tmp_path / "again")
    assert read(tmp_path / "again") == read(projects[0] / "pocket")


@pytest.mark.needs("verilator", "g++", "make", "perl")
@pytest.mark.parametrize("name", ["pocket", "fixed"])
def test_lint_of_the_wrapper(name, projects):
    command = ["verilator", "--lint-only", "-Wall", "-Wno-fatal", "--top-module", f"tt_um_{name}",
               f"tt_um_{name}.v", f"{name}.v"]  # fmt: skip
    done = subprocess.run(
        command, cwd=projects[0] / name / "src", capture_output=True, text=True, timeout=60,
        env=for_child(tools.verilator_environment()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f" tt_um_{name}.v:" not in done.stderr, done.stderr


def test_area_in_a_library(kernels, tmp_path):
    record = export(kernels / "pocket.toml", "tinytapeout", tmp_path, liberty=TOY)
    assert record["area_um2"] > 0 and record["cells"] > 50
    assert f"cells of {record['library']}" in (tmp_path / "docs" / "info.md").read_text()


@pytest.mark.parametrize(
    "size, tiles",
    [
        ({"cells": 1000}, "1x1"),
        ({"cells": 1001}, "1x2"),
        ({"cells": 16_000}, "8x2"),
        ({"cells": 10, "area_um2": 12_000}, "1x2"),
    ],
)
def test_tiles(size, tiles):
    assert tiles_for(size, "x") == tiles


def test_too_large():
    with pytest.raises(DoesNotFit, match="needs about 17 tiles, but a project has at most 16"):
        tiles_for({"cells": 17_000}, "x")
    assert list(TILES.values()) == sorted(TILES.values())


def test_export_wrong(kernels, tmp_path, capsys):
    with pytest.raises(InputError, match="digits_tn: a network"):
        export("digits_tn", "tinytapeout", tmp_path)
    with pytest.raises(InputError, match="too many bits for the pins"):
        export("threshold16", "tinytapeout", tmp_path)
    with pytest.raises(InputError, match="`tiles` must be one of 1x1, 1x2"):
        export(kernels / "pocket.toml", "tinytapeout", tmp_path, tiles="9x9")
    words = ["export", str(kernels / "pocket.toml"), "-f", "tinytapeout", "-o", str(tmp_path / "p")]
    assert main([*words, "--clock", "20", "--author", 'A "B"', "--tiles", "1x2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tiles"] == "1x2"
    text = (tmp_path / "p" / "info.yaml").read_text()
    assert 'author:       "A B"' in text and "clock_hz:     20000000" in text


def make(folder):
    """The project's own test: exit status and output."""
    path = search_path(first=(Path(sys.executable).parent,))
    done = subprocess.run(
        ["make"], cwd=folder / "test", env=for_child({"PATH": path}), text=True, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.slow
@COCOTB
@pytest.mark.parametrize("name", ["pocket", "fixed"])
def test_own_test(name, projects, tmp_path):
    status, said = make(Path(shutil.copytree(projects[0] / name, tmp_path / name)))
    assert status == 0 and "PASS=1 FAIL=0" in said, said


@pytest.mark.slow
@COCOTB
@pytest.mark.parametrize(
    "old, new",
    [
        ("{ui_in, data[15:8]}", "{data[15:8], ui_in}"),
        ("assign uo_out = result[7:0]", "assign uo_out = ~result[7:0]"),
    ],
)
def test_own_test_finds_faults(old, new, projects, tmp_path):
    folder = Path(shutil.copytree(projects[0] / "fixed", tmp_path / "fixed"))
    path = folder / "src" / "tt_um_fixed.v"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    status, said = make(folder)
    assert status != 0 and "FAIL=1" in said, said
