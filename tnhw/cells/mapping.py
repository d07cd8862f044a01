"""Synthesis for a library of standard cells, with its adders, latches and clock gates; area by kind."""

import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import tools
from ..errors import ToolFailed
from ..gates.summing.primitives import MODULES, shared_modules
from ..verilog import emit
from .liberty import Library
from .roles import choose
from .timing import clock_nets

__all__ = ["Mapped", "synthesise"]

# Modules that synthesis keeps whole. Clock gates have no behaviour here, as their cells are inserted last.
_BOXES = """\
(* blackbox *) module tnhw_fa(input a, b, c, output s, co); endmodule
(* blackbox *) module tnhw_ha(input a, b, output s, co); endmodule
(* blackbox *) module tnhw_icg(input clk, en, output gclk); endmodule
(* blackbox *) module tnhw_hold(clk, en, d, q);
  parameter WIDTH = 1;
  parameter LATCH = 0;
  parameter INIT = 0;
  parameter HAS_INIT = 0;
  input clk, en;
  input [WIDTH-1:0] d;
  output [WIDTH-1:0] q;
endmodule
"""

_HOLD_PORTS = r"""
module tnhw_hold(clk, en, d, q);
  parameter WIDTH = 1;
  parameter LATCH = 0;
  parameter INIT = 0;
  parameter HAS_INIT = 0;
  input clk, en;
  input [WIDTH-1:0] d;
  output [WIDTH-1:0] q;
"""

_HOLD = (
    _HOLD_PORTS
    + r"""
  parameter _TECHMAP_CONSTMSK_en_ = 0;
  parameter _TECHMAP_CONSTVAL_en_ = 0;
  wire gclk;
  generate
    if (_TECHMAP_CONSTMSK_en_ && _TECHMAP_CONSTVAL_en_) assign gclk = clk;
    else tnhw_icg gate(.clk(clk), .en(en), .gclk(gclk));
    if (LATCH) \$dlatch #(.WIDTH(WIDTH), .EN_POLARITY(1)) bits(.EN(gclk), .D(d), .Q(q));
    else \$dff #(.WIDTH(WIDTH), .CLK_POLARITY(1)) bits(.CLK(gclk), .D(d), .Q(q));
  endgenerate
endmodule
"""
)

# For a library with neither clock gates nor latches: multiplexers before the flip-flops.
_ENABLED = (
    _HOLD_PORTS
    + r"""
  \$dffe #(.WIDTH(WIDTH), .CLK_POLARITY(1), .EN_POLARITY(1)) bits(.CLK(clk), .EN(en), .D(d), .Q(q));
endmodule
"""
)

# Ripple carry, the smallest adder, because everything is mapped for area.
_RIPPLE = r"""
(* techmap_celltype = "$lcu" *)
module ripple(P, G, CI, CO);
  parameter WIDTH = 1;
  input [WIDTH-1:0] P, G;
  input CI;
  output [WIDTH-1:0] CO;
  wire [WIDTH:0] c = {CO, CI};
  assign CO = G | (P & c[WIDTH-1:0]);
endmodule
"""

# The same mapper runs after three ways to optimise the logic, and the smallest result is taken. The first is best for
# few wide gates, the second for chains, the third for Booth rows. `&nf` and `map -a` were never best.
_ABC = (
    "strash; ifraig; scorr; dc2; strash; dch -f; amap -m; topo",
    "strash; ifraig; dch -f; amap -m; topo",
    "strash; ifraig; &get -n; &st; &synch2; &put; dch -f; amap -m; topo",
)
FAN_OUT = (
    32  # pins that a gate or a register drives without a buffer; ABC's own buffering costs 3 %
)

_SIZES = "; buffer -c; topo; upsize -D {D}; dnsize -D {D}"


