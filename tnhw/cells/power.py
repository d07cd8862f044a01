"""Power of a mapped netlist, from the changes of its nets and the tables of its library.

Each change of a net costs half of C V^2, where C is the capacitance of the pins that it drives and of their wires.
Each change of a cell's output costs internal energy: from the tables at the slews and the load that there are, as the
mean over conditions, with arcs weighted by the changes of their inputs. So does each change of an input that has
tables of its own. A clock net also drives a tree of buffers, one for every :data:`FAN_OUT` sinks in each level, which
switch with it. The leakage of a cell is its mean over all states.
"""

from dataclasses import asdict, dataclass
from typing import Any

from .roles import choose
from .timing import CLOCK_SLEW, INPUT_SLEW, clock_nets, mean, wire_capacitance

__all__ = ["FAN_OUT", "Energy", "energy"]

FAN_OUT = 16  # sinks of each buffer in a clock tree


@dataclass(frozen=True)
class Energy:
    """Energy for one clock cycle in pJ, by cause, and leakage in uW.

    Parameters
    ----------
    combinational
        Gates and the nets that they drive.
    sequential
        Registers and latches without their clock pins, the nets that they drive, and nets of input ports.
    clock
        Clock nets, their tree, clock gates, and clock pins.
    leakage
        Leakage of all cells in uW.
    """

    combinational: float
    sequential: float
    clock: float
    leakage: float

    @property
    def dynamic(self):
        """Energy for one clock cycle without leakage, in pJ."""
        return self.combinational + self.sequential + self.clock

    def power(self, frequency):
        """Power in uW at a frequency in MHz: dict by cause, with `total`."""
        parts = {
            key: value * frequency for key, value in asdict(self).items() if key != "leakage"
        } | {"leakage": self.leakage}
        return parts | {"total": sum(parts.values())}


def energy(mapped: Any, timing: Any, changes: Any) -> Energy:
    """Energy of a netlist for one clock cycle, as the mean over the cycles of `changes`.

    Parameters
    ----------
    mapped : Mapped
    timing : Timing
        Gives loads and slews.
    changes : Changes
        Gives the changes of every net.
    """
    library = mapped.library
    clocks = clock_nets(mapped)
    volts = library.voltage**2
    parts = {"combinational": 0.0, "sequential": 0.0, "clock": 0.0}
    leakage = 0.0
    for name, nets in mapped.cells.values():
        cell = library.cell(name)
        leakage += cell.leakage
        kind = "sequential" if cell.sequential else "combinational"
        if cell.gate:
            kind = "clock"
        for pin in cell.outputs:
            net = nets.get(pin)
            rises, falls = changes.rises.get(net, 0), changes.falls.get(net, 0)
            into = "clock" if net in clocks else kind
            load = timing.loads.get(net, 0.0)
            parts[into] += (rises + falls) / 2 * load * volts
            parts[into] += _internal(cell, pin, nets, timing, changes, load, rises, falls)
        for pin in cell.inputs:
            net = nets.get(pin)
            own = [arc for arc in cell.pins[pin].powers if arc.related in (None, pin)]
            if own:
                into = "clock" if net in clocks else kind
                slew = timing.slews.get(net, (INPUT_SLEW, INPUT_SLEW))
                up = _mean(arc.rise.at(slew[0], 0.0) for arc in own if arc.rise)
                down = _mean(arc.fall.at(slew[1], 0.0) for arc in own if arc.fall)
                parts[into] += changes.rises.get(net, 0) * up + changes.falls.get(net, 0) * down
    for net in clocks:
        count = changes.rises.get(net, 0) + changes.falls.get(net, 0)
        sinks = sum(net in nets.values() for _, nets in mapped.cells.values())
        parts["clock"] += count / 2 * _tree(library, sinks)
        if net in mapped.ports.get("clk", ("", []))[1]:
            parts["clock"] += count / 2 * timing.loads.get(net, 0.0) * volts
    for direction, bits in mapped.ports.values():
        if direction == "input":
            for net in bits:
                if net not in clocks:
                    count = changes.rises.get(net, 0) + changes.falls.get(net, 0)
                    parts["sequential"] += count / 2 * timing.loads.get(net, 0.0) * volts
    per_cycle = {key: float(value) / changes.cycles for key, value in parts.items()}
    return Energy(**per_cycle, leakage=1e6 * leakage)


def _mean(values):
    values = list(values)
    return mean(values) if values else 0.0


def _internal(cell, pin, nets, timing, changes, load, rises, falls):
    """Internal energy in pJ of the changes of an output."""
    groups = {}
    for arc in cell.pins[pin].powers:
        groups.setdefault(arc.related, []).append(arc)
    total_up, total_down, weights = 0.0, 0.0, 0.0
    for related, arcs in groups.items():
        up, down = [], []
        weight = 1e-9
        for one in (related or "").split():
            net = nets.get(one)
            weight += changes.rises.get(net, 0) + changes.falls.get(net, 0)
            slew = timing.slews.get(net, (CLOCK_SLEW, CLOCK_SLEW))
            up += [arc.rise.at(max(slew), load) for arc in arcs if arc.rise]
            down += [arc.fall.at(max(slew), load) for arc in arcs if arc.fall]
        total_up += weight * _mean(up)
        total_down += weight * _mean(down)
        weights += weight
    if not weights:
        return 0.0
    return rises * (total_up / weights) + falls * (total_down / weights)


def _tree(library, sinks):
    """Energy in pJ of a rise and a fall of all buffers in a clock tree for `sinks` pins."""
    choice = choose(library)
    cell = library.cell(choice.buffer)
    wire, volts = wire_capacitance(library, choice), library.voltage**2
    total, width = 0.0, sinks
    while width > 1:
        width = -(-width // FAN_OUT)
        pin = cell.pins[cell.inputs[0]]
        load = FAN_OUT * (pin.capacitance + wire)
        powers = cell.pins[cell.outputs[0]].powers
        inside = _mean(arc.rise.at(CLOCK_SLEW, load) for arc in powers if arc.rise)
        inside += _mean(arc.fall.at(CLOCK_SLEW, load) for arc in powers if arc.fall)
        total += width * (inside + (pin.capacitance + wire) * volts)
    return total
