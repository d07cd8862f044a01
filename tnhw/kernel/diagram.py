"""Picture of a kernel: its data flow with the widths of what is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Signal

from ..gates import Terms
from ..pictures.data_flow import add_column, formula
from ..pictures.svg import Box, Column, Diagram, Edge

if TYPE_CHECKING:
    from .kernel import Kernel

__all__ = ["kernel_diagram"]

SHOWN = 34  # most boxes in a column
REGISTERS = (
    "A small box is a register of so many bits. Green: terms (1 bit: what an inversion lacks); violet: sums; "
    "white: waits."
)


def kernel_diagram(kernel: Kernel) -> Diagram:
    """The data flow of a kernel; for a pipelined tree that of output 0."""
    size = f"{kernel.inputs} inputs, {kernel.outputs} output{'s' * (kernel.outputs > 1)}"
    title = f"{kernel.name}: {kernel.rule} kernel, {kernel.architecture}, {size}"
    subtitle = (
        f"latency {kernel.latency} cycles, a vector every {kernel.interval}; "
        f"parameters: {kernel.storage}, {kernel.synapse.word_bits} bits a synapse"
    )
    columns, edges = [_sources(kernel)], list[Edge]()
    tree = kernel.create("stream").tree
    if tree is None:
        _folded(kernel, columns, edges)
    else:
        _tree(kernel, tree, columns, edges)
    if kernel.output is not None:
        lines = ["requantise", f"{kernel.sum_format} to {kernel.output}"]
        if kernel.shift:
            lines.insert(1, f"{'>>' if kernel.shift > 0 else '<<'} {abs(kernel.shift)}, clamp")
        add_column(columns, edges, Column("", (_outputs(kernel, lines, "round"),), "register"))
    result = (
        _stream(kernel, "o"),
        f"{kernel.outputs} × y {kernel.output_format}",
        f"{kernel.width_o} bits",
    )
    add_column(columns, edges, Column("", (Box(result, "stream"),)))
    if kernel.outputs > 1 and tree is not None:
        subtitle += f"; shown: output 0 of {kernel.outputs}"
    caption = "" if tree is None else REGISTERS
    return Diagram(title, subtitle, tuple(columns), tuple(edges), caption)


def _stream(kernel, port):
    """Heading of the box of a stream: its name, and the prefix of its ports for AXI4-Stream."""
    axi = {"i": "s_axis", "p": "s_axis_param", "o": "m_axis"}
    return f"stream {port}, {axi[port]}" if kernel.interface == "axi-stream" else f"stream {port}"


def _outputs(kernel, lines, kind, **looks):
    """A box for something that exists once for each output."""
    if kernel.outputs > 1:
        lines = [f"{lines[0]}, × {kernel.outputs}", *lines[1:]]
    return Box(tuple(lines), kind, many=kernel.outputs > 1, **looks)


def _sources(kernel):
    """The first column: input streams, and where parameters are stored."""
    beats = f"{kernel.width_i} bits" + (f", {kernel.beats_in} beats" if kernel.beats_in > 1 else "")
    x = f"{kernel.inputs if kernel.beats_in == 1 else 1} × x {kernel.input}"
    fields = ", ".join(f"{name} {field}" for name, field in kernel.synapse.fields.items())
    count = kernel.inputs * kernel.outputs
    if kernel.storage == "ports":
        bias = [f"bias {kernel.port_bias}"] if kernel.port_bias else []
        return Column("", (Box((_stream(kernel, "i"), x, f"p: {fields}", *bias, beats), "stream"),))
    boxes = [Box((_stream(kernel, "i"), x, beats), "stream")]
    held = f"{count:,} × ({fields})"
    if kernel.storage == "memory":
        boxes.append(
            Box((_stream(kernel, "p"), f"{kernel.width_p} bits", "parameter loads"), "stream")
        )
        boxes.append(Box(("parameters", held, f"bias {kernel.sum_format}"), "store"))
    elif kernel.beats_in > 1:
        boxes.append(Box(("ROM", held, f"{count * kernel.synapse.word_bits:,} bits"), "store"))
    return Column("", tuple(boxes))


def _lane_formats(kernel):
    """Bits of the values that are added for one synapse with parameters at run time, as text."""
    synapse = kernel.synapse
    x, word = Signal(synapse.input.shape), synapse.word(Signal(synapse.word_bits, name="p"))
    fold = kernel.storage == "ports" and not kernel.folded
    leaves, _ = Terms(synapse, fold).runtime(x, word, "0_0")
    return " + ".join(str(len(value)) for value, _ in leaves)


def _folded(kernel, columns, edges):
    """Columns for architectures without a pipelined tree: terms, then an accumulator or a combinational sum."""
    term = formula(kernel.synapse)
    if kernel.storage == "constant" and kernel.beats_in == 1:
        lines = ["terms", term, f"{kernel.inputs} a cycle"]
    else:
        lines = ["term", term, f"{_lane_formats(kernel)} bits"]
        if kernel.beats_in == 1:
            lines[0] = f"terms of {kernel.inputs} inputs"
    serial = kernel.beats_in > 1
    add_column(
        columns, edges, Column("", (_outputs(kernel, lines, "term"),), "register" if serial else "")
    )
    if serial:
        lines = ["accumulator", str(kernel.sum_format), f"{kernel.inputs} cycles"]
    else:
        lines = ["sum", str(kernel.sum_format), f"{kernel.arithmetic}, one path"]
    box = _outputs(kernel, lines, "sum", loop=serial)
    add_column(
        columns, edges, Column("", (box,), "register" if serial or kernel.output is None else "")
    )


def _tree(kernel, tree, columns, edges):
    """Columns for a pipelined tree: a box with its bits for each lane and adder, and edges to what it adds."""
    leaves = [(bits, "sum" if static else "term", []) for bits, static in tree.leaf_bits]
    levels = [
        [(bits, "sum" if len(adds) > 1 else "wait", adds) for bits, adds in level]
        for level in tree.nodes
    ]
    places, height = {}, {}  # for a node (level, number): its box, and its rank in the column
    for level, cells in enumerate([leaves, *levels], start=-1):
        order = _order(cells, height)
        height |= {(level, number): place for place, number in enumerate(order)}
        shown = order if len(order) <= SHOWN else [*order[: SHOWN - 4], None, *order[-3:]]
        boxes = tuple(
            Box((f"⋮ {len(order) - SHOWN + 1} more",), "more", small=True)
            if number is None
            else Box((str(cells[number][0]),), cells[number][1], small=True)
            for number in shown
        )
        here = {(level, number): place for place, number in enumerate(shown) if number is not None}
        heading = formula(kernel.synapse) if level < 0 else f"adders {level + 1}"
        add_column(
            columns, edges, Column(heading, boxes, f"cycle {level + 2}"), None if level < 0 else []
        )
        column = len(columns) - 1
        edges += [
            (places[source], (column, place), "")
            for (_, number), place in here.items()
            for source in cells[number][2]
            if source in places
        ]
        places |= {node: (column, place) for node, place in here.items()}


def _order(cells, height):
    """Indices of the nodes of a level, ordered so that each is near what it adds and few edges cross."""

    def centre(number):
        sources = [height[source] for source in cells[number][2]]
        return sum(sources) / len(sources) if sources else number, number

    return sorted(range(len(cells)), key=centre)
