"""A vector that fails, run through the emitted Verilog: what came out, and a VCD of it."""

import io
import re
from dataclasses import dataclass

import numpy as np
import z3

from ..kernel import packing
from ..support import interrupts
from .formulas.circuit import of_verilog
from .formulas.compiled import compiled

__all__ = ["Replay", "Run", "beats_of", "expected_of"]

_FLAGS = {1: "wrong", 2: "changed before it was taken", 3: "too many", 4: "missing"}


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    fault : str or None
        What is wrong with the results: ``wrong``, ``missing`` ...; None if nothing is.
    beat : int
        Number of the result beat at which it showed.
    got : int
        Its payload.
    vcd : callable
        Gives the VCD as text.
    """

    fault: str | None
    beat: int
    got: int
    vcd: object


def beats_of(kernel, x, p):
    """What is sent for vectors of one parameter set: list of (stream, payload, last)."""
    axi = kernel.interface == "axi-stream"
    script = []
    if kernel.storage == "memory" and p is not None:
        beats = kernel.pack_parameters(p)
        script += [("p", beat, int(k == len(beats) - 1)) for k, beat in enumerate(beats)]
    if axi:
        beat = min(kernel.beat or kernel.inputs, kernel.inputs)
        script += [("i", *pair) for pair in packing.axi_beats(x, kernel.input, beat)]
    else:
        own = p if kernel.storage == "ports" else None
        script += [("i", payload, 0) for payload in kernel.pack_input(x, own)]
    return script


def expected_of(kernel, y):
    """Result beats that are due: list of (payload, last)."""
    if kernel.interface == "axi-stream":
        beat = min(kernel.beat or kernel.outputs, kernel.outputs)
        return packing.axi_beats(y, kernel.output_format, beat)
    return [(payload, 0) for payload in kernel.pack_output(np.asarray(y))]


class Replay:
    """Beats through the Verilog, clock by clock; what comes out is compared with what is due.

    Parameters
    ----------
    text : str
        Verilog of the module, with all it needs.
    manifest : dict
    script : list of (str, int, int)
        Beats as :func:`beats_of` gives them.
    expected : list of (int, int)
        Results as :func:`expected_of` gives them.
    """

    def __init__(self, text, manifest, script, expected):
        streams = {stream["name"]: stream for stream in manifest["streams"]}
        bench = _bench(manifest, streams, script, expected)
        self._circuit = of_verilog(text + bench, "replay", zero=True)
        self._names = list(self._circuit.next)
        self._step = compiled([self._circuit.next[name] for name in self._names], self._names)
        self._beats, self._latency = len(script) + len(expected), manifest["latency"]

    def run(self, seed=None):
        """One run: `Run`. With a `seed` both sides stall at random; without it nobody stalls."""
        limit = 56 + 4 * self._latency + self._beats * (1 if seed is None else 4)
        start = {
            "limit": limit,
            "stalls": int(seed is not None),
            "noise": (seed or 0) * 2654435761 % 65535 + 1,
        }
        initial = self._circuit.initial | start
        state = [initial[name] for name in self._names]
        place = {name: k for k, name in enumerate(self._names)}
        history = [state]
        for _ in range(limit + 4):
            interrupts.check()
            state = self._step(*state)
            history.append(state)
            if state[place["fault"]]:
                break
        fault, beat, got = (state[place[name]] for name in ("fault", "fault_beat", "fault_got"))
        return Run(_FLAGS.get(fault), beat, got, lambda: _vcd(self._circuit, self._names, history))


def _vcd(circuit, names, history):
    """All registers, and the ports of the module, as a VCD."""
    from vcd import VCDWriter

    ports = [n for n in circuit.wires if re.fullmatch(r"(i|o|p)_(payload|valid|ready|last)", n)]
    values = compiled([circuit.wires[name] for name in ports], names)
    widths = {n: circuit.wires[n].size() if z3.is_bv(circuit.wires[n]) else 1 for n in ports}
    widths |= {
        name: register.size() for name, register in circuit.registers.items() if z3.is_bv(register)
    }
    text = io.StringIO()
    with VCDWriter(text, timescale="1 ns", date="", version="tnhw prove") as writer:
        clock = writer.register_var("replay", "clk", "wire", size=1, init=0)
        signals = {}
        for name, width in widths.items():
            scope, _, leaf = name.rpartition(".")
            leaf = re.sub(r"\W+", "_", leaf)
            path = ".".join(filter(None, ("replay", re.sub(r"[^\w.]+", "_", scope))))
            signals[name] = writer.register_var(path, leaf, "wire", size=width, init=0)
        for number, state in enumerate(history):
            now = dict(zip(names, state, strict=True)) | dict(
                zip(ports, values(*state), strict=True)
            )
            for name, signal in signals.items():
                writer.change(signal, 10 * number, int(now[name]))
            writer.change(clock, 10 * number, 1)
            writer.change(clock, 10 * number + 5, 0)
    return text.getvalue()


def _bench(manifest, streams, script, expected):
    widths = {name: stream["width"] for name, stream in streams.items()}
    sinks = [name for name in ("i", "p") if name in streams]
    ports = [f".{manifest['clock']}(clk)", f".{manifest['reset']}(rst)"]
    wires = []
    for name, stream in streams.items():
        wires.append(f"  wire {name}_valid, {name}_ready, {name}_last;")
        wires.append(f"  wire [{widths[name] - 1}:0] {name}_payload;")
        for signal in ("payload", "valid", "ready", "last"):
            if stream[signal]:
                ports.append(f".{stream[signal]}({name}_{signal})")
        if not stream["last"] and name == "o":
            wires.append("  assign o_last = 1'b0;")
    if manifest["error"]:
        ports.append(f".{manifest['error']}()")
    width = max(widths[name] for name in sinks)
    beats = "\n".join(
        f"      {k}: begin to = {sinks.index(name)}; data = {width}'d{payload}; last = {last}; end"
        for k, (name, payload, last) in enumerate(script)
    )
    due = "\n".join(
        f"      {k}: begin due = {widths['o']}'d{payload}; due_last = {last}; end"
        for k, (payload, last) in enumerate(expected)
    )
    drive = "\n".join(
        f"  assign {name}_valid = sending && to == {k};\n"
        f"  assign {name}_payload = data[{widths[name] - 1}:0];\n  assign {name}_last = last;"
        for k, name in enumerate(sinks)
    )
    took = " || ".join(f"({name}_valid && {name}_ready)" for name in sinks)
    return f"""\
