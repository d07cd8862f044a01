"""The same network from another generator: da4ml (Sun et al.), which makes graphs of adders from constant matrices.

da4ml unrolls everything: it takes a vector in each cycle, parameters are fixed in the gates, and common
sub-expressions are shared. It is therefore compared with networks whose parameters never change. A layer of
thresholds becomes shared rectifiers, one for each input and threshold that occurs, and a constant matrix of signs.
The result is checked against the golden model, by da4ml's interpreter and as Verilog in Icarus Verilog, and is
synthesised, placed and routed in the same way as designs of tnhw.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import tools
from ..errors import CheckFailed, InputError
from ..hardware.payloads import join
from ..netlist import count
from ..netlist.synthesis import cells_of, passes, run
from ..tools.ladder import recorded
from .out_of_context import DEVICES, route

__all__ = ["PEERS", "Unrolled"]

PEERS = ("da4ml",)
CUTOFF = 3  # adders between two rows of registers

_BENCH = """
module bench;
  reg clk = 0; reg [{i}:0] x [0:{last}]; reg [{i}:0] now; wire [{o}:0] y; integer k;
  {name} dut(.clk(clk), .model_inp(now), .model_out(y));
  initial begin
    $readmemh("x.hex", x);
    for (k = 0; k <= {last} + {latency}; k = k + 1) begin
      now = x[k > {last} ? {last} : k]; #5 clk = 1; #5 clk = 0;
      if (k + 1 >= {latency} && k + 1 - {latency} <= {last}) $display("%b", y);
    end
  end
endmodule
"""

_WRAPPER = """
module few_pins(input clk, input rst, input si, input sv, input so,
                output reg q, output reg v, output reg r);
  reg [{i}:0] shift; wire [{o}:0] y;
  {name} dut(.clk(clk), .model_inp(shift), .model_out(y));
  always @(posedge clk) begin shift <= {{shift, si}}; q <= ^y; v <= sv; r <= so; end
