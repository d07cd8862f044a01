"""A layer with its fold: how often each loop of its engine runs, and which words the parameter ROM holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from ..errors import InputError
from ..gates.engine.results import Plan
from ..kernel.remainder import folded, modulo
from ..synapse import Format, Rule
from .layer import Layer

__all__ = ["MAX_IMAGES", "Fold", "Stage"]

MAX_IMAGES = 16


@dataclass(frozen=True)
class Fold:
    """How much of a layer is computed in one cycle.

    Parameters
    ----------
    simd : int
        Inputs that are read in one cycle.
    units : int
        Outputs that are computed at the same time; there are `simd * units` lanes.
    drain : int
        Results of an image that leave in one cycle; must divide `units`.
    images : int
        Images that are computed side by side, with the same parameters in the same cycle.
    lines : int
        Rows of its input images that the layer holds; 0 if it holds two whole images.

    Raises
    ------
    InputError
        If a number is not 1 to 1024 (`images` 1 to 16, `lines` 0 to 1024), or `drain` does not divide `units`.
    """

    simd: int
    units: int
    drain: int = 1
    images: int = 1
    lines: int = 0

    def __post_init__(self):
        for key, least in (("simd", 1), ("units", 1), ("drain", 1), ("images", 1), ("lines", 0)):
            value = getattr(self, key)
            if isinstance(value, np.integer):
                object.__setattr__(self, key, value := int(value))
            if not isinstance(value, int) or not least <= value <= 1024:
                raise InputError(f"`{key}` of a fold must be {least} to 1024, not {value!r}")
        if self.images > MAX_IMAGES:
            raise InputError(f"`images` of a fold must be 1 to {MAX_IMAGES}, not {self.images}")
        if self.units % self.drain:
            raise InputError(f"`drain` {self.drain} must divide `units` {self.units}")

    @property
    def lanes(self) -> int:
        """Synapses that are computed in one cycle, those of all images."""
        return self.simd * self.units * self.images

    def __repr__(self):
        images = f", images={self.images}" if self.images > 1 else ""
        lines = f", lines={self.lines}" if self.lines else ""
        return f"Fold(simd={self.simd}, units={self.units}, drain={self.drain}{images}{lines})"

    def __str__(self):
        images = f"x{self.images}" if self.images > 1 else ""
        drain = f"/{self.drain}" if self.drain > 1 else ""
        lines = f":{self.lines}" if self.lines else ""
        return f"{self.simd}x{self.units}{images}{drain}{lines}"

    @classmethod
    def parse(cls, text: str) -> Fold:
        """The fold that a text stands for: simd x units x images / drain : lines, as ``8x4``, ``16x8/2``, ``8x4x2`` or ``8x4:5``."""
        try:
            size, _, lines = text.strip().partition(":")
            size, _, drain = size.partition("/")
            simd, units, *images = size.split("x")
            (together,) = images or ["1"]
            return cls(int(simd), int(units), int(drain or 1), int(together), int(lines or 0))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                'a fold is written inputs x outputs, as "8x4" or "16x8/2", with images side by side as "8x4x2", and '
                f'with lines as "8x4:5", not {text!r}'
            ) from None


class Stage:
    """A layer with its fold.

    Activations are stored in words of `simd` channels, in raster order. For each position and each group of
    `units` outputs the engine reads the words of every tap; with ``complement`` it reads them a second time
    for the complements.

    Parameters
    ----------
    layer : Layer
    fold : Fold
    synapse : Rule
        The layer's rule, in a form whose words hold the layer's parameters.
    loadable : bool
        Whether other parameters may be loaded.

    Attributes
    ----------
    kernel : Kernel
        Computes the outputs at one position. Its formats hold the layer's parameters, or, if they are
        loadable, whatever may be loaded.

    Raises
    ------
    InputError
        If `simd` does not divide the channels, and the rule has no parameter without a term for the rest; or if the layer
        has constants that a load does not hold.
    """

    def __init__(self, layer: Layer, fold: Fold, synapse: Rule, loadable: bool = False) -> None:
        self.layer, self.fold, self.synapse = layer, fold, synapse
        self.loadable = loadable
        if loadable and layer.requantiser.names:
            raise InputError(
                f"layer `{layer.name}` has constants for each output channel, which cannot be loaded: leave "
                "`loadable` out"
            )
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
        """The same stage with the parameters of another layer that has the same keys.

        Raises
        ------
        InputError
            If a parameter or a bias does not fit into the words of the hardware.
        """
        arrays, bias = layer.kernel.arrays, self.kernel.bias_format
        if not self.synapse.holds(arrays):
            raise InputError(
                f"layer `{layer.name}`: these parameters need longer words than the hardware has; "
                "build it from a network whose thresholds are as fine as these"
            )
        assert bias is not None  # a stage whose parameters can be loaded has one
        if not all(
            bias.holds(int(value)) for value in (arrays["bias"].min(), arrays["bias"].max())
        ):
            raise InputError(f"layer `{layer.name}`: a bias is outside {bias}, what can be loaded")
        return Stage(layer, self.fold, self.synapse, loadable=True)

    def __repr__(self):
        return f"<Stage {self.layer.name}: fold {self.fold}, {self.cycles} cycles>"

    @property
    def output_format(self) -> Format:
        """Format of a result, of whatever parameters may be loaded."""
        return self.plan.output

    @cached_property
    def plan(self) -> Plan:
        """What the engine does with a sum; the layer's requantiser says so."""
        return self.layer.requantiser.plan(self.kernel)

    @property
    def words(self) -> int:
        """Words that hold the channels of one tap."""
        return ceil(self.layer.in_shape[2] / self.fold.simd)

    @property
    def halves(self) -> int:
        """How often the words of a tap are read: 1, or 2 with complements."""
        return 1 + self.layer.keys.complement

    @property
    def steps(self) -> int:
        """Cycles in which a group of outputs is computed at one position."""
        return self.layer.taps[0] * self.layer.taps[1] * self.halves * self.words

    @property
    def groups(self) -> int:
        """Groups of at most `units` outputs."""
        return ceil(self.layer.keys.outputs / self.fold.units)

    @property
    def beats(self) -> tuple[int, int]:
        """Beats in which the results of a full group leave, and those in which the last group leaves."""
        rest = self.layer.keys.outputs - (self.groups - 1) * self.fold.units
        return self.fold.units // self.fold.drain, ceil(rest / self.fold.drain)

    @property
    def products(self) -> int:
        """Products of two variables that are computed in one cycle."""
        shared = ceil(self.fold.units / self.synapse.shared_by)
        return self.fold.simd * shared * self.fold.images if self.synapse.multiplies else 0

    @property
    def rows(self) -> int:
        """Rows of the parameter ROM."""
        return self.groups * self.steps

    @property
    def in_words(self) -> int:
        """Words of an input image."""
        return self.layer.in_shape[0] * self.line_words

    @property
    def line_words(self) -> int:
        """Words of a row of an input image."""
        return self.layer.in_shape[1] * self.words

    @property
    def cycles(self) -> int:
        """Cycles from image to image, if no other engine is slower."""
        full, rest = self.beats
        whole = (self.groups - 1) * max(self.steps, full) + max(self.steps, rest)
        return self.layer.positions * whole

    @property
    def drains_slowly(self) -> bool:
        """Whether a group of results takes more cycles to leave than to be computed."""
        return self.steps < max(self.beats[self.groups == 1 :])

    @property
    def word_bits(self) -> int:
        """Bits of a word of an image."""
        return self.fold.simd * self.layer.input.bits

    @property
    def sum_format(self) -> Format:
        """Format of a sum with its bias and rounding constant."""
        return self.kernel.sum_format

    @cached_property
    def _arrays(self):
        """Parameter arrays [outputs, inputs] padded to whole words of channels; the parameters added give no term."""
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
        """Packed parameter words, [rows][units][simd]; None for outputs that the last group lacks."""
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
        """Biases with all remainders, modulo 2^bits: a list for each beat, with `drain` of them."""
        exact = folded(self.synapse, self._arrays, self.kernel.half)
        biases, d = modulo(exact, bits).tolist(), self.fold.drain
        return [(biases[k : k + d] + [0] * d)[:d] for k in range(0, len(biases), d)]
