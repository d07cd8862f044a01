import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from adder_builds import (  # noqa: F401  own_cache is for every test here
    ECP5,
    GATEMATE,
    GOWIN,
    ICE40,
    NEXUS,
    SIMULATOR,
    build_adder,
    own_cache,
    talk,
)
from amaranth.hdl import Cat, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

import tnhw
from tnhw.bitstream import BuildRecord, build, dfu, find_record, toolchain
from tnhw.bitstream import files as build_files
from tnhw.bitstream.building import build_component
from tnhw.bitstream.files import workplace
from tnhw.bitstream.simulated_board import simulate_top
from tnhw.boards import load_board
from tnhw.boards.host import run
from tnhw.boards.protocol import Sizes
from tnhw.errors import DoesNotFit, InputError, TimingNotMet, ToolDied, ToolFailed
from tnhw.tools.ladder import recorded

BOARDS = [
    pytest.param("icebreaker", marks=ICE40),
    pytest.param("ice40_hx8k_b_evn", marks=ICE40),
    pytest.param("ulx3s_25f", marks=ECP5),
    pytest.param("tang_nano_9k", marks=GOWIN),
    pytest.param("gatemate_a1_evb", marks=GATEMATE),
    pytest.param("crosslink_nx_evn", marks=NEXUS),
]


class Parity(wiring.Component):
    """Parity of all input bits, eight times in different ways."""

    def __init__(self, width):
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        bits = self.i.payload
        m.d.comb += [
            self.o.payload.eq(Cat(bits[start::8].xor() for start in range(8))),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
        ]
        return m


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.slow
@SIMULATOR
@pytest.mark.parametrize("name", BOARDS)
def test_build_and_netlist(name, tmp_path):
    record = build_adder(name, tmp_path / "out", baud=load_board(name).clock.frequency // 4)
    assert record.timing_met and not record.cached
    assert (tmp_path / "out" / record.bitstream).stat().st_size > 10_000
    for resource in ("LUTs", "carry", "FFs", "RAM", "DSP"):
        assert (
            0 <= record.utilisation[resource]["used"] <= record.utilisation[resource]["available"]
        )
    assert find_record(tmp_path / "out") == record
    assert simulate_top(record, talk) == [402, 403, 404]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("icestick", marks=ICE40),
        pytest.param("orangecrab_r0_2", marks=ECP5),
        # The largest device of nextpnr's, whose data base alone takes long to load.
        pytest.param("ulx3s_85f", marks=[ECP5, pytest.mark.nightly]),
    ],
)
def test_build_other_boards(name, tmp_path):
    """With `BOARDS`, one of every kind of place and route; all boards: `make nightly`."""
    record = build_adder(name, tmp_path)
    assert record.timing_met and (tmp_path / record.bitstream).stat().st_size > 10_000


def crc(data):
    """CRC-32 bit by bit, without the last inversion."""
    register = 0xFFFF_FFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB8_8320 if register & 1 else 0)
    return register


def test_dfu_suffix(tmp_path):
    (tmp_path / "x.bit").write_bytes(b"bits")
    dfu.add_suffix(tmp_path, ["-v", "1209", "-p", "5af0", "-a", "x.bit"])
    data = (tmp_path / "x.bit").read_bytes()
    assert data[:4] == b"bits" and len(data) == 20
    assert data[4:16] == bytes.fromhex("ffff f05a 0912 0001") + b"UFD\x10"
    assert crc(b"123456789") ^ 0xFFFF_FFFF == 0xCBF4_3926  # the published check value
    assert int.from_bytes(data[16:], "little") == crc(data[:16])
    with pytest.raises(ToolFailed, match="which tnhw does not know"):
        dfu.add_suffix(tmp_path, ["-D", "x.bit"])


@ICE40
def test_build_is_the_same_in_two_folders_and_names_neither(tmp_path):
    folders = [tmp_path / "a", tmp_path / "deeper" / "b"]
    for folder in folders:
        build_adder("icebreaker", folder, cache=False)
    first, second = map(contents, folders)
    assert first.keys() == second.keys()
    for name in ("adder.bin", "adder.netlist.v", "report.json", "adder.stat.json"):
        assert first[name] == second[name]
    assert not any(str(tmp_path).encode() in data for data in first.values())
    assert sorted(first) == [
        ".build.lock",
        "adder.bin",
        "adder.json",
        "adder.netlist.v",
        "adder.nextpnr.log",
        "adder.pcf",
        "adder.route.sh",
        "adder.stat.json",
        "adder.yosys.log",
        "report.json",
    ]


