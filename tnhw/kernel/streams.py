"""The streams of a kernel: what is in a beat, how many beats there are, and their payloads as integers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib.data import ArrayLayout, StructLayout

from ..hardware.interface import Arrays
from ..hardware.payloads import axi_beats
from . import packing
from .remainder import Remainder

__all__ = ["Streams"]


class Streams(Remainder):
    """Layouts, beats and payloads of the plain streams `i`, `p` and `o`."""

    @property
    def beats_in(self) -> int:
        """Beats of stream `i` for one vector."""
        return self.inputs if self.architecture == "serial" else 1

    @cached_property
    def layout_i(self) -> Any:
        """Payload of a beat of stream `i`: elements of x; for storage `ports` with fields `x` and `p`."""
        serial = self.architecture == "serial"
        x = self.input.shape if serial else ArrayLayout(self.input.shape, self.inputs)
        if self.storage != "ports":
            return x
        word = self.synapse.word
        words = ArrayLayout(word if serial else ArrayLayout(word, self.inputs), self.outputs)
        p = {"synapses": words}
        if self.port_bias is not None:
            p["bias"] = ArrayLayout(self.port_bias.shape, self.outputs)
        return StructLayout({"x": x, "p": StructLayout(p)})

    @cached_property
    def layout_o(self) -> ArrayLayout:
        """Payload of stream `o`: the result vector, output 0 in the low bits."""
        return ArrayLayout(self.output_format.shape, self.outputs)

    @property
    def width_i(self) -> int:
        """Payload of a beat of stream `i` in bits."""
        return Shape.cast(self.layout_i).width

    @property
    def width_o(self) -> int:
        """Payload of stream `o` in bits."""
        return Shape.cast(self.layout_o).width

    @property
    def width_p(self) -> int:
        """Payload of a beat of stream `p` in bits: of a parameter word or a bias; for a tile, of all of them."""
        if self.architecture == "tile":
            row = self.inputs * self.synapse.word_bits + self.sum_format.bits
            return self.outputs * row
        return max(self.synapse.word_bits, self.sum_format.bits)

    @property
    def beats_p(self) -> int:
        """Beats of stream `p` for one load."""
        return 1 if self.architecture == "tile" else self.outputs * (self.inputs + 1)

    def pack_input(self, x: Any, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `i` for vectors x [n, inputs], in order.

        `p` is for storage `ports`, and may have a set of parameters for each vector.
        """
        p = self.parameters_or(p) if self.storage == "ports" else None
        return packing.input_beats(self, self.check_x(x), p)

    def axi_input(self, x: Any) -> list[tuple[int, int]]:
        """AXI4-Stream beats (tdata, tlast) of vectors x [n, inputs], in order."""
        return axi_beats(self.check_x(x), self.input, min(self.beat or self.inputs, self.inputs))

    def pack_parameters(self, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `p` for one load; by default of the kernel's own parameters."""
        return packing.load_beats(self, self.parameters_or(p))

    def pack_output(self, y: Any) -> list[int]:
        """Payloads of stream `o` for results y [n, outputs]."""
        return packing.output_payloads(self, y)

    def unpack_output(self, payloads: Iterable[int]) -> np.ndarray:
        """Results, int64 [n, outputs], of payloads of stream `o`."""
        return packing.output_vectors(self, payloads)

    # Contents of parameter memories

    def constants(self, output: int, input: int) -> dict[str, int]:
        """The kernel's own parameter of one synapse: integers by array name."""
        assert self._arrays is not None
        return {name: int(self._arrays[name][output, input]) for name in self.synapse.ranges}

    @cached_property
    def initial_words(self) -> list[list[int]]:
        """The kernel's own parameters as packed words, [outputs][inputs]."""
        assert self._arrays is not None
        return self.synapse.pack(self._arrays).tolist()

    @cached_property
    def initial_starts(self) -> list[int]:
        """The kernel's own biases with all remainders, [outputs]; see `folded_bias`."""
        return self.folded_bias(self._arrays).tolist()
