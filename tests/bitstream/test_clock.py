"""Boards at a frequency of their own: the loop in the netlist, its clock in the record, the host at the right baud rate."""

import subprocess
import sys
from pathlib import Path

import pytest
from adder_builds import (  # noqa: F401  own_cache is for every test here
    ECP5,
    GOWIN,
    ICE40,
    SIMULATOR,
    build_adder,
    own_cache,
    talk,
)

from tnhw.bitstream.simulated_board import simulate_top
from tnhw.boards import load_board
from tnhw.errors import InputError, TimingNotMet
from tnhw.support.environment import for_child, search_path

#: Board, MHz that are asked for, MHz that its loop makes, primitive.
CASES = [
    pytest.param("icebreaker", 36, 36, "SB_PLL40_PAD", marks=ICE40),
    pytest.param(
        "ice40_hx8k_b_evn", 61, 60.75, "SB_PLL40_CORE", marks=[ICE40, pytest.mark.nightly]
    ),
    pytest.param("ulx3s_25f", 80, 80, "EHXPLLL", marks=[ECP5, pytest.mark.nightly]),
    pytest.param("tang_nano_9k", 54, 54, "rPLL", marks=GOWIN),
]


@pytest.mark.slow
@SIMULATOR
@pytest.mark.parametrize(("name", "asked", "made", "primitive"), CASES)
def test_loop_and_line(name, asked, made, primitive, tmp_path):
    baud = round(made * 1e6 / 6)
    record = build_adder(name, tmp_path, frequency=round(asked * 1e6), baud=baud)
    assert (record.frequency, record.pll) == (made * 1e6, primitive)
    assert record.clock == load_board(name).clock.frequency and record.divisor == 6
    assert record.timing_met and primitive in (tmp_path / record.netlist).read_text()
    assert simulate_top(record, talk) == [402, 403, 404]


@ICE40
def test_board(tmp_path):
    """Without a wish, and with the board's own frequency, there is no loop."""
    one = build_adder("icebreaker", tmp_path / "1")
    other = build_adder("icebreaker", tmp_path / "2", frequency=12_000_000)
    assert one.pll == other.pll == "" and one.digest == other.digest
    assert "SB_PLL" not in (tmp_path / "1" / one.netlist).read_text()


@pytest.mark.slow
@pytest.mark.nightly
@ICE40
def test_max(tmp_path):
    """The highest of what the loop makes that the routed design reaches."""
    record = build_adder("icebreaker", tmp_path, frequency="max")
    assert record.pll and record.timing_met and record.frequency > 2 * record.clock
    assert record.fmax < 1.1 * record.frequency


@ICE40
def test_too_fast(tmp_path):
    with pytest.raises(TimingNotMet, match=r"adder reaches .* but must run at 201.00 MHz"):
        build_adder("icebreaker", tmp_path, frequency=201_000_000)


@pytest.mark.parametrize(
    ("board", "asked", "message"),
    [
        ("fomu_pvt", 24_000_000, "runs at 48 MHz; its file names no loop"),
        ("icebreaker", 14_000_000, "makes no frequency as low as 14 MHz from 12 MHz"),
        ("icebreaker", "fast", "must be `board`, `max` or a number, not 'fast'"),
    ],
)
def test_refused(board, asked, message, tmp_path):
    with pytest.raises(InputError, match=message):
        build_adder(board, tmp_path / "none", frequency=asked)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("icebreaker", marks=ICE40),
        pytest.param("ulx3s_25f", marks=[ECP5, pytest.mark.nightly]),
        pytest.param("tang_nano_9k", marks=[GOWIN, pytest.mark.nightly]),
    ],
)
def test_place_and_route_again(name, tmp_path):
    """The script in the folder of the build makes the same bitstream, from the files beside it."""
    record = build_adder(name, tmp_path / "out")
    path = search_path(first=(Path(sys.executable).parent,))
    environment = for_child({"PATH": path, "YOWASP_CACHE_DIR": str(tmp_path / "yowasp")})
    subprocess.run(["sh", "adder.route.sh"], cwd=tmp_path / "out", env=environment, check=True)
    suffix = load_board(name).bitstream
    again = tmp_path / "out" / f"adder.again.{suffix}"
    assert again.read_bytes() == (tmp_path / "out" / record.bitstream).read_bytes()