@ICE40
def test_build_cached_timing_and_interrupt(tmp_path, monkeypatch):
    first = build_adder("icebreaker", tmp_path / "out")
    before = contents(tmp_path / "out")

    # The same again comes from the cache, with the same bytes.
    again = build_adder("icebreaker", tmp_path / "again")
    assert again.cached and again == first and contents(tmp_path / "again") == before

    # What is kept is used only as it was kept: else it is built again, and replaced.
    (entry,) = build_files.cache_folder().iterdir()
    (entry / "bin").write_bytes(before["adder.bin"][:-100])
    repaired = build_adder("icebreaker", tmp_path / "repaired")
    assert not repaired.cached and repaired == first
    assert (tmp_path / "repaired" / "adder.bin").read_bytes() == before["adder.bin"]
    assert build_adder("icebreaker", tmp_path / "repaired").cached

    # A design that is too slow is no output, unless that is allowed.
    message = r"adder reaches \d+\.\d\d MHz on icebreaker, but must run at 270.00 MHz"
    with pytest.raises(TimingNotMet, match=message):
        build_adder("icebreaker", tmp_path / "out", frequency=270_000_000)
    assert contents(tmp_path / "out") == before
    slow = build_adder(
        "icebreaker", tmp_path / "slow", frequency=270_000_000, allow_timing_fail=True
    )
    assert slow.cached and not slow.timing_met and (tmp_path / "slow" / slow.bitstream).exists()

    # Neither an interrupt nor a failing tool touches earlier output, or leaves anything behind.
    for error in (KeyboardInterrupt(), ToolFailed("broken")):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(toolchain, "execute", fail)
        with pytest.raises(type(error)):
            build_adder("icebreaker", tmp_path / "out", cache=False)
        assert contents(tmp_path / "out") == before
        assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]


def test_build_two_in_one_folder(tmp_path):
    with workplace(tmp_path):
        with pytest.raises(InputError, match="another build is writing there"):
            build_adder("icebreaker", tmp_path)


