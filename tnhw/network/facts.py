"""What the manifest of a design says of it besides names, times and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .stage import Stage

if TYPE_CHECKING:
    from .design import Design

__all__ = ["facts"]


def facts(design: Design, stored_bits: list[int]) -> dict[str, Any]:
    """Layers, engines and formats of a design, and what a load is made of: a dict for JSON.

    Parameters
    ----------
    design : Design
    stored_bits : list of int
        For each engine, the bits in which its memory stores the parameter of one synapse.
    """
    network, first = design.network, design.stages[0]
    engines = [
        {
            "layers": [stage.layer.name for stage in stages],
            "lanes": stages[0].fold.lanes,
            "stored_bits": bits,
        }
        for stages, bits in zip(design.engines, stored_bits, strict=True)
    ]
    busy = max(sum(stage.cycles for stage in stages) for stages in design.engines)
    return {
        "network": {
            "input": str(design.input),
            "shape": list(network.shape),
            "result": network.result,
            "layers": [_layer(stage) for stage in design.stages],
        },
        "schedule": design.schedule,
        "warm_up": design.warm_up,
        "images": design.images,
        "engines": engines,
        "lanes": design.lanes,
        "input_words": (
            f"{first.fold.simd} channels of one position, channel 0 in the low bits; positions in "
            f"raster order, {first.words} words each, the last padded with zeros"
        ),
        "formats": {"input": str(design.input), "output": str(design.output_format)},
        **_load(design),
        "idle_cycles": design.interval - busy,
    }


def _layer(stage: Stage) -> dict[str, Any]:
    kernel = stage.kernel
    return {
        "name": stage.layer.name,
        "kind": stage.layer.keys.kind,
        "rule": kernel.rule,
        "in_shape": list(stage.layer.in_shape),
        "out_shape": list(stage.layer.out_shape),
        "synapses": stage.layer.synapses,
        "input": str(kernel.input),
        "sum": str(stage.sum_format),
        "output": str(stage.output_format),
        "requantise": stage.layer.keys.requantise,
        "shift": stage.layer.keys.shift,
        "fold": str(stage.fold),
        "cycles": stage.cycles,
    }


def _load(design: Design) -> dict[str, str]:
    """A sentence that says what a load is made of, if the design is loadable."""
    if not design.loadable:
        return {}
    words = "; ".join(
        f"{stages[0].layer.name}: {stages[0].synapse.word_bits} bits a synapse"
        for stages in design.engines
    )
    return {
        "load": (
            "engine by engine: row by row, unit by unit the words of its inputs, input 0 in the "
            "low bits; then the biases with every constant folded, `drain` a beat; " + words
        )
    }
