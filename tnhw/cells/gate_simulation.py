"""Gate-level simulation of a mapped netlist in Icarus Verilog, which counts the changes of every net.

Delays are those of static timing, for each arc from an input pin to an output, with the load that the output has.
:mod:`tnhw.cells.gate_models` describes the three models of glitches.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .. import tools
from ..errors import ToolFailed
from .gate_models import MODELS, net_name, netlist
from .timing import clock_nets

__all__ = ["MODELS", "Changes", "simulate"]


@dataclass(frozen=True)
class Changes:
    """What a simulation found.

    Parameters
    ----------
    rises, falls : dict of net to int
        How often each net rose and fell in the counted cycles.
    cycles : int
        Number of cycles that were counted.
    outputs : list of dict
        For each cycle from the first on, the values of the output ports just before the clock edge, unsigned;
        None for a value with unknown bits.
    """

    rises: dict
    falls: dict
    cycles: int
    outputs: list


_BENCH = """
module bench;
  reg clk = 0;
  reg [{i}:0] rows [0:{last}];
  reg [{i}:0] in;
  wire [{o}:0] out;
  integer k;
  netlist dut(.clk(clk), .in(in), .out(out));
  initial begin
    $readmemb("rows.bin", rows);
    $dumpfile("changes.vcd"); $dumpvars(1, dut); $dumpoff;
    in = rows[0];
    for (k = 0; k <= {last}; k = k + 1) begin
      #1 if (k == {first}) $dumpon;
      if (k == {end_}) $dumpoff;
      #{low} $display("out %b", out); clk = 1;
      in <= #{hold} rows[k == {last} ? k : k + 1];
      #{high} clk = 0;
    end
    $finish;
  end
endmodule
"""


def simulate(mapped, timing, rows, *, model="inertial", period=None, warm_up=4, last=None):
    """Run a netlist with one row of inputs in each cycle.

    Parameters
    ----------
    mapped : Mapped
    timing : Timing
    rows : list of dict of str to int
        For each cycle the unsigned values of all inputs but the clock; they change just after the clock edge.
    model : str
        One of `MODELS`.
    period : float, optional
        In ns; by default 1.5 times the shortest.
    warm_up : int
        Number of cycles at the start that are not counted.
    last : int, optional
        First cycle that is not counted any more; by default all are counted to the end.

    Returns
    -------
    Changes

    Raises
    ------
    ToolFailed
        If Icarus Verilog fails or writes no changes.
    """
    clocks = clock_nets(mapped)
    ins = {n: bits for n, (d, bits) in mapped.ports.items() if d == "input" and n != "clk"}
    outs = {n: bits for n, (d, bits) in mapped.ports.items() if d == "output"}
    given = [net for bits in ins.values() for net in bits]
    shown = [net for bits in outs.values() for net in bits]
    nets = {net for _, cell in mapped.cells.values() for net in cell.values()}
    clock = mapped.ports.get("clk", ("input", []))[1]
    nets = sorted(n for n in nets | set(shown) if not isinstance(n, str))
    lines = ["`timescale 1ps/1ps", "module netlist(input clk, "
             f"input [{max(0, len(given) - 1)}:0] in, output [{max(0, len(shown) - 1)}:0] out);"]  # fmt: skip
    lines += [f"wire n{net};" for net in sorted(set(nets) | set(given) | set(clock))]
    lines += [f"assign n{net} = in[{k}];" for k, net in enumerate(given)]
    lines += [f"assign n{net} = clk;" for net in clock]
    lines += [f"assign out[{k}] = {net_name(net)};" for k, net in enumerate(shown)]
    inside, modules = netlist(mapped, timing, model, clocks)
    lines += [*inside, "endmodule", *modules]
    total = max(200, round(1000 * (period or 1.5 * timing.period)))
    bench = _BENCH.format(
        i=max(0, len(given) - 1), o=max(0, len(shown) - 1), last=len(rows) - 1, first=warm_up, end_=last or len(rows),
        low=total // 2 - 1, high=total - total // 2, hold=0 if model == "zero" else 1,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "netlist.v").write_text("\n".join(lines) + "\n" + bench)
        (folder / "rows.bin").write_text(
            "".join(_row(row, ins) + "\n" for row in rows) if given else "0\n" * len(rows)
        )
        tools.run(
            "iverilog",
            ["-g2012", "-gspecify", "-o", "b.vvp", "-s", "bench", "netlist.v"],
            cwd=folder,
            timeout=3600,
        )
        done = tools.run("vvp", ["-n", "b.vvp"], cwd=folder, timeout=3600)
        names, counts = {}, Counter()
        with (folder / "changes.vcd").open("rb") as file:
            for line in file:
                if line.startswith(b"$var"):
                    _, _, _, code, label, *_ = line.split()
                    if label.startswith(b"n"):
                        names[code] = int(label[1:])
                if line.startswith(b"$enddefinitions"):
                    break
            else:
                raise ToolFailed("Icarus Verilog wrote no changes")
            _count(file, counts)
    rises = {net: counts[b"1" + code + b"\n"] for code, net in names.items()}
    falls = {net: counts[b"0" + code + b"\n"] for code, net in names.items()}
    outputs = []
    for line in done.stdout.splitlines():
        if line.startswith("out "):
            outputs.append(_values(line[4:], outs))
    return Changes(rises, falls, (last or len(rows)) - warm_up, outputs)


def _count(file, counts):
    """Count the changes between ``$dumpon`` and ``$dumpoff`` of a VCD, by their lines."""
    # A net that changes forth and back within a time step has a line too, which must not count.
    for line in file:
        if line.startswith(b"$dumpon"):
            break
    known = {}
    for line in file:  # the values when counting starts
        if line.startswith(b"$end"):
            break
        known[line[1:]] = line[0]
    for line in file:
        code, value = line[1:], line[0]
        if code in known:
            if known[code] != value:
                known[code] = value
                counts[line] += 1
        elif line.startswith(b"$dumpoff"):
            break


def _row(row, ports):
    """The bits of a row as text, the highest first."""
    text = ""
    for port, bits in ports.items():
        text = format(int(row[port]) & ((1 << len(bits)) - 1), f"0{len(bits)}b") + text
    return text


def _values(text, ports):
    found, end = {}, len(text)
    for port, bits in ports.items():
        part = text[end - len(bits) : end]
        found[port] = int(part, 2) if set(part) <= {"0", "1"} else None
        end -= len(bits)
    return found
