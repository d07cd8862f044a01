"""The shortest clock period of a mapped netlist by OpenSTA, if it is installed.

OpenSTA gets the same conditions as :mod:`tnhw.cells.timing`: the wire capacitance of each pin, the slews of ports and
clock, an ideal clock, ports that change at the clock edge, and no paths from or to latches, as these hold parameters
that do not change. (By default OpenSTA takes latches as transparent, with time borrowing.) Clock gates need their
enable before the edge.
"""

import re
import tempfile
from pathlib import Path

from .. import tools
from ..errors import ToolFailed
from .timing import CLOCK_SLEW, INPUT_SLEW

__all__ = ["ESTIMATE", "period", "shortest_period", "timer"]

ESTIMATE = "estimate"  # name of the timer without OpenSTA
LONG = 100.0  # ns: clock period for which slack is computed; delays do not depend on it


def timer():
    """Name of the timer that is used: ``OpenSTA`` with its version, or `ESTIMATE`."""
    status = tools.doctor(["sta"])[0]
    return f"OpenSTA {status.found}" if status.status == "ok" else ESTIMATE


def period(mapped, timing, wire):
    """Shortest clock period of a netlist in ns, and the name of the timer that found it.

    Parameters
    ----------
    mapped : Mapped
    timing : Timing
        Gives the period if OpenSTA is missing or fails; the name of the timer then says so.
    wire : float
        Capacitance of the wire to each pin in pF.
    """
    name = timer()
    if name == ESTIMATE:
        return timing.period, name
    try:
        return shortest_period(mapped, wire), name
    except ToolFailed as error:
        return timing.period, f"{ESTIMATE}, for {str(error).splitlines()[0]}"


def _structure(mapped):
    """The netlist as Verilog of instances only, whose ports have the names of their nets.

    Also returns the nets of the inputs except the clock, and those of the outputs that are not inputs.
    """
    ports = {"input": set(), "output": set()}
    for direction, bits in mapped.ports.values():
        ports[direction] |= {net for net in bits if isinstance(net, int)}
    outputs = ports["output"] - ports["input"]
    nets = {net for _, pins in mapped.cells.values() for net in pins.values()}
    nets = sorted(net for net in nets if isinstance(net, int))
    lines = [f"module top({', '.join(f'n{net}' for net in sorted(ports['input'] | outputs))});"]
    lines += [f"input n{net};" for net in sorted(ports["input"])]
    lines += [f"output n{net};" for net in sorted(outputs)]
    lines += [f"wire n{net};" for net in nets if net not in ports["input"] | outputs]
    for number, (name, pins) in enumerate(mapped.cells.values()):
        wires = ", ".join(f".{pin}({_net(net)})" for pin, net in sorted(pins.items()))
        lines.append(f"{name} u{number}({wires});")
    return "\n".join([*lines, "endmodule", ""]), ports["input"] - _clock(mapped), outputs


def _net(net):
    return f"n{net}" if isinstance(net, int) else f"1'b{'1' if net == '1' else '0'}"


def _clock(mapped):
    return set(mapped.ports.get("clk", ("input", []))[1])


def _script(mapped, wire, inputs, outputs):
    """Tcl that prints the worst slack of ``netlist.v`` at a period of `LONG`."""
    library, pins = mapped.library, {}
    for name, nets in mapped.cells.values():
        for pin in library.cell(name).inputs:
            net = nets.get(pin)
            pins[net] = pins.get(net, 0) + 1
    for direction, bits in mapped.ports.values():
        for net in bits if direction == "output" else ():
            pins[net] = pins.get(net, 0) + 1
    unit = library.time_unit
    ins, outs = (" ".join(f"n{net}" for net in sorted(nets)) for nets in (inputs, outputs))
    clock = " ".join(f"n{net}" for net in _clock(mapped))
    lines = [
        "read_liberty cells.lib",
        "read_verilog netlist.v",
        "link_design top",
        f"create_clock -name clk -period {LONG / unit:g} {{{clock}}}",
    ]
    if clock:
        lines.append(f"set_clock_transition {CLOCK_SLEW / unit:g} [get_clocks clk]")
    if inputs:
        lines.append(f"set_input_transition {INPUT_SLEW / unit:g} [get_ports {{{ins}}}]")
        lines.append(f"set_input_delay 0 -clock clk [get_ports {{{ins}}}]")
    if outputs:
        lines.append(f"set_output_delay 0 -clock clk [get_ports {{{outs}}}]")
    if any(_is_latch(library.cell(name)) for name, _ in mapped.cells.values()):
        latches = "[all_registers -level_sensitive -{}_pins]"
        lines.append(f"set_false_path -through {latches.format('output')}")
        lines.append(f"set_false_path -to {latches.format('data')}")
    lines += [
        f"set_load {count * wire / library.cap_unit:.7g} [get_nets n{net}]"
        for net, count in pins.items()
        if isinstance(net, int)
    ]
    return "\n".join([*lines, "report_worst_slack -digits 6", "exit", ""])


def _is_latch(cell):
    return bool(cell.sequential) and cell.sequential["kind"] == "latch"


def shortest_period(mapped, wire):
    """Shortest clock period of a netlist in ns by OpenSTA, with `wire` pF for the wire to each pin.

    Raises
    ------
    ToolMissing
        If OpenSTA is not installed.
    ToolFailed
        If it cannot read the library, or finds no path.
    """
    text, inputs, outputs = _structure(mapped)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "netlist.v").write_text(text)
        (folder / "cells.lib").write_text(mapped.library.text)
        (folder / "script.tcl").write_text(_script(mapped, wire, inputs, outputs))
        arguments = ["-no_init", "-no_splash", "-exit", "script.tcl"]
        done = tools.run("sta", arguments, cwd=folder, timeout=1800)
    said = done.stdout + done.stderr
    found = re.search(r"^worst slack (?:max )?(-?[\d.]+)", done.stdout, re.M)
    if wrong := re.search(r"^Error: .*", said, re.M):
        raise ToolFailed(f"OpenSTA: {wrong[0]}")
    if not found:
        raise ToolFailed("OpenSTA: no path found")
    return LONG - float(found[1]) * mapped.library.time_unit
