"""Picture of a design of a network: its layers in a row, with their folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..pictures.data_flow import add_column, formula
from ..pictures.svg import Box, Column, Diagram, Edge

if TYPE_CHECKING:
    from .design import Design

__all__ = ["network_diagram"]


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
    shape = "×".join(map(str, network.shape))
    source = (
        "stream i",
        f"{shape} x {network.input}",
        f"{design.beats_in} beats of {design.width_i} bits",
    )
    columns, edges = [Column("", (Box(source, "stream"),))], list[Edge]()
    before = str(network.input)
    for stage in design.stages:
        layer, kernel = stage.layer, stage.kernel
        keys = layer.keys
        out = "×".join(map(str, layer.out_shape)) if keys.kind == "conv" else str(keys.outputs)
        lines = [layer.name, formula(kernel.synapse)]
        if keys.kind == "conv":
            lines.append(
                f"{layer.taps[0]}×{layer.taps[1]}, stride {_text(layer.strides)}, padding {_text(layer.pads)}"
                + (f", dilation {_text(layer.dilations)}" if max(layer.dilations) > 1 else "")
            )
        lines += [
            f"{layer.synapses:,} synapses of {stage.synapse.word_bits} bits",
            f"x {before}, sum {kernel.sum_format}",
            layer.requantiser.text,
            f"fold {stage.fold}: {stage.fold.lanes} lanes",
            f"{stage.cycles} of {design.interval} cycles",
        ]
        box = Box(tuple(lines), "term", share=stage.cycles / design.interval)
        add_column(columns, edges, Column("", (box,), f"gives {out} × {stage.output_format}"))
        before = str(stage.output_format)
    if network.result == "class":
        box = Box(("argmax", f"of {network.outputs}", "first largest"), "round")
        add_column(columns, edges, Column("", (box,)))
    result = ("stream o", network.result, f"{design.width_o} bits")
    add_column(columns, edges, Column("", (Box(result, "stream"),)))
    return Diagram(title, subtitle, tuple(columns), tuple(edges))


def _text(numbers):
    """Numbers for several directions: one if they are equal."""
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))
