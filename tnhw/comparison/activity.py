"""Activity of a mapped netlist while it computes: an estimate for comparing designs, not a power.

The netlist runs in Icarus Verilog without delays, so glitches are not seen. Every change of a net counts with its
fan-out; the clock counts twice in each cycle for every flip-flop and block RAM. Changes inside RAM and DSP blocks are
not seen.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vcd.reader import TokenKind, tokenize

from .. import tools
from ..errors import CheckFailed
from ..netlist.cell_models import cell_models
from ..netlist.synthesis import passes, run
from ..verilog import emit

__all__ = ["FAMILIES", "Activity", "activity"]

WARM_UP = 3  # vectors at the start that are not counted

_BENCH = """
module bench;
  reg clk = 0, rst = 1, valid = 0;
  reg [{i}:0] beats [0:{last}];
  wire [{o}:0] payload; wire o_valid, i_ready;
  integer at = 0, results = 0;{load_wires}
  {name} dut(.clk(clk), .rst(rst), .i_payload(beats[at]), .i_valid(valid), .i_ready(i_ready),
                .o_payload(payload), .o_valid(o_valid), .o_ready(1'b1){load_ports});
  initial begin
    $readmemh("beats.hex", beats);
    $dumpfile("activity.vcd"); $dumpvars(1, dut); $dumpoff;
    repeat (8) begin #5 clk = 1; #5 clk = 0; end
    rst = 0;{load}
    valid = 1;
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

# Additions to the bench for a kernel with storage `memory`.
_LOAD = {
    "load_wires": """
  reg [{p}:0] loads [0:{loads}]; reg p_valid = 0; wire p_ready; integer p_at = 0;""",
    "load_ports": """,
                .p_payload(loads[p_at]), .p_valid(p_valid), .p_ready(p_ready)""",
    "load": """
    $readmemh("loads.hex", loads);
    p_valid = 1;
    while (p_at <= {loads}) begin
      #5 if (p_ready) begin clk = 1; #5 clk = 0; p_at = p_at + 1; end else begin clk = 1; #5 clk = 0; end
    end
    p_valid = 0; p_at = 0;
    repeat (8) begin #5 clk = 1; #5 clk = 0; end""",
}

FAMILIES = ("ice40", "ecp5", "gowin")


@dataclass(frozen=True)
class Activity:
    """Changes of nets for one vector, weighted by fan-out; without unit.

    Parameters
    ----------
    logic, clock : float
        Changes of all nets except the clock, and those of the clock.
    vectors : int
        Number of vectors over which the mean was taken.
    """

    logic: float
    clock: float
    vectors: int

    @property
    def total(self):
        return self.logic + self.clock


def activity(design, family, x, p=None, *, dsp=False, booth=False):
    """Activity of a design's netlist for vectors that follow each other without a pause.

    Parameters
    ----------
    design : Kernel or Design
        It is built with plain streams.
    family : str
        One of `FAMILIES`.
    x : int array [n, inputs]
        Vectors.
    p : dict of arrays, optional
        Parameters, for a kernel that has none of its own.
    dsp : bool
        Whether products may use DSP blocks.
    booth : bool
        Whether Yosys makes products in logic from Booth rows.

    Returns
    -------
    Activity

    Raises
    ------
    CheckFailed
        If the results of the netlist differ from those of the golden model.
    """
    beats = design.pack_input(x, p)
    loads = design.pack_parameters(p) if p is not None and design.storage == "memory" else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "design.v").write_text(emit(design.create("stream"), design.name))
        script = ["read_verilog -sv design.v"]
        script += [*passes(design.name, family, dsp=dsp, booth=booth), "splitnets"]
        script += ["write_verilog -noattr netlist.v", "write_json netlist.json"]
        run(script, family, folder, timeout=1800)
        sources, defines = cell_models(family, folder)
        for file, payloads in (("beats.hex", beats), ("loads.hex", loads)):
            (folder / file).write_text("\n".join(f"{beat:x}" for beat in payloads) + "\n")
        sizes = {"p": design.width_p - 1, "loads": len(loads) - 1}
        bench = _BENCH.format(
            i=design.width_i - 1,
            o=design.width_o - 1,
            last=len(beats) - 1,
            name=design.name,
            first=WARM_UP,
            end_=WARM_UP + len(x),
            **{key: text.format(**sizes) if loads else "" for key, text in _LOAD.items()},
        )
        (folder / "bench.v").write_text(bench)
        tools.run(
            "iverilog",
            ["-g2012", "-o", "bench.vvp", *(f"-D{define}" for define in defines), "-s", "bench",
             "bench.v", "netlist.v", *map(str, sources)],
            cwd=folder,
        )  # fmt: skip
        done = tools.run("vvp", ["-n", "bench.vvp"], cwd=folder, timeout=1800)
        _check(design, x, p, done.stdout)
        loads, clocked = _loads(folder / "netlist.json", design.name)
        changes = _changes(folder / "activity.vcd")
    logic = sum(count * loads.get(net, 0) for net, count in changes.items())
    cycles = design.interval / design.images
    return Activity(logic / len(x), 2.0 * clocked * cycles, len(x))


def _check(design, x, p, text):
    """Compare the results of the netlist, in the text that the bench printed, with the golden model."""
    answers = [line.split()[1] for line in text.splitlines() if line.startswith("result ")]
    expected = design.golden(x, *() if p is None else (p,))
    expected = expected[np.arange(len(answers)) % len(x)]
    payloads = [int(answer, 16) if "x" not in answer else -1 for answer in answers]
    if payloads != design.pack_output(expected):
        raise CheckFailed(f"{design.name}: the netlist differs from the golden model")


def _loads(path, top):
    """Fan-out of every net except the clock, by name, and the number of cells that the clock drives."""
    module = json.loads(path.read_text())["modules"][top]
    clock = module["ports"]["clk"]["bits"][0]
    fan_out, clocked = {}, 0
    for cell in module["cells"].values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) == "input":
                clocked += clock in bits
                for bit in bits:
                    fan_out[bit] = fan_out.get(bit, 0) + 1
    # A net that has several names counts once.
    loads, seen = {}, {clock}
    for name, net in module["netnames"].items():
        bit = net["bits"][0]
        if bit not in seen:
            seen.add(bit)
            loads[name] = fan_out.get(bit, 0)
    return loads, clocked


def _changes(path):
    """Number of changes of every one-bit net in a VCD file, by name."""
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
