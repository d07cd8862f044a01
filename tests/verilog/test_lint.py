"""What other tools say of emitted Verilog when they warn of all that they know: nothing."""

import re
import subprocess

import pytest
from emission import designs

from tnhw import tools
from tnhw.verilog import emitting


def said_by_verilator(folder, name):
    command = [tools.find("verilator"), "--lint-only", "-Wall", "--top-module", name, f"{name}.v"]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=tools.verilator_environment(),
    )
    return "\n".join(line for line in done.stderr.splitlines() if not line.startswith("- "))


def said_by_slang(folder, name):
    driver = pytest.importorskip("pyslang.driver").Driver()
    driver.addStandardArgs()
    words = ["slang", "-Wextra", "-Wconversion", "-Wpedantic", str(folder / f"{name}.v")]
    assert driver.parseCommandLine(" ".join(words)) and driver.processOptions()
    assert driver.parseAllSources()
    compilation = driver.createCompilation()
    found = compilation.getAllDiagnostics()
    return "\n".join(f"{one.code}: {one.args}" for one in found)


LINTERS = {"verilator": said_by_verilator, "slang": said_by_slang}


@pytest.mark.needs("verilator")
@pytest.mark.parametrize("made", list(designs()))
def test_nothing_is_said(made, tmp_path):
    hardware = made()
    text, _ = emitting.emitted(hardware)
    (tmp_path / f"{hardware.name}.v").write_text(text)
    for name, said in LINTERS.items():
        assert said(tmp_path, hardware.name) == "", name
    switched = set(re.findall(r"lint_off (\w+)", text))
    assert switched <= {"UNUSEDSIGNAL", "DECLFILENAME", "UNUSEDPARAM"}


@pytest.mark.needs("verilator")
@pytest.mark.parametrize("linter", LINTERS)
def test_a_width_is_said(linter, tmp_path):
    text = "module x(input wire [3:0] a, output wire [2:0] q);\n  assign q = a;\nendmodule\n"
    (tmp_path / "x.v").write_text(text)
    assert "trunc" in LINTERS[linter](tmp_path, "x").lower()
