"""Static timing of a mapped netlist, an estimate: no layout, one wire capacitance a pin, ideal clock.

Every net gets a load, a slew and a latest arrival for its rising and falling edge, in one pass from
registers and ports to registers and ports. Latches hold parameters that stay, so a path neither starts nor
ends there.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Timing", "analyse", "mean", "wire_capacitance"]

INPUT_SLEW = 0.05  # ns
CLOCK_SLEW = 0.05  # ns


def wire_capacitance(library, choice):
    """Capacitance of the wire to one pin in pF: twice the input of the smallest NAND gate."""
    cell = library.cell(choice.unit[0])
    return 2 * float(np.mean([cell.pins[pin].capacitance for pin in cell.inputs]))


def mean(values):
    """Mean of a list. Of few values NumPy has the same, by the same additions, but much later."""
    if len(values) >= 8:  # where it adds in another order
        return float(np.mean(values))
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@dataclass(frozen=True)
class Timing:
    """What static timing found.

    Parameters
    ----------
    loads : dict of net to float
        In pF.
    slews : dict of net to (float, float)
        Rising and falling, in ns.
    delays : dict of (instance, pin) to (float, float)
        Rise and fall of an output in ns, means over its arcs.
    arcs : dict of (instance, pin) to dict of str to (float, float)
        The same from each input pin of a gate, at its slew and the real load; tables with conditions
        count as their mean: for simulation.
    period : float
        Shortest clock period in ns.
    path : list of str
        Cells of the longest path, the last first.
    """

    loads: dict
    slews: dict
    delays: dict
    arcs: dict
    period: float
    path: list


def clock_nets(mapped):
    """Nets that carry the clock: the port ``clk`` and what clock gates make of it."""
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
            # A clock gate may be made of a latch and an AND gate.
            plain = not cell.sequential and not cell.gate
            if plain or (cell.gate and cell.pins[pin].role == "clock"):
                waiting += [nets[out] for out in cell.outputs]
    return found


def analyse(mapped, wire):
    """Timing of a netlist, with `wire` pF for the wire to each pin."""
    library, cells = mapped.library, mapped.cells
    clocks = clock_nets(mapped)
    loads, sinks = {}, {}
    for instance, (name, nets) in cells.items():
        cell = library.cell(name)
        for pin in cell.inputs:
            net = nets.get(pin)
            loads[net] = loads.get(net, 0.0) + cell.pins[pin].capacitance + wire
            sinks.setdefault(net, []).append((instance, pin))
    for direction, bits in mapped.ports.values():
        if direction == "output":
            for net in bits:
                loads[net] = loads.get(net, 0.0) + wire

    # Arrival of both edges: (rise, fall); what never moves has none.
    arrival, slews, came, delays, by_pin = {}, {}, {}, {}, {}
    waits = {}
    ready = []
    for direction, bits in mapped.ports.values():
        if direction == "input":
            for net in bits:
                arrival[net], slews[net] = (0.0, 0.0), (INPUT_SLEW, INPUT_SLEW)
    for net in clocks:
        slews[net] = (CLOCK_SLEW, CLOCK_SLEW)
    for instance, (name, nets) in cells.items():
        cell = library.cell(name)
        if cell.sequential or cell.gate:
            for pin in cell.outputs:
                net = nets.get(pin)
                if net in clocks or net is None:
                    continue
                arcs = [a for a in cell.pins[pin].arcs if "edge" in (a.kind or "edge")]
                rise, fall, slew = _through(arcs, CLOCK_SLEW, CLOCK_SLEW, loads.get(net, 0.0))
                delays[instance, pin] = (mean(rise), mean(fall))
                slews[net] = slew
                if cell.sequential and cell.sequential["kind"] == "ff":
                    arrival[net], came[net] = (max(rise), max(fall)), (instance, None)
                ready.append(net)
        else:
            waits[instance] = len({nets.get(pin) for pin in cell.inputs})
    done = set()
    ready += [net for d, bits in mapped.ports.values() if d == "input" for net in bits]
    ready += ["0", "1", "x"]
    while ready:
        net = ready.pop()
        if net in done:
            continue
        done.add(net)
        for instance in {i for i, _ in sinks.get(net, [])}:
            if instance not in waits:
                continue
            waits[instance] -= 1
            if waits[instance]:
                continue
            name, nets = cells[instance]
            cell = library.cell(name)
            for pin in cell.outputs:
                out = nets.get(pin)
                if out is None or out in clocks:
                    ready.append(out)
                    continue
                _propagate(cell, instance, pin, nets, loads, arrival, slews, came, delays, by_pin)
                ready.append(out)

    period, end = 0.0, None
    for name, nets in cells.values():
        cell = library.cell(name)
        if not (cell.gate or (cell.sequential and cell.sequential["kind"] == "ff")):
            continue
        for pin in cell.inputs:
            net = nets.get(pin)
            if net in arrival and cell.pins[pin].constraints:
                latest = max(
                    arrival[net][edge] + table.at(slews[net][edge], CLOCK_SLEW)
                    for arc in cell.pins[pin].constraints
                    for edge, table in enumerate((arc.rise, arc.fall))
                    if table is not None
                )
                if latest > period:
                    period, end = latest, net
    for direction, bits in mapped.ports.values():
        if direction == "output":
            for net in bits:
                if net in arrival and max(arrival[net]) > period:
                    period, end = max(arrival[net]), net
    path = []
    while end in came and len(path) < 1000:
        instance, end = came[end]
        path.append(cells[instance][0])
    return Timing(loads, slews, delays, by_pin, period, path)


def _through(arcs, rise_slew, fall_slew, load):
    """Delays of all arcs and the slowest output slews; the input's edge is taken as the slower."""
    slew = max(rise_slew, fall_slew)
    rise = [arc.rise.at(slew, load) for arc in arcs if arc.rise] or [0.0]
    fall = [arc.fall.at(slew, load) for arc in arcs if arc.fall] or [0.0]
    out = [max([arc.rise_slew.at(slew, load) for arc in arcs if arc.rise_slew] or [slew]),
           max([arc.fall_slew.at(slew, load) for arc in arcs if arc.fall_slew] or [slew])]  # fmt: skip
    return rise, fall, tuple(out)


def _propagate(cell, instance, pin, nets, loads, arrival, slews, came, delays, by_pin):
    out = nets[pin]
    load = loads.get(out, 0.0)
    edges, seen, latest, source = {}, [0.0, 0.0], [None, None], None
    for arc in cell.pins[pin].arcs:
        net = nets.get(arc.related)
        if net not in slews:
            continue
        at = arrival.get(net)
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
                delay = table.at(slews[net][cause], load)
                edges.setdefault(arc.related, ([], []))[edge].append(delay)
                if slew_table:
                    seen[edge] = max(seen[edge], slew_table.at(slews[net][cause], load))
                if at is not None and (latest[edge] is None or at[cause] + delay > latest[edge]):
                    latest[edge] = at[cause] + delay
                    if latest[edge] >= max(value or 0 for value in latest):
                        source = net
    if not edges:
        return
    by_pin[instance, pin] = {
        related: tuple(mean(times or others) for times, others in (pair, pair[::-1]))
        for related, pair in edges.items()
    }
    both = zip(*edges.values(), strict=True)
    delays[instance, pin] = tuple(
        mean([time for times in lists for time in times] or [0.0]) for lists in both
    )
    slews[out] = tuple(slew or INPUT_SLEW for slew in seen)
    if latest[0] is not None or latest[1] is not None:
        arrival[out] = tuple(value or 0.0 for value in latest)
        came[out] = (instance, source)
