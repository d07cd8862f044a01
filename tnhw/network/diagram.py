"""Picture of a design of a network: its layers in a row, with their folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..pictures.data_flow import add_column, formula
from ..pictures.svg import Box, Column, Diagram, Edge

if TYPE_CHECKING:
    from ..kernel import Kernel
    from .design import Design
    from .layer import Layer
    from .network import Network
    from .unrolled import UnrolledDesign

__all__ = ["network_diagram", "unrolled_diagram"]


def network_diagram(design: Design) -> Diagram:
    """The layers of a design in a row, each with its formats, its fold and the share of the time in which it works."""
    network = design.network
    title = f"{network.name}: {network.title}"
    plan = "an engine a layer" if design.schedule == "pipeline" else "one engine for all layers"
    vectors = f"{design.images} vectors" if design.images > 1 else "a vector"
    subtitle = (
        f"{plan}, {design.lanes} lanes; latency {design.latency} cycles, {vectors} every "
        f"{design.interval}; bars: share of the cycles in which an engine works"
    )
    boxes = []
    for stage in design.stages:
        layer = stage.layer
        lines = (
            *_lines(
                layer,
                stage.kernel,
                f"{layer.synapses:,} synapses of {stage.synapse.word_bits} bits",
            ),
            f"fold {stage.fold}: {stage.fold.lanes} lanes",
            f"{stage.cycles} of {design.interval} cycles",
        )
        box = Box(lines, "term", share=stage.cycles / design.interval)
        boxes.append((box, str(stage.output_format)))
    beats = f"{design.beats_in} beats of {design.width_i} bits"
    return _row(network, title, subtitle, boxes, beats, design.width_o)


def unrolled_diagram(design: UnrolledDesign) -> Diagram:
    """The layers of an unrolled design in a row, each with its formats."""
    network = design.network
    boxes = []
    for layer in network.layers:
        lines = _lines(
            layer, layer.kernel, f"{layer.synapses * layer.positions:,} synapses in gates"
        )
        boxes.append((Box(lines, "term"), str(layer.output_format)))
    subtitle = f"unrolled, {design.lanes:,} terms a cycle; latency {design.latency} cycles, a vector every cycle"
    title, beats = f"{network.name}: {network.title}", f"a beat of {design.width_i} bits"
    return _row(network, title, subtitle, boxes, beats, design.width_o)


def _lines(layer: Layer, kernel: Kernel, synapses: str) -> tuple[str, ...]:
    """What a picture says of a layer, however it is built."""
    lines = [layer.name, formula(kernel.synapse)]
    if layer.keys.kind == "conv":
        lines.append(
            f"{layer.taps[0]}×{layer.taps[1]}, stride {_text(layer.strides)}, padding {_text(layer.pads)}"
            + (f", dilation {_text(layer.dilations)}" if max(layer.dilations) > 1 else "")
        )
    formats = f"x {layer.input}, sum {kernel.sum_format}"
    return (*lines, synapses, formats, layer.requantiser.text)


def _row(
    network: Network,
    title: str,
    subtitle: str,
    boxes: list[tuple[Box, str]],
    beats: str,
    width_o: int,
) -> Diagram:
    """A picture of layers in a row: `boxes` has one for each, with the format of its results."""
    shape = "×".join(map(str, network.shape))
    source = ("stream i", f"{shape} x {network.input}", beats)
    columns, edges = [Column("", (Box(source, "stream"),))], list[Edge]()
    for layer, (box, output) in zip(network.layers, boxes, strict=True):
        keys = layer.keys
        out = "×".join(map(str, layer.out_shape)) if keys.kind == "conv" else str(keys.outputs)
        add_column(columns, edges, Column("", (box,), f"gives {out} × {output}"))
    if network.result == "class":
        box = Box(("argmax", f"of {network.outputs}", "first largest"), "round")
        add_column(columns, edges, Column("", (box,)))
    result = ("stream o", network.result, f"{width_o} bits")
    add_column(columns, edges, Column("", (Box(result, "stream"),)))
    return Diagram(title, subtitle, tuple(columns), tuple(edges))


def _text(numbers):
    """Numbers for several directions: one if they are equal."""
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))
