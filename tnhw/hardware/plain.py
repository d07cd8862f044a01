"""A base class for hardware with plain streams, with everything that follows from formats and sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..pictures import Pictured
from ..pictures.svg import Box, Column, Diagram
from .interface import Arrays, Hardware
from .payloads import axi_beats, join, split

__all__ = ["PlainHardware"]


class PlainHardware(Pictured):
    """Hardware with plain streams that takes a vector in one beat and has no parameters.

    A derived class must have, as attributes or properties, ``name``, ``title``, ``input``, ``inputs``,
    ``output_format``, ``outputs``, ``latency`` and ``interval``, and the methods ``golden``, ``create`` and
    ``identity``. :class:`tnhw.hardware.Hardware` describes them. It may override everything else.
    """

    @property
    def interface(self) -> str:
        return "stream"

    @property
    def storage(self) -> str:
        return "constant"

    @property
    def initialised(self) -> bool:
        return True

    @property
    def arrays(self) -> dict[str, np.ndarray] | None:
        return None

    @property
    def images(self) -> int:
        return 1

    @property
    def wired_bits(self) -> int:
        return 0

    def random_input(self: Hardware, rng: np.random.Generator, vectors: int) -> np.ndarray:
        """Random vectors over all values of `input`: int64 [vectors, inputs]."""
        number = self.input
        return rng.integers(number.min, number.max, (vectors, self.inputs), np.int64, endpoint=True)

    def random_parameters(
        self, rng: np.random.Generator, vectors: int | None = None
    ) -> dict[str, np.ndarray]:
        return {}

    def corner_parameters(self) -> list[dict[str, np.ndarray]]:
        return []

    def extreme_parameters(self: Hardware, x: np.ndarray) -> list[dict[str, np.ndarray]]:
        """The first and the last of the corner parameters."""
        corners = self.corner_parameters()
        return corners if len(corners) < 2 else [corners[0], corners[-1]]

    def edges(self, x: np.ndarray, p: Arrays | None, count: int) -> list[int]:
        return []

    def edge_vectors(self, x: np.ndarray, p: Arrays | None, count: int) -> np.ndarray:
        return x[self.edges(x, p, count)]

    @property
    def beats_in(self) -> int:
        return 1

    @property
    def width_i(self: Hardware) -> int:
        """Payload of a beat of stream `i` in bits: a whole vector."""
        return self.input.bits * self.inputs

    @property
    def width_o(self: Hardware) -> int:
        """Payload of stream `o` in bits: a whole result."""
        return self.output_format.bits * self.outputs

    @property
    def beats_p(self) -> int:
        return 0

    @property
    def width_p(self) -> int:
        return 0

    def pack_input(self: Hardware, x: Any, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `i` for vectors x [n, inputs], one for each."""
        return [join(vector, self.input) for vector in np.asarray(x).tolist()]

    def axi_input(self: Hardware, x: Any) -> list[tuple[int, int]]:
        """AXI4-Stream beats of vectors x [n, inputs], one for each."""
        return axi_beats(x, self.input, self.inputs)

    def pack_parameters(self, p: Arrays | None = None) -> list[int]:
        return []

    def pack_output(self: Hardware, y: Any) -> list[int]:
        """Payloads of stream `o` for results y [n, outputs]."""
        return [join(vector, self.output_format) for vector in np.asarray(y).tolist()]

    def unpack_output(self: Hardware, payloads: Iterable[int]) -> np.ndarray:
        """Results, int64 [n, outputs], of payloads of stream `o`."""
        vectors = [split(payload, self.output_format, self.outputs) for payload in payloads]
        return np.array(vectors, np.int64).reshape(-1, self.outputs)

    def facts(self: Hardware) -> dict[str, Any]:
        """The formats, for the manifest."""
        return {"formats": {"input": str(self.input), "output": str(self.output_format)}}

    def options(self) -> dict[str, Any]:
        return {}

    def diagram(self: Hardware) -> Diagram:
        """A picture: a vector goes in, a result comes out."""
        subtitle = f"latency {self.latency} cycles, a vector every {self.interval}"
        boxes = [
            Box(("stream i", f"{self.inputs} × x {self.input}", f"{self.width_i} bits"), "stream"),
            Box((self.name, self.title), "sum"),
            Box(
                ("stream o", f"{self.outputs} × y {self.output_format}", f"{self.width_o} bits"),
                "stream",
            ),
        ]
        columns = tuple(Column("", (box,)) for box in boxes)
        edges = tuple(((k, 0), (k + 1, 0), "") for k in range(len(columns) - 1))
        return Diagram(f"{self.name}: {self.title}", subtitle, columns, edges)
