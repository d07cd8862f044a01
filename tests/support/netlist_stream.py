"""A large design's netlist in Icarus under a small bench in Verilog, where the bench of `sim/` would take hours."""

import tempfile
from pathlib import Path

from tnhw import tools
from tnhw.netlist.cell_models import cell_models
from tnhw.netlist.synthesis import passes, run
from tnhw.verilog import emit

__all__ = ["results"]

_BENCH = """
module bench;
  reg clk = 0, rst = 1, valid = 0, ready = 0;
  reg [{i}:0] beats [0:{last}];
  wire [{o}:0] payload; wire o_valid, i_ready;
  integer at = 0, results = 0;
  {name} dut(.clk(clk), .rst(rst), .i_payload(beats[at]), .i_valid(valid), .i_ready(i_ready),
             .o_payload(payload), .o_valid(o_valid), .o_ready(ready));
  initial begin
    $readmemh("beats.hex", beats);
    repeat (8) begin #5 clk = 1; #5 clk = 0; end
    rst = 0;
    forever begin
      if (!valid || i_ready) valid = at <= {last} && $urandom % 8 != 0;
      ready = $urandom % 4 != 0;
      #1 if (o_valid && ready) begin
        $display("result %h", payload);
        results = results + 1;
      end
      if (valid && i_ready) begin #4 clk = 1; #1 at = at + 1; valid = 0; #4 clk = 0; end
      else begin #4 clk = 1; #5 clk = 0; end
      if (results == {count}) $finish;
    end
  end
endmodule
"""


def results(design, family, x):
    """Results of the netlist after synthesis for a family, for vectors with pauses and stalls: int array [n, outputs]."""
    beats = design.pack_input(x)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "design.v").write_text(emit(design.create("stream"), design.name))
        script = ["read_verilog -sv design.v", *passes(design.name, family)]
        run([*script, "write_verilog -noattr netlist.v"], family, folder, timeout=1800)
        sources, defines = cell_models(family, folder)
        (folder / "beats.hex").write_text("\n".join(f"{beat:x}" for beat in beats) + "\n")
        sizes = {"i": design.width_i - 1, "o": design.width_o - 1, "last": len(beats) - 1}
        (folder / "bench.v").write_text(_BENCH.format(name=design.name, count=len(x), **sizes))
        tools.run(
            "iverilog",
            ["-g2012", "-o", "bench.vvp", *(f"-D{define}" for define in defines), "-s", "bench",
             "bench.v", "netlist.v", *map(str, sources)],
            cwd=folder,
        )  # fmt: skip
        done = tools.run("vvp", ["-n", "bench.vvp"], cwd=folder, timeout=3600)
    answers = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("result ")]
    return design.unpack_output([int(answer, 16) for answer in answers])
