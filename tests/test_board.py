from pathlib import Path

import pytest
from board_line import Adder

from tnhw import toolchain
from tnhw.board import BoardTop, boards, load_board
from tnhw.errors import InputError
from tnhw.top import Harness

NAMES = ["ice40_hx8k_b_evn", "icebreaker", "icestick", "tang_nano_9k", "ulx3s_25f"]

OWN = """
title = "iCEBreaker with a serial adapter on PMOD 1A"
platform = "amaranth_boards.icebreaker:ICEBreakerPlatform"
family = "ice40"
bitstream = "bin"
program = ["-b", "ice40_generic"]
[clock]
resource = "clk12"
frequency = 12_000_000
[uart]
rx = "4"
tx = "2"
attributes = {IO_STANDARD = "SB_LVCMOS"}
[capacity]
LUT = 5280
FF = 5280
RAM = 30
DSP = 8
"""


def write(folder, text):
    path = folder / "own.toml"
    path.write_text(text)
    return path


def plan_of(board):
    component = Adder()
    harness = Harness(component, component.sizes, clock=board.clock.frequency)
    platform = board.create_platform()
    options = toolchain.overrides(board, dsp=False)
    return platform.prepare(BoardTop(harness, board), "top", emit_src=False, **options)


def test_boards():
    assert set(NAMES) <= set(boards())


@pytest.mark.parametrize("name", NAMES)
def test_board_plan_is_the_same_twice_and_names_no_path(name):
    board = load_board(name)
    assert board.name == name
    first, second = plan_of(board), plan_of(board)
    assert first.digest() == second.digest()
    text = "".join(first.files.values())
    assert str(Path(__file__).parents[1]) not in text and "board_line" not in text


@pytest.mark.parametrize(
    "name, pins",
    [
        ("icebreaker", {"uart_0__rx__io": "6", "uart_0__tx__io": "9", "clk12_0__io": "35"}),
        ("ice40_hx8k_b_evn", {"uart_0__rx__io": "B10", "uart_0__tx__io": "B12"}),
    ],
)
def test_board_pins(name, pins):
    constraints = plan_of(load_board(name)).files["top.pcf"]
    for port, pin in pins.items():
        assert f"set_io {port} {pin}\n" in constraints


def test_load_board_own(tmp_path):
    board = load_board(write(tmp_path, OWN))
    assert board.name == "own" and board.led is None
    constraints = plan_of(board).files["top.pcf"]
    assert "set_io tnhw_uart_0__rx__io 4\n" in constraints
    assert "led" not in constraints


def test_board_is_frozen():
    with pytest.raises(Exception, match="frozen"):
        load_board("icebreaker").title = "x"


@pytest.mark.parametrize("name", ["icebraker", "ulx3s", "tang_nano9k"])
def test_load_board_unknown(name):
    nearest = {"icebraker": "icebreaker", "ulx3s": "ulx3s_25f", "tang_nano9k": "tang_nano_9k"}
    with pytest.raises(InputError, match=f"no board '{name}'; did you mean `{nearest[name]}`"):
        load_board(name)


def test_load_board_missing_file(tmp_path):
    with pytest.raises(InputError, match="absent.toml: cannot be read"):
        load_board(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    "old, new, text",
    [
        ('family = "ice40"', 'familiy = "ice40"', "unknown key `familiy`: did you mean `family`"),
        ('family = "ice40"', 'family = "nexus"', "`family` must be 'ice40', 'ecp5' or 'gowin'"),
        ('resource = "clk12"', 'resourse = "clk12"', "unknown key `clock.resourse`"),
        ("frequency = 12_000_000", "frequency = -5", "`clock.frequency` must be greater"),
        ("frequency = 12_000_000", 'frequency = "12 MHz"', "`clock.frequency` must be a valid int"),
        ('tx = "2"', "", "give either `resource`, or `rx` and `tx`"),
        ("LUT = 5280\n", "", "the key `capacity.LUT` is missing"),
        ("ICEBreakerPlatform", "Absent", "no platform `amaranth_boards.icebreaker:Absent`"),
        ("amaranth_boards.icebreaker", "absent", "no platform `absent:ICEBreakerPlatform`"),
        ('"clk12"', '"clk21"', "`clock.resource` 'clk21' 0 is not on the platform; did you mean"),
        ("12_000_000", "16_000_000", "is 16000000, but the platform has 12000000 Hz"),
    ],
)
def test_load_board_wrong(tmp_path, old, new, text):
    assert old in OWN
    with pytest.raises(InputError) as error:
        load_board(write(tmp_path, OWN.replace(old, new))).create_platform()
    assert text in str(error.value)