@dataclass(frozen=True)
class Mapped:
    """A netlist of library cells.

    Parameters
    ----------
    library : Library
    top : str
    cells : dict of str to (str, dict)
        For each instance, the name of its cell and the net at each pin. Nets are integers, or "0", "1", "x".
    ports : dict of str to (str, list)
        For each port, its direction and its nets, the lowest bit first.
    """

    library: object = field(repr=False)
    top: str
    cells: dict = field(repr=False)
    ports: dict = field(repr=False)

    def area(self):
        """Area in um2: `combinational`, `sequential` (flip-flops, latches, clock gates), `total`."""
        parts = {"combinational": 0.0, "sequential": 0.0}
        for name, _ in self.cells.values():
            cell = self.library.cell(name)
            parts["sequential" if cell.sequential or cell.gate else "combinational"] += cell.area
        return {key: round(value, 3) for key, value in parts.items()} | {
            "total": round(sum(parts.values()), 3)
        }

    def verilog(self):
        """The netlist as Verilog; each bit of a port is a port, for example ``i_payload_3``."""
        wires = [
            (f"{port}_{k}" if len(bits) > 1 else port, direction, net)
            for port, (direction, bits) in self.ports.items()
            for k, net in enumerate(bits)
        ]
        nets = {net for _, nets in self.cells.values() for net in nets.values()}
        lines = [f"module {self.top}({', '.join(name for name, _, _ in wires)});"]
        lines += [f"  {direction} {name};" for name, direction, _ in wires]
        lines += [f"  wire n{net};" for net in sorted(n for n in nets if isinstance(n, int))]
        for name, direction, net in wires:
            pair = (f"n{net}", name) if direction == "input" else (name, _net(net))
            lines.append(f"  assign {pair[0]} = {pair[1]};")
        for number, (cell, nets) in enumerate(self.cells.values()):
            pins = ", ".join(f".{pin}({_net(net)})" for pin, net in sorted(nets.items()))
            lines.append(f"  {cell} u{number}({pins});")
        return "\n".join([*lines, "endmodule", ""])

    def counts(self):
        """Number of instances of each cell, by name."""
        found = {}
        for name, _ in self.cells.values():
            found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items()))


def _net(net):
    return f"1'b{net}" if isinstance(net, str) else f"n{net}"


def _maps(choice):
    """Text for techmap that makes adders of the library's cells, or of logic if it has none."""
    text = []
    for module, made, pins in (("tnhw_fa", choice.full, "a b c s co"),
                               ("tnhw_ha", choice.half, "a b s co")):  # fmt: skip
        if made is None:
            text.append(MODULES[module])
            continue
        names = pins.split()
        wires = ", ".join(f".{pin}({net})" for pin, net in zip(made[1:], names, strict=True))
        ports = f"input {', '.join(names[:-2])}, output s, co"
        text.append(f"module {module}({ports});\n  {made[0]} adder({wires});\nendmodule\n")
    return "".join(text)


def _gates(choice):
    text = []
    if choice.latch is not None:
        name, enable, data, output = choice.latch
        text.append(
            f'(* techmap_celltype = "$_DLATCH_P_" *)\nmodule latch(input E, D, output Q);\n'
            f"  {name} bit_(.{enable}(E), .{data}(D), .{output}(Q));\nendmodule\n"
        )
    if choice.gate is not None:
        name, clock, enable, output, tied = choice.gate
        low = "".join(f", .{pin}(1'b0)" for pin in tied)
        text.append(
            f"module tnhw_icg(input clk, en, output gclk);\n"
            f"  {name} gate(.{clock}(clk), .{enable}(en), .{output}(gclk){low});\nendmodule\n"
        )
    return "".join(text)


def _subset(library, names):
    """Liberty text with only some of the cells."""
    return library.head + "\n".join(library.source(name) for name in names) + "\n}\n"