def test_build_into_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written .*choose another output folder"):
        build_adder("icebreaker", tmp_path / "file" / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_build_into_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        build_adder("icebreaker", tmp_path)


def test_build_on_a_full_disk(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(toolchain, "synthesise_plan", full)
    with pytest.raises(InputError, match=r"\(No space left on device\); free some space"):
        build_adder("icebreaker", tmp_path)


def test_find_record_missing(tmp_path):
    with pytest.raises(InputError, match="holds no build"):
        find_record(tmp_path)


# What is kept

FILES = {"bin": b"a bitstream", "netlist.v": b"module top; endmodule"}


def kept(tmp_path):
    """A build that is kept, and how to fetch it: as its report, or None."""
    files, entry = tmp_path / "files", tmp_path / "builds" / "0123"
    files.mkdir()
    for name, data in FILES.items():
        (files / name).write_bytes(data)

    def fetch():
        shutil.rmtree(tmp_path / "got", ignore_errors=True)
        return build_files.fetch(entry, tmp_path / "got")

    build_files.store(files, entry, '{"fmax": 1.5}')
    return files, entry, fetch


def test_kept_build(tmp_path):
    _, _, fetch = kept(tmp_path)
    assert fetch() == {"fmax": 1.5}
    assert {p.name: p.read_bytes() for p in (tmp_path / "got").iterdir()} == FILES | {
        "report.json": b'{"fmax": 1.5}'
    }


@pytest.mark.parametrize(
    "name, text",
    [
        ("bin", "another bitstream"),
        ("bin", "a bit"),
        ("bin", ""),
        ("bin", None),
        ("netlist.v", None),
        ("more", "that was not kept"),
        ("report.json", '{"fmax": 9.5}'),
        ("report.json", '{"fmax":'),
        ("report.json", None),
        ("sha256.json", "{}"),
        ("sha256.json", "[1"),
        ("sha256.json", None),
    ],
)
def test_damaged_build_is_not_used_but_replaced(name, text, tmp_path):
    files, entry, fetch = kept(tmp_path)
    (entry / name).unlink(missing_ok=True)
    if text is not None:
        (entry / name).write_text(text)
    assert fetch() is None and not (tmp_path / "got").exists()
    build_files.store(files, entry, '{"fmax": 2.5}')
    assert fetch() == {"fmax": 2.5}
    assert list(entry.parent.iterdir()) == [entry]


@pytest.mark.parametrize("text, said", [("b", "was changed after the build"), (None, "is missing")])
def test_build_that_was_changed_is_no_record(text, said, tmp_path):
    (tmp_path / "k.bin").write_text("a")
    (tmp_path / "k.v").write_text("a")
    record = BuildRecord(
        name="k", board="b", family="ice40", bitstream="k.bin", netlist="k.v", clock=1, frequency=1,
        pins={}, baud=1, divisor=1, sizes={}, dsp=False, versions={},
        files=build_files.hashes(tmp_path),
    )  # fmt: skip
    (tmp_path / "report.json").write_text(record.to_json())
    assert find_record(tmp_path) == record
    (tmp_path / "k.bin").unlink()
    if text:
        (tmp_path / "k.bin").write_text(text)
    with pytest.raises(InputError, match=f"k.bin: {said}; make it again with `tnhw build`"):
        find_record(tmp_path)
    (tmp_path / "report.json").write_text(replace(record, files={}).to_json())
    with pytest.raises(InputError, match="has no hash of the bitstream"):
        find_record(tmp_path)


def test_place_and_route_that_dies_takes_another_seed(tmp_path, monkeypatch):
    """Of three seeds; and a log of nextpnr tells a misfit from a death."""
    seeds = []

    def run(tool, arguments, **_):
        seeds.append(int(arguments[-1]))
        raise ToolDied("`nextpnr` died")

    plan = SimpleNamespace(
        script="s", files={"s.json": json.dumps({"commands": [["yosys"], ["nextpnr-ice40"]]})}
    )
    monkeypatch.setattr(toolchain.tools, "run", run)
    board = load_board("icebreaker")
    with (
        recorded() as retries,
        pytest.raises(ToolDied, match="x cannot be placed and routed on ice"),
    ):
        toolchain.execute(plan, tmp_path, "x", board, {}, frequency=1, seed=7)
    assert seeds == [7, 8, 9]
    assert [retry["change"] for retry in retries] == ["with seed 8", "with seed 9"]
    (tmp_path / "top.tim").write_text("Info:  ICESTORM_LC:  5300/ 5280  100%\n")
    with pytest.raises(DoesNotFit, match="needs 5300 logic cells"):
        toolchain.execute(plan, tmp_path, "x", board, {}, frequency=1, seed=7)


# Fit


@pytest.mark.parametrize(
    "cells, text",
    [
        (
            {"SB_LUT4": 6000},
            r"needs 6000 LUTs, but the device has 5280 \(720 too many, 114% of it\)",
        ),
        (
            {"SB_RAM40_4K": 31},
            r"needs 31 block RAMs, but the device has 30 \(1 too many, 103% of it\)",
        ),
        ({"SB_MAC16": 9}, "needs 9 DSP blocks, but the device has 8"),
        ({"SB_DFFSR": 9000}, "needs 9000 FFs"),
    ],
)
def test_check_fit(cells, text):
    toolchain.check_fit("x", load_board("icebreaker"), {"SB_LUT4": 5280, "SB_MAC16": 8})
    with pytest.raises(DoesNotFit, match=text):
        toolchain.check_fit("x", load_board("icebreaker"), cells)


@pytest.mark.slow
@ICE40
def test_build_does_not_fit_after_packing(tmp_path):
    # Neither the LUTs nor the flip-flops are too many, but they cannot share enough logic cells.
    sizes = Sizes(880, 1, 8)
    text = r"wide does not fit icestick: it needs \d+ logic cells, but the device has 1280 \("
    with pytest.raises(DoesNotFit, match=text):
        build_component(Parity(880), sizes, "wide", load_board("icestick"), tmp_path / "out")
    assert not (tmp_path / "out" / "report.json").exists()


# Whole flow


@pytest.mark.slow
@SIMULATOR
@pytest.mark.parametrize(("name", "rule"), [
    pytest.param("icebreaker", "threshold", marks=ICE40),
    pytest.param("ulx3s_25f", "mac", marks=[ECP5, pytest.mark.nightly]),
    pytest.param("gatemate_a1_evb", "threshold", marks=[GATEMATE, pytest.mark.nightly]),
    pytest.param("crosslink_nx_evn", "mac", marks=[NEXUS, pytest.mark.nightly]),
    pytest.param("icebreaker", "mac", marks=[ICE40, pytest.mark.nightly]),
    pytest.param("ulx3s_25f", "threshold", marks=[ECP5, pytest.mark.nightly]),
])  # fmt: skip
def test_digits_through_the_pins_of_a_netlist(name, rule, tmp_path):
    """Each board and each rule once; all pairs nightly."""
    kernel = tnhw.load(f"digits_layer_{rule}")
    board = load_board(name)
    record = build(kernel, board, tmp_path, baud=board.clock.frequency // 4)
    datasets = pytest.importorskip("sklearn.datasets")
    x = np.minimum(datasets.load_digits().data, 15).astype(np.int64)[:5]
    result = simulate_top(record, lambda link: run(kernel, link, x))
    assert (result.vectors, result.equal, result.repeated) == (5, 5, 0)
    assert json.loads((tmp_path / "report.json").read_text())["board"] == name
