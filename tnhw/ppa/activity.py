"""Activity of a mapped netlist while it infers: an estimate to compare designs with, not a power.

The netlist runs in Icarus Verilog without delays, so glitches are not seen. Every change of a net
counts with its fan-out; the clock counts twice a cycle for every flip-flop and block RAM. What moves
inside a RAM or DSP block is not seen.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vcd.reader import TokenKind, tokenize

from .. import tools
from ..cell_models import cell_models
from ..errors import CheckFailed
from ..synthesis import passes
from ..verilog import emit

__all__ = ["FAMILIES", "Activity", "activity"]

WARM_UP = 3  # vectors before those that count

_BENCH = """
module bench;
  reg clk = 0, rst = 1, valid = 0;
  reg [{i}:0] beats [0:{last}];
  wire [{o}:0] payload; wire o_valid, i_ready;
  integer at = 0, results = 0;
  {name} dut(.clk(clk), .rst(rst), .i_payload(beats[at]), .i_valid(valid), .i_ready(i_ready),
                .o_payload(payload), .o_valid(o_valid), .o_ready(1'b1));
  initial begin
    $readmemh("beats.hex", beats);
    $dumpfile("activity.vcd"); $dumpvars(1, dut); $dumpoff;
    repeat (8) begin #5 clk = 1; #5 clk = 0; end
    rst = 0; valid = 1;
    forever begin #5 clk = 1; #5 clk = 0; end
  end
  always @(posedge clk) begin
    if (valid && i_ready) at <= at == {last} ? 0 : at + 1;
    if (o_valid && !rst) begin
      $display("result %h", payload);
      results = results + 1;
      if (results == {first}) $dumpon;
      if (results == {end_}) $finish;
    end
  end
endmodule
"""


# Of a Gowin netlist, split into single nets for this, Icarus computes wrong results.
FAMILIES = ("ice40", "ecp5")


@dataclass(frozen=True)
class Activity:
    """Changes an inference, weighted by fan-out.

    Parameters
    ----------
    logic, clock : float
    vectors : int
        Over how many inferences the mean was taken.
    """

    logic: float
    clock: float
    vectors: int

    @property
    def total(self):
        return self.logic + self.clock


def activity(design, family, x, *, dsp=False):
    """Activity of a design's netlist on vectors that follow each other without a pause.

    Parameters
    ----------
    design : Design
    family : str
        One of `FAMILIES`.
    x : int array [n, inputs]
    dsp : bool
        Whether products may use DSP blocks.

    Raises
    ------
    CheckFailed
        If the netlist's results are not those of the golden model.
    """
    beats = design.pack_input(x)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "design.v").write_text(emit(design.create(), design.name))
        script = ["read_verilog -sv design.v", *passes(design.name, family, dsp=dsp), "splitnets"]
        script += ["write_verilog -noattr netlist.v", "write_json netlist.json", ""]
        tools.yosys("\n".join(script), cwd=folder, timeout=1800)
        sources, defines = cell_models(family, folder)
        (folder / "beats.hex").write_text("\n".join(f"{beat:x}" for beat in beats) + "\n")
        bench = _BENCH.format(
            i=design.width_i - 1,
            o=design.width_o - 1,
            last=len(beats) - 1,
            name=design.name,
            first=WARM_UP,
            end_=WARM_UP + len(x),
        )
        (folder / "bench.v").write_text(bench)
        tools.run(
            "iverilog",
            ["-g2012", "-o", "bench.vvp", *(f"-D{define}" for define in defines), "-s", "bench",
             "bench.v", "netlist.v", *map(str, sources)],
            cwd=folder,
        )  # fmt: skip
        done = tools.run("vvp", ["-n", "bench.vvp"], cwd=folder, timeout=1800)
        _check(design, x, done.stdout)
        loads, clocked = _loads(folder / "netlist.json", design.name)
        changes = _changes(folder / "activity.vcd")
    logic = sum(count * loads.get(net, 0) for net, count in changes.items())
    return Activity(logic / len(x), 2.0 * clocked * design.interval, len(x))


def _check(design, x, text):
    """Compare what the netlist answered with the golden model."""
    answers = [line.split()[1] for line in text.splitlines() if line.startswith("result ")]
    expected = design.golden(x)
    expected = expected[np.arange(len(answers)) % len(x)]
    payloads = [int(answer, 16) if "x" not in answer else -1 for answer in answers]
    if payloads != design.pack_output(expected):
        raise CheckFailed(f"{design.name}: the netlist differs from the golden model")


def _loads(path, top):
    """Fan-out of every net but the clock, and how many cells the clock drives."""
    module = json.loads(path.read_text())["modules"][top]
    clock = module["ports"]["clk"]["bits"][0]
    fan_out, clocked = {}, 0
    for cell in module["cells"].values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) == "input":
                clocked += clock in bits
                for bit in bits:
                    fan_out[bit] = fan_out.get(bit, 0) + 1
    # A net of several names counts once.
    loads, seen = {}, {clock}
    for name, net in module["netnames"].items():
        bit = net["bits"][0]
        if bit not in seen:
            seen.add(bit)
            loads[name] = fan_out.get(bit, 0)
    return loads, clocked


def _changes(path):
    """Changes of every one-bit net in a VCD."""
    names, values, changes = {}, {}, {}
    with path.open("rb") as file:
        for token in tokenize(file):
            if token.kind is TokenKind.VAR and token.data.size == 1:
                bit = token.data.bit_index
                name = token.data.reference + ("" if bit is None else f"[{bit}]")
                names.setdefault(token.data.id_code, []).append(name)
            elif token.kind is TokenKind.CHANGE_SCALAR:
                code, value = token.data.id_code, token.data.value
                before = values.get(code, "x")
                if value in "01":
                    if before in "01" and value != before:
                        changes[code] = changes.get(code, 0) + 1
                    values[code] = value
    return {name: count for code, count in changes.items() for name in names.get(code, ())}
