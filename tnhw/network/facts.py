"""What the manifest of a design says of it besides names, times and streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..gates.unrolled.layer import Layer as WiredLayer
from ..kernel import Kernel
from .layer import Layer
from .stage import Stage

if TYPE_CHECKING:
    from .design import Design
    from .unrolled import UnrolledDesign

__all__ = ["facts", "unrolled_facts"]


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
            "layers": [_stage(stage) for stage in design.stages],
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


def unrolled_facts(design: UnrolledDesign, wired: Sequence[WiredLayer]) -> dict[str, Any]:
    """Layers and formats of an unrolled design, with its adders: a dict for JSON.

    Parameters
    ----------
    design : UnrolledDesign
    wired : sequence of `tnhw.gates.unrolled.layer.Layer`
        The gates of each layer.
    """
    network = design.network
    layers = [
        _layer(layer, layer.kernel)
        | {"output": str(layer.output_format), "adders": gates.adders, "latency": gates.latency}
        for layer, gates in zip(network.layers, wired, strict=True)
    ]
    return {
        "network": {
            "input": str(design.input),
            "shape": list(network.shape),
            "result": network.result,
            "layers": layers,
        },
        "schedule": design.schedule,
        "images": design.images,
        "lanes": design.lanes,
        "input_words": "a whole vector, element 0 in the low bits",
        "formats": {"input": str(design.input), "output": str(design.output_format)},
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return _layer(stage.layer, stage.kernel) | {
        "output": str(stage.output_format),
        "fold": str(stage.fold),
        "cycles": stage.cycles,
        **({"lines": stage.fold.lines} if stage.fold.lines else {}),
    }


def _layer(layer: Layer, kernel: Kernel) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.keys.kind,
        "rule": kernel.rule,
        "in_shape": list(layer.in_shape),
        "out_shape": list(layer.out_shape),
        "synapses": layer.synapses,
        "input": str(kernel.input),
        "sum": str(kernel.sum_format),
        "requantise": layer.keys.requantise,
        "shift": layer.keys.shift,
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
