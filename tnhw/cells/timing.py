"""Static timing of a mapped netlist, an estimate: no layout, the same wire to every pin, an ideal clock.

One pass from registers and ports to registers and ports gives every net a load, and a slew and a latest arrival for
its rising and its falling edge. Latches hold parameters that do not change, so no path starts or ends there.
"""

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from ..errors import InputError

__all__ = ["Timing", "analyse", "mean", "wire_capacitance"]

INPUT_SLEW = 0.05  # ns
CLOCK_SLEW = 0.05  # ns


def wire_capacitance(library, choice):
    """Assumed capacitance of the wire to one pin in pF: twice that of an input of the smallest NAND gate."""
    cell = library.cell(choice.unit[0])
    return 2 * float(np.mean([cell.pins[pin].capacitance for pin in cell.inputs]))


def mean(values):
    """Mean of a list of float, the same as NumPy's to the last bit, but faster for up to 7 values."""
    if len(values) >= 8:  # NumPy adds these in another order
        return float(np.mean(values))
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@dataclass(frozen=True)
class Timing:
    """The result of static timing.

    Parameters
    ----------
    loads : dict of net to float
        Load in pF.
    slews : dict of net to (float, float)
        Slews of the rising and the falling edge in ns.
    delays : dict of (instance, pin) to (float, float)
        Delays of rise and fall of an output in ns, means over its arcs.
    arcs : dict of (instance, pin) to dict of str to (float, float)
        The same from each input pin of a gate, at the slew of that pin; tables for several conditions count as
        their mean. Simulation uses these.
    period : float
        Shortest clock period in ns.
    path : list of str
        Names of the cells on the longest path, the last cell first.
    """

    loads: dict
    slews: dict
    delays: dict
    arcs: dict
    period: float
    path: list


def clock_nets(mapped):
    """Nets that carry the clock: that of the port ``clk``, and those that clock gates drive from it."""
    library, found = mapped.library, set()
    waiting = list(mapped.ports.get("clk", ("input", []))[1])
    readers = {}
    for instance, (name, nets) in mapped.cells.items():
        for pin in library.cell(name).inputs:
            readers.setdefault(nets.get(pin), []).append((instance, pin))
    while waiting:
        net = waiting.pop()
        if net in found:
            continue
        found.add(net)
        for instance, pin in readers.get(net, []):
            name, nets = mapped.cells[instance]
            cell = library.cell(name)
            # A clock gate may consist of a latch and an AND gate, so plain gates pass the clock on.
            plain = not cell.sequential and not cell.gate
            if plain or (cell.gate and cell.pins[pin].role == "clock"):
                waiting += [nets[out] for out in cell.outputs]
    return found


def analyse(mapped: Any, wire: float) -> Timing:
    """Static timing of a netlist.

    Parameters
    ----------
    mapped : Mapped
    wire : float
        Capacitance of the wire to each pin in pF.

    Returns
    -------
    Timing

    Raises
    ------
    InputError
        If there is a loop of gates without a register.
    """
    run = _Run(mapped, _loads(mapped, wire))
    run.start()
    for instance in _in_order(mapped):
        run.gate(instance)
    period, end = run.slowest()
    path: list[str] = []
    while end in run.came and len(path) < 1000:
        instance, end = run.came[end]
        path.append(mapped.cells[instance][0])
    return Timing(run.loads, run.slews, run.delays, run.arcs, period, path)


def _loads(mapped, wire):
    """Load of each net in pF: the pins that it drives and the wires to them, and the wire to an output port."""
    loads = {}
    for name, nets in mapped.cells.values():
        cell = mapped.library.cell(name)
        for pin in cell.inputs:
            net = nets.get(pin)
            loads[net] = loads.get(net, 0.0) + cell.pins[pin].capacitance + wire
    for net in _nets_of_ports(mapped, "output"):
        loads[net] = loads.get(net, 0.0) + wire
    return loads


def _nets_of_ports(mapped, direction):
    return [net for way, nets in mapped.ports.values() if way == direction for net in nets]