endmodule
"""


class Unrolled:
    """A network unrolled by da4ml: its combinational graph, pipeline and Verilog.

    Parameters
    ----------
    network : Network
        With dense layers only, of the rules ``threshold``, ``ternary``, ``mac`` or ``shift``.

    Attributes
    ----------
    stages : int
        Stages of the pipeline.
    latency : int
        Cycles from a vector to its result.

    Raises
    ------
    InputError
        If da4ml is missing, or the network has another kind of layer.
    """

    def __init__(self, network):
        try:
            from da4ml.trace import FixedVariableArrayInput as Input
            from da4ml.trace import HWConfig, comb_trace, to_pipeline
        except ImportError:
            raise InputError('`--peer da4ml` needs it: pip install "tnhw[peer]"') from None
        for layer in network.layers:
            if layer.keys.kind != "dense" or layer.keys.rule == "addernet":
                raise InputError(
                    f"network {network.name}: layer `{layer.keys.name}` ({layer.keys.kind}, {layer.keys.rule}) "
                    "cannot be built with da4ml here: only dense layers of threshold, ternary, shift or mac can"
                )
        self.network, self.name = network, network.name
        x = Input((network.inputs,), hwconf=HWConfig(1, -1, -1))
        signed = network.input.signed
        x = given = x.quantize(int(signed), network.input.bits - signed, 0)
        for layer in network.layers:
            x = _layer(x, layer)
        self._graph = comb_trace(given, x)
        self._pipeline = to_pipeline(self._graph, CUTOFF, verbose=False)
        self.stages = len(self._pipeline.solutions)
        self.latency = self.stages + 1

    def check(self, x):
        """Compare da4ml's interpreter and its Verilog with the golden model, for vectors x [n, inputs].

        Raises
        ------
        CheckFailed
            If one of them gives another result.
        """
        expected = self.network.golden(x)
        if not np.array_equal(self._graph.predict(np.asarray(x, float)), expected):
            raise CheckFailed(f"{self.name}: da4ml's graph differs from the golden model")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            sources, widths = self._write(folder)
            beats = [join(vector, self.network.input) for vector in np.asarray(x).tolist()]
            (folder / "x.hex").write_text("\n".join(f"{beat:x}" for beat in beats) + "\n")
            bench = _BENCH.format(i=widths[0] - 1, o=widths[1] - 1, last=len(beats) - 1,
                                  latency=self.latency, name=self.name)  # fmt: skip
            (folder / "bench.v").write_text(bench)
            tools.run("iverilog", ["-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v", *sources],
                      cwd=folder)  # fmt: skip
            done = tools.run("vvp", ["-n", "bench.vvp"], cwd=folder)
        answers = [line for line in done.stdout.split() if set(line) <= set("01x")]
        if [self._unpack(answer) for answer in answers] != expected.tolist():
            raise CheckFailed(f"{self.name}: da4ml's Verilog differs from the golden model")

    def place(self, device, seeds=(1,)):
        """Synthesise, place and route the Verilog behind few pins: `tnhw.comparison.out_of_context.Alone`."""
        family, synth, _, _ = DEVICES[device]
        with tempfile.TemporaryDirectory() as name, recorded() as retries:
            folder = Path(name)
            sources, widths = self._write(folder)
            wrapper = _WRAPPER.format(i=widths[0] - 1, o=widths[1] - 1, name=self.name)
            (folder / "wrapper.v").write_text(wrapper)
            script = [f"read_verilog -sv {source}" for source in [*sources, "wrapper.v"]]
            script += passes("few_pins", family, dsp=False, options=synth)
            script += ["write_json design.json", "tee -q -o stat.json stat -json"]
            run(script, family, folder, timeout=1800)
            cells = count(cells_of((folder / "stat.json").read_text()), family)
            found = route(self.name, device, folder, cells, widths[0], seeds)
        return replace(found, retries=retries)

    def _write(self, folder):
        """Write Verilog files to a folder; returns their names, and the widths of input and output in bits."""
        from da4ml.codegen import VerilogModel

        VerilogModel(self._pipeline, self.name, folder / "da4ml", print_latency=False).write()
        names = []
        for path in sorted((folder / "da4ml" / "src").rglob("*.v")):
            if path.stem in (f"{self.name}_wrapper", "lookup_table"):  # not used
                continue
            text = path.read_text()
            names.append(path.name)
            (folder / path.name).write_text(text)
        bits = [sum(map(sum, _kifs(self._pipeline, side))) for side in ("inp", "out")]
        return names, bits

    def _unpack(self, answer):
        """The results in the bits of an answer, with output 0 in the lowest bits; None if a bit is unknown."""
        values, end = [], len(answer)
        for sign, whole, fraction in _kifs(self._pipeline, "out"):
            bits = answer[end - sign - whole - fraction : end]
            end -= len(bits)
            if "x" in bits:
                return None
            value = int(bits or "0", 2)
            values.append(value - (1 << len(bits)) if sign and bits[0] == "1" else value)
            values[-1] <<= -fraction if fraction < 0 else 0
        return values


def _kifs(pipeline, side):
    """Numbers of sign, integer and fraction bits of every input or output."""
    from da4ml.types import minimal_kif

    intervals = pipeline.inp_qint if side == "inp" else pipeline.out_qint
    return [tuple(int(part) for part in minimal_kif(interval)) for interval in intervals]


def _layer(x, layer):
    """The results of a layer for da4ml's traced variables `x`."""
    kernel, arrays = layer.kernel, layer.arrays
    if "theta" in arrays:
        z = _rectified(x, arrays, kernel.input)
    else:
        weight = arrays.get("weight")
        if weight is None:
            weight = arrays["sign"] << arrays.get("exponent", 0)
        z = x @ weight.T.astype(float)
    z = z + arrays["bias"].astype(float)
    if kernel.output is None:
        return z
    signed = kernel.output.signed
    scaled = z * 2.0**-kernel.shift
    return scaled.quantize(int(signed), kernel.output.bits - signed, 0, "SAT", "RND")


def _rectified(x, arrays, number):
    """The sums of a layer of thresholds: rectifiers for all pairs of input and threshold, times their signs."""
    theta, sign = arrays["theta"], arrays["sign"]
    weight = sign << arrays.get("gain", 0)
    bank, matrix = [], []
    for level in np.unique(theta[(sign != 0) & (theta < number.max)]).tolist():
        rectified = (x - float(level)).relu() if level > number.min else x - float(level)
        used = np.where(theta == level, weight, 0)
        places = np.flatnonzero(used.any(axis=0))
        bank.append(rectified[places])
        matrix.append(used[:, places].T)
    return np.concatenate(bank) @ np.concatenate(matrix).astype(float)
