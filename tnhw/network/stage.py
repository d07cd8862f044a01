"""A layer folded onto an engine: how often each loop runs, and which words the parameter ROM holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from ..errors import InputError
from ..kernel.remainder import folded, modulo
from ..synapse import Format, Rule
from .layer import Layer

__all__ = ["Fold", "Stage"]


@dataclass(frozen=True)
class Fold:
    """How much of a layer is done at once.

    Parameters
    ----------
    simd : int
        Inputs a cycle.
    units : int
        Outputs at once; `simd * units` lanes.
    drain : int
        Results a cycle that leave; divides `units`.
    """

    simd: int
    units: int
    drain: int = 1

    def __post_init__(self):
        for key in ("simd", "units", "drain"):
            value = getattr(self, key)
            if isinstance(value, np.integer):
                object.__setattr__(self, key, value := int(value))
            if not isinstance(value, int) or not 1 <= value <= 1024:
                raise InputError(f"`{key}` of a fold must be 1 to 1024, not {value!r}")
        if self.units % self.drain:
            raise InputError(f"`drain` {self.drain} must divide `units` {self.units}")

    @property
    def lanes(self) -> int:
        """Synapses a cycle."""
        return self.simd * self.units

    def __str__(self):
        drain = f"/{self.drain}" if self.drain > 1 else ""
        return f"{self.simd}x{self.units}{drain}"

    @classmethod
    def parse(cls, text: str) -> Fold:
        """Fold of ``simd x units / drain`` as in ``8x4`` or ``16x8/2``."""
        try:
            size, _, drain = text.strip().partition("/")
            simd, units = size.split("x")
            return cls(int(simd), int(units), int(drain or 1))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f'a fold is written inputs x outputs, as "8x4" or "16x8/2", not {text!r}'
            ) from None


class Stage:
    """A layer with its fold.

    Activations lie in words of `simd` channels, in raster order. For every position and every group
    of `units` outputs the engine reads the words of each tap, and with ``complement`` reads them
    again for the complements.

    Parameters
    ----------
    layer : Layer
    fold : Fold
    synapse : Rule
        The layer's rule, in a form that holds its parameters.
    loadable : bool
        Whether parameters may change.

    Attributes
    ----------
    kernel : Kernel
        What is done at each position, with the formats of what there is or may be loaded.
    """

    def __init__(self, layer: Layer, fold: Fold, synapse: Rule, loadable: bool = False) -> None:
        self.layer, self.fold, self.synapse = layer, fold, synapse
        self.loadable = loadable
        self.kernel = layer.loadable if loadable else layer.kernel
        if self.words * fold.simd != layer.in_shape[2]:
            zeros = {name: np.zeros(2, np.int64) for name in self.synapse.arrays}
            ends = np.array([layer.input.min, layer.input.max])
            if self.synapse.term(ends, zeros).any():
                raise InputError(
                    f"layer `{layer.name}`: rule `{layer.keys.rule}` has no synapse without a term, "
                    f"so the inputs a cycle must divide {layer.in_shape[2]}, not {fold.simd}"
                )

    def loaded(self, layer: Layer) -> Stage:
        """The same stage with the parameters of another layer of the same keys.

        Raises
        ------
        InputError
            If there is no word, or no bias, for one of them.
        """
        arrays, bias = layer.kernel.arrays, self.kernel.bias_format
        if not self.synapse.holds(arrays):
            raise InputError(
                f"layer `{layer.name}`: the hardware has shorter words than these parameters need; "
                "build it from a network whose thresholds are as fine"
            )
        assert bias is not None  # of a stage whose parameters may be loaded
        if not all(
            bias.holds(int(value)) for value in (arrays["bias"].min(), arrays["bias"].max())
        ):
            raise InputError(f"layer `{layer.name}`: a bias is outside {bias}, what can be loaded")
        return Stage(layer, self.fold, self.synapse, loadable=True)

    def __repr__(self):
        return f"<Stage {self.layer.name}: fold {self.fold}, {self.cycles} cycles>"

    @property
    def words(self) -> int:
        """Words of channels at a tap."""
        return ceil(self.layer.in_shape[2] / self.fold.simd)

    @property
    def halves(self) -> int:
        """Passes over the words of a tap: 2 with complements."""
        return 1 + self.layer.keys.complement

    @property
    def steps(self) -> int:
        """Cycles of a group of outputs."""
        return self.layer.taps[0] * self.layer.taps[1] * self.halves * self.words

    @property
    def groups(self) -> int:
        """Groups of outputs."""
        return ceil(self.layer.keys.outputs / self.fold.units)

    @property
    def beats(self) -> tuple[int, int]:
        """Beats in which the results of a whole group leave, and those of the last group."""
        rest = self.layer.keys.outputs - (self.groups - 1) * self.fold.units
        return self.fold.units // self.fold.drain, ceil(rest / self.fold.drain)

    @property
    def products(self) -> int:
        """Products of two variables a cycle."""
        shared = ceil(self.fold.units / self.synapse.shared_by)
        return self.fold.simd * shared if self.synapse.multiplies else 0

    @property
    def rows(self) -> int:
        """Rows of the parameter ROM."""
        return self.groups * self.steps

    @property
    def in_words(self) -> int:
        """Words of an input image."""
        return self.layer.in_shape[0] * self.layer.in_shape[1] * self.words

    @property
    def cycles(self) -> int:
        """Cycles from image to image, if nothing else is slower."""
        full, rest = self.beats
        whole = (self.groups - 1) * max(self.steps, full) + max(self.steps, rest)
        return self.layer.positions * whole

    @property
    def sum_format(self) -> Format:
        """Format of a sum with its bias and rounding constant."""
        return self.kernel.sum_format

    @cached_property
    def _arrays(self):
        """Parameter arrays with inputs for every lane; those that no channel feeds have zero terms."""
        layer, kernel = self.layer, self.kernel
        idle = self.words * self.fold.simd - layer.in_shape[2]
        arrays = {}
        for name, array in kernel.arrays.items():
            if name != "bias":
                array = array.reshape(kernel.outputs, -1, layer.in_shape[2])
                array = np.pad(array, ((0, 0), (0, 0), (0, idle))).reshape(kernel.outputs, -1)
            arrays[name] = array
        return arrays

    @cached_property
    def parameter_rows(self) -> list[list[list[int | None]]]:
        """Packed parameter words, [rows][units][simd], absent outputs as None."""
        words: list[list[int | None]] = self.synapse.pack(self._arrays).tolist()
        rows: list[list[list[int | None]]] = []
        for group in range(self.groups):
            outputs = range(group * self.fold.units, (group + 1) * self.fold.units)
            for step in range(self.steps):
                lanes = slice(step * self.fold.simd, (step + 1) * self.fold.simd)
                rows.append(
                    [
                        words[j][lanes] if j < len(words) else [None] * self.fold.simd
                        for j in outputs
                    ]
                )
        return rows

    def biases(self, bits: int) -> list[list[int]]:
        """Folded biases modulo 2^bits, one row of `drain` a beat."""
        exact = folded(self.synapse, self._arrays, self.kernel.half)
        biases, d = modulo(exact, bits).tolist(), self.fold.drain
        return [(biases[k : k + d] + [0] * d)[:d] for k in range(0, len(biases), d)]