def synthesise(source: Any, library: Library, *, name: str, period: float | None = None) -> Mapped:
    """Map a component, or Verilog, to cells of a library.

    Everything is mapped for area; without `period` no gate is made stronger for speed.

    Parameters
    ----------
    source : Component or str
        A component of Amaranth, or the text that :func:`tnhw.verilog.emit` makes of one.
    library : Library
    name : str
        Name of the top module.
    period : float, optional
        Clock period in ns for which buffers are inserted and drive strengths chosen.

    Returns
    -------
    Mapped

    Raises
    ------
    InputError
        If the library lacks cells that every netlist needs; see `tnhw.cells.roles.choose`.
    ToolFailed
        If Yosys fails, or leaves a cell that the library does not have.
    """
    text = source if isinstance(source, str) else emit(source, name)
    text = shared_modules(text)
    choice = choose(library)
    gates = _gates(choice)
    hold = _HOLD if choice.latch else _HOLD.replace("if (LATCH)", "if (0)")
    if not (choice.latch or choice.gate):
        hold = _ENABLED
    sizes = _SIZES.replace("{D}", str(round(1000 * period))) if period else ""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        files = {
            "design.v": text, "boxes.v": _BOXES, "hold.v": hold, "ripple.v": _RIPPLE,
            "adders.v": _maps(choice), "gates.v": gates or "\n",
            "cells.lib": _subset(library, choice.logic),
        }  # fmt: skip
        for number, commands in enumerate(_ABC):
            files[f"area{number}.abc"] = (commands + sizes).replace("; ", "\n") + "\n"
        for file, content in files.items():
            (place / file).write_text(content)
        script = [
            "read_verilog -sv boxes.v",
            "read_verilog -sv design.v",
            f"hierarchy -check -top {name}",
            "proc", "flatten", "setattr -unset init w:*", "opt_expr", "opt_clean", "opt -full", "wreduce", "peepopt",
            "opt_clean", "alumacc", "opt", "techmap -map hold.v", "opt",
            "techmap -map ripple.v -map +/techmap.v", "opt -full",
            "simplemap", "opt_dff -simple-dffe", "opt",
            "dfflegalize -cell $_DFF_P_ x -cell $_DLATCH_P_ x",
            "opt",
        ]  # fmt: skip
        if choice.gate is None and choice.latch:
            (place / "gate.v").write_text(_GATE)
            script += ["techmap -map gate.v", "simplemap", "opt_clean"]
        if choice.full is None:
            script += ["techmap -map adders.v", "techmap", "opt"]
        if gates:
            script += ["techmap -map gates.v"]
        script += ["dfflibmap -liberty cells.lib", "opt_clean", "design -save before"]
        for number in range(len(_ABC)):
            abc = f"abc -liberty cells.lib -script area{number}.abc"
            script += ["design -load before", abc, "opt_clean -purge"]
            if choice.full is not None:
                script += ["techmap -map adders.v"] + ["techmap", abc] * (choice.half is None)
            script += [
                "splitnets", "opt_clean -purge", "check",
                f"write_json netlist{number}.json",
            ]  # fmt: skip
        script.append("")
        tools.yosys("\n".join(script), cwd=folder, timeout=1800, portable=True)
        found = [_read(library, name, place / f"netlist{number}") for number in range(len(_ABC))]
    return _buffered(min(found, key=lambda mapped: mapped.area()["total"]), choice)


def _buffered(mapped, choice):
    """The netlist with a tree of buffers at every net, except clocks, that drives more than `FAN_OUT` pins."""
    library, cells = mapped.library, dict(mapped.cells)
    clocks = clock_nets(mapped)
    sinks = {}
    for instance, (name, nets) in cells.items():
        for pin in library.cell(name).inputs:
            sinks.setdefault(nets.get(pin), []).append((instance, pin))
    numbers = [net for _, nets in cells.values() for net in nets.values() if isinstance(net, int)]
    fresh = max(numbers, default=0) + 1
    buffer = library.cell(choice.buffer)
    for net, pins in sorted(sinks.items(), key=lambda item: str(item[0])):
        if isinstance(net, str) or net in clocks or net is None:
            continue
        while len(pins) > FAN_OUT:
            above = []
            for k in range(0, len(pins), FAN_OUT):
                for instance, pin in pins[k : k + FAN_OUT]:
                    name, nets = cells[instance]
                    cells[instance] = (name, nets | {pin: fresh})
                instance = f"buffer{fresh}"
                cells[instance] = (
                    choice.buffer,
                    {buffer.inputs[0]: net, buffer.outputs[0]: fresh},
                )
                above.append((instance, buffer.inputs[0]))
                fresh += 1
            pins = above
    return replace(mapped, cells=dict(sorted(cells.items())))


def _read(library, name, path):
    record = json.loads(path.with_suffix(".json").read_text())["modules"][name]
    cells, known = {}, set(library.names)
    for instance, cell in sorted(record["cells"].items()):
        if cell["type"] not in known:
            raise ToolFailed(
                f"{name}: Yosys left a `{cell['type']}`, which is not a cell of {library.name}"
            )
        nets = {pin: bits[0] for pin, bits in cell["connections"].items()}
        cells[instance] = (cell["type"], nets)
    ports = {port: (p["direction"], p["bits"]) for port, p in record["ports"].items()}
    return Mapped(library, name, cells, ports)


# For a library without clock gates: a latch that is transparent while the clock is low, and an AND gate.
_GATE = r"""
module tnhw_icg(input clk, en, output gclk);
  wire held;
  \$_DLATCH_P_ latch(.E(~clk), .D(en), .Q(held));
  assign gclk = clk & held;
endmodule
"""
