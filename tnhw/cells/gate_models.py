"""A mapped netlist as Verilog with delays, for :mod:`tnhw.cells.gate_simulation`.

A gate has a delay for each arc from an input pin to an output: one for the rising and one for the falling output.
There are three models of glitches:

``zero``
    No delays, and so no glitches: a net changes at most once in a cycle.
``inertial``
    When the value of a gate's function changes, the output follows after the delay of the arc of the input that
    changed (the shortest if several change at once). It then takes the value that the function has by that time, so
    a pulse shorter than the delay of its first edge is lost. These are the path delays of Verilog's ``specify``
    blocks, as Icarus Verilog implements them.
``transport``
    Every pulse arrives. Each arc delays its input by the mean of rise and fall, so that no edge overtakes
    another.

The clock is ideal: clock gates have no delay. An output of a flip-flop or latch has one delay for its rise and one
for its fall.
"""

from .boolean import verilog

__all__ = ["MODELS", "net_name", "netlist"]

MODELS = ("zero", "inertial", "transport")


def net_name(net):
    """Verilog of a net: the name of its wire (of an integer), a constant ("0", "1", "x"), or the name itself."""
    if isinstance(net, int):
        return f"n{net}"
    return f"1'b{net}" if len(net) == 1 else net


def _expression(function, nets):
    """Verilog of a Liberty function, with the nets that are connected to the pins."""
    return _renamed(function, {pin: net_name(net) for pin, net in nets.items()})


def _renamed(function, names):
    """Verilog of a Liberty function with other names for its variables."""
    text = verilog(function)
    out, word = [], ""
    for letter in text + " ":
        if letter.isalnum() or letter == "_":
            word += letter
            continue
        if word:
            out.append(names.get(word, word))
            word = ""
        out.append(letter)
    # A constant 1'b0 is split at its apostrophe; joining the pieces restores it.
    return "".join(out).strip()


def netlist(mapped, timing, model, clocks):
    """Verilog of every cell.

    Parameters
    ----------
    mapped : Mapped
    timing : Timing
    model : str
        One of `MODELS`.
    clocks : set of net
        Nets of the clock; gates that drive them have no delay.

    Returns
    -------
    list of str
        Lines inside the module of the netlist, whose wires are named by :func:`net_name`.
    list of str
        Texts of the modules that these lines use.
    """
    library, lines, modules = mapped.library, [], []
    for instance, (name, nets) in mapped.cells.items():
        cell = library.cell(name)
        outputs = [pin for pin in cell.outputs if pin in nets]
        if cell.gate:
            lines += _clock_gate(cell, nets)
        elif cell.sequential:
            lines += _register(cell, instance, nets, timing, model)
        elif model == "zero" or any(nets[pin] in clocks for pin in outputs):
            for pin in outputs:
                value = _expression(cell.pins[pin].function, nets)
                lines.append(f"assign {net_name(nets[pin])} = {value};")
        else:
            made = _inertial if model == "inertial" else _transport
            module = f"gate_{len(modules)}"
            modules.append(made(module, cell, instance, nets, outputs, timing))
            pins = [pin for pin in cell.inputs if pin in nets] + outputs
            ports = ", ".join(f".{pin}({net_name(nets[pin])})" for pin in pins)
            lines.append(f"{module} u{len(modules) - 1}({ports});")
    return lines, modules


def _clock_gate(cell, nets):
    clock = next(p for p in cell.inputs if cell.pins[p].role == "clock")
    enable = next(p for p in cell.inputs if cell.pins[p].role == "enable")
    out, held = nets[cell.outputs[0]], f"held_{nets[cell.outputs[0]]}"
    yield f"reg {held} = 0; always @* if (!{net_name(nets[clock])}) {held} = {net_name(nets[enable])};"
    yield f"assign {net_name(out)} = {net_name(nets[clock])} & {held};"


# Each gate with delays is a module of its own: Icarus is very slow with many processes in one scope.


def _head(module, cell, nets, outputs):
    ports = [f"input {pin}" for pin in cell.inputs if pin in nets]
    ports += [f"output {pin}" for pin in outputs]
    return f"module {module}({', '.join(ports)});"


def _inertial(module, cell, instance, nets, outputs, timing):
    """The module of a gate with a path delay for each arc."""
    lines = [_head(module, cell, nets, outputs)]
    lines += [f"assign {pin} = {verilog(cell.pins[pin].function)};" for pin in outputs]
    paths = [
        f"({related} => {pin}) = ({_ps(rise)}, {_ps(fall)});"
        for pin in outputs
        for related, (rise, fall) in timing.arcs.get((instance, pin), {}).items()
    ]
    if paths:
        lines += ["specify", *paths, "endspecify"]
    return "\n".join([*lines, "endmodule"])


def _transport(module, cell, instance, nets, outputs, timing):
    """The module of a gate without delay that reads a delayed copy of each input."""
    lines = [_head(module, cell, nets, outputs)]
    for pin in outputs:
        given = {}
        for related, times in timing.arcs.get((instance, pin), {}).items():
            if isinstance(nets[related], str):
                continue
            given[related] = copy = f"{pin}_after_{related}"
            delay = _ps(sum(times) / 2)
            lines.append(f"reg {copy}; always @({related}) {copy} <= #{delay} {related};")
        lines.append(f"assign {pin} = {_renamed(cell.pins[pin].function, given)};")
    return "\n".join([*lines, "endmodule"])


def _ps(time):
    return max(1, round(1000 * time))


def _register(cell, instance, nets, timing, model):
    kind, part = cell.sequential["kind"], cell.sequential
    state = "s" + "".join(letter if letter.isalnum() else "_" for letter in instance)
    yield f"reg {state};"
    if kind == "ff":
        clocked = _expression(part["clocked_on"], nets)
        held = _expression(part["next_state"], nets)
        edges, guards = [f"posedge w{state}"], ""
        yield f"wire w{state} = {clocked};"
        for key, value in (("clear", 0), ("preset", 1)):
            if key in part:
                yield f"wire {key}_{state} = {_expression(part[key], nets)};"
                edges.append(f"posedge {key}_{state}")
                guards += f"if ({key}_{state}) {state} <= {value}; else "
        yield f"always @({' or '.join(edges)}) {guards}{state} <= {held};"
    else:
        yield (
            f"always @* if ({_expression(part['enable'], nets)}) "
            f"{state} = {_expression(part['data_in'], nets)};"
        )
    for pin in cell.outputs:
        if pin not in nets:
            continue
        names = dict(zip(part["state"], (state, f"~{state}"), strict=False))
        value = _renamed(cell.pins[pin].function, names)
        rise, fall = timing.delays.get((instance, pin), (0.0, 0.0))
        delay = "" if model == "zero" else f"#({_ps(rise)}, {_ps(fall)}) "
        yield f"assign {delay}{net_name(nets[pin])} = {value};"