module replay(input clk, output reg [2:0] fault, output reg [31:0] fault_beat,
    output reg [{widths["o"] - 1}:0] fault_got);
  initial begin fault = 0; fault_beat = 0; fault_got = 0; end
{chr(10).join(wires)}
  reg [31:0] cycle = 0, at = 0, number = 0;
  // What a run chooses beforehand, and these registers keep: how long to wait, and whether anybody stalls.
  reg [31:0] limit = 0;
  reg stalls = 0;
  reg [15:0] noise = 1;
  wire rst = cycle < 2;
  reg to, last, due_last;
  reg [{width - 1}:0] data;
  reg [{widths["o"] - 1}:0] due;
  always @* begin
    to = 0; data = 0; last = 0;
    case (at)
{beats}
    endcase
  end
  always @* begin
    due = 0; due_last = 0;
    case (number)
{due}
    endcase
  end
  // A beat that is offered stays offered.
  reg offering = 0, waiting = 0;
  wire sending = !rst && at < {len(script)} && (offering || !(stalls && noise[9]));
{drive}
  assign o_ready = !rst && !(stalls && noise[3]);
  reg [{widths["o"] - 1}:0] before = 0;
  wire [2:0] now = waiting && (!o_valid || o_payload != before) ? 3'd2
    : !(o_valid && o_ready) ? (cycle == limit && number < {len(expected)} ? 3'd4 : 3'd0)
    : number >= {len(expected)} ? 3'd3
    : o_payload != due || o_last != due_last ? 3'd1 : 3'd0;
  always @(posedge clk) begin
    cycle <= cycle + 1;
    limit <= limit;
    stalls <= stalls;
    noise <= {{noise[14:0], noise[15] ^ noise[13] ^ noise[12] ^ noise[10]}};
    if (!rst) begin
      offering <= sending && !({took});
      if ({took}) at <= at + 1;
      if (o_valid && o_ready) number <= number + 1;
      waiting <= o_valid && !o_ready;
      before <= o_payload;
      if (fault == 0 && now != 0) begin
        fault <= now;
        fault_beat <= number;
        fault_got <= o_payload;
      end
    end
  end
  {manifest["top"]} dut ({", ".join(ports)});
endmodule
"""