def _in_order(mapped):
    """Combinational gates, each after those that drive its inputs, without clock gates."""
    gates = {}
    for instance, (name, nets) in mapped.cells.items():
        cell = mapped.library.cell(name)
        if not (cell.sequential or cell.gate):
            gates[instance] = cell, nets
    drivers = {
        nets[pin]: instance
        for instance, (cell, nets) in gates.items()
        for pin in cell.outputs
        if pin in nets
    }
    graph = {
        instance: {drivers[net] for net in map(nets.get, cell.inputs) if net in drivers}
        for instance, (cell, nets) in gates.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        loop = ", ".join(error.args[1])
        raise InputError(
            f"the netlist has a loop without a register, through the cells {loop}; such a loop has no "
            "timing: put a register into it"
        ) from None


class _Run:
    """One pass over a netlist. Pairs are (rise, fall); nets that never change have none.

    Attributes
    ----------
    arrival, slews : dict of net to (float, float)
        Latest arrival and slew in ns.
    came : dict of net to (instance, net)
        The cell and its input net from which the latest arrival comes; None as the net at a register.
    delays, arcs
        See `Timing`.
    """

    def __init__(self, mapped, loads):
        self.mapped, self.loads = mapped, loads
        self.clocks = clock_nets(mapped)
        self.arrival, self.slews, self.came = {}, {}, {}
        self.delays, self.arcs = {}, {}

    def start(self):
        """Set the start of all paths: input ports, clocks, and outputs of registers, latches and clock gates."""
        for net in _nets_of_ports(self.mapped, "input"):
            self.arrival[net], self.slews[net] = (0.0, 0.0), (INPUT_SLEW, INPUT_SLEW)
        for net in self.clocks:
            self.slews[net] = (CLOCK_SLEW, CLOCK_SLEW)
        for instance, (name, nets) in self.mapped.cells.items():
            cell = self.mapped.library.cell(name)
            if not (cell.sequential or cell.gate):
                continue
            for pin in cell.outputs:
                net = nets.get(pin)
                if net in self.clocks or net is None:
                    continue
                arcs = [a for a in cell.pins[pin].arcs if "edge" in (a.kind or "edge")]
                rise, fall, slew = _through(arcs, CLOCK_SLEW, CLOCK_SLEW, self.loads.get(net, 0.0))
                self.delays[instance, pin] = (mean(rise), mean(fall))
                self.slews[net] = slew
                if cell.sequential and cell.sequential["kind"] == "ff":
                    self.arrival[net] = (max(rise), max(fall))
                    self.came[net] = (instance, None)

    def gate(self, instance):
        """Propagate arrivals and slews from the inputs of a gate to its outputs."""
        name, nets = self.mapped.cells[instance]
        cell = self.mapped.library.cell(name)
        for pin in cell.outputs:
            net = nets.get(pin)
            if net is not None and net not in self.clocks:
                self._output(instance, cell, pin, nets)

    def _output(self, instance, cell, pin, nets):
        out = nets[pin]
        load = self.loads.get(out, 0.0)
        edges, seen, latest, source = {}, [0.0, 0.0], [None, None], None
        for arc in cell.pins[pin].arcs:
            net = nets.get(arc.related)
            if net not in self.slews:
                continue
            at = self.arrival.get(net)
            for edge, cause, table, slew_table in _edges(arc):
                slew = self.slews[net][cause]
                delay = table.at(slew, load)
                edges.setdefault(arc.related, ([], []))[edge].append(delay)
                if slew_table:
                    seen[edge] = max(seen[edge], slew_table.at(slew, load))
                if at is not None and (latest[edge] is None or at[cause] + delay > latest[edge]):
                    latest[edge] = at[cause] + delay
                    if latest[edge] >= max(value or 0 for value in latest):
                        source = net
        if not edges:
            return
        self.arcs[instance, pin] = {
            related: tuple(mean(times or others) for times, others in (pair, pair[::-1]))
            for related, pair in edges.items()
        }
        both = zip(*edges.values(), strict=True)
        self.delays[instance, pin] = tuple(
            mean([time for times in lists for time in times] or [0.0]) for lists in both
        )
        self.slews[out] = tuple(slew or INPUT_SLEW for slew in seen)
        if latest[0] is not None or latest[1] is not None:
            self.arrival[out] = tuple(value or 0.0 for value in latest)
            self.came[out] = (instance, source)

    def slowest(self):
        """Shortest period in ns, and the net at which the longest path ends (None if there is no path)."""
        period, end = 0.0, None
        for name, nets in self.mapped.cells.values():
            cell = self.mapped.library.cell(name)
            if not (cell.gate or (cell.sequential and cell.sequential["kind"] == "ff")):
                continue
            for pin in cell.inputs:
                net = nets.get(pin)
                if net in self.arrival and cell.pins[pin].constraints:
                    latest = max(
                        self.arrival[net][edge] + table.at(self.slews[net][edge], CLOCK_SLEW)
                        for arc in cell.pins[pin].constraints
                        for edge, table in enumerate((arc.rise, arc.fall))
                        if table is not None
                    )
                    if latest > period:
                        period, end = latest, net
        for net in _nets_of_ports(self.mapped, "output"):
            if net in self.arrival and max(self.arrival[net]) > period:
                period, end = max(self.arrival[net]), net
        return period, end


def _edges(arc):
    """For an arc: (edge of the output, edge of the input that causes it, table of delay, table of slew)."""
    for edge, (table, slew_table) in enumerate(
        ((arc.rise, arc.rise_slew), (arc.fall, arc.fall_slew))
    ):
        if arc.sense == "positive_unate":
            causes = (edge,)
        elif arc.sense == "negative_unate":
            causes = (1 - edge,)
        else:
            causes = (0, 1)
        for cause in causes:
            yield edge, cause, table, slew_table


def _through(arcs, rise_slew, fall_slew, load):
    """Delays of rise and of fall of all arcs, and the slowest output slews, at the slower of two input slews."""
    slew = max(rise_slew, fall_slew)
    rise = [arc.rise.at(slew, load) for arc in arcs if arc.rise] or [0.0]
    fall = [arc.fall.at(slew, load) for arc in arcs if arc.fall] or [0.0]
    out = [max([arc.rise_slew.at(slew, load) for arc in arcs if arc.rise_slew] or [slew]),
           max([arc.fall_slew.at(slew, load) for arc in arcs if arc.fall_slew] or [slew])]  # fmt: skip
    return rise, fall, tuple(out)
