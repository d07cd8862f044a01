"""What all hardware of a network has in common, however much of it is computed at once."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from ..gates.engine import AxiChain
from ..hardware import PlainHardware
from ..hardware.interface import Arrays
from ..kernel.names import check_design_name
from ..support.config import ByContent
from ..synapse import Format
from .network import Network
from .stimuli import undecided_vectors

__all__ = ["NetworkHardware"]


class NetworkHardware(PlainHardware, ByContent):
    """Hardware of a network: a base class for a way to compute it.

    Parameters
    ----------
    network : Network
    interface : str
        ``stream``, or ``axi-stream`` for the ports of `tnhw.gates.engine.axi.AxiChain`.

    Raises
    ------
    InputError
        If the interface is not one of these, or the network's name is none for a design.
    """

    def __init__(self, network: Network, interface: str) -> None:
        self.network, self._interface = network, interface
        self.name = check_design_name(network.name)
        self._handed_out = False
        if interface not in ("stream", "axi-stream"):
            raise InputError(f'`interface` must be "stream" or "axi-stream", not {interface!r}')

    @property
    def title(self) -> str:
        layers = ", ".join(f"{layer.keys.rule} {layer.keys.kind}" for layer in self.network.layers)
        return f"network, {self.inputs} inputs, {layers}"

    @property
    def interface(self) -> str:
        return self._interface

    @property
    def input(self) -> Format:
        return self.network.input

    @property
    def inputs(self) -> int:
        return self.network.inputs

    @property
    def outputs(self) -> int:
        """Elements of a result; a class is one element."""
        return 1 if self.network.result == "class" else self.network.outputs

    @property
    def output_format(self) -> Format:
        return self.network.output_format

    def golden(self, x: Any, p: Arrays | None = None) -> np.ndarray:
        """What the hardware must answer to x [n, inputs], or to one vector: [n, outputs], or [outputs].

        `p` is as for `pack_parameters`.
        """
        network = self.network if p is None else self.network.with_arrays(p)
        return network.results(x)

    def random_input(self, rng: np.random.Generator, vectors: int) -> np.ndarray:
        """Random vectors, int64 [vectors, inputs]."""
        return self.network.random_input(rng, vectors)

    def edge_vectors(self, x: np.ndarray, p: Arrays | None, count: int) -> np.ndarray:
        """Vectors near the border of two classes; none if the network answers with a vector, or has one class only."""
        network = self.network if p is None else self.network.with_arrays(p)
        if network.result != "class" or network.outputs < 2:
            return x[:0]
        return undecided_vectors(network, x, count)

    @abstractmethod
    def _made(self) -> Any:
        """The gates with streams, made anew."""

    @cached_property
    def _hardware(self) -> Any:
        """The gates of which latency and facts are asked; `create` hands them out once."""
        return self._made()

    def create(self, interface: str | None = None) -> Any:
        """The gates: a component with streams `i` and `o`, and `p` if parameters can be loaded.

        `interface` is ``stream`` or ``axi-stream``, by default the design's own.
        """
        core = self._made() if self._handed_out else self._hardware
        self._handed_out = True
        if (interface or self.interface) == "stream":
            return core
        return AxiChain(
            core, input=self.input, output=self.output_format, outputs=self.outputs,
            beats=self.beats_in, beats_p=self.beats_p,
        )  # fmt: skip
