"""A network unrolled: each synapse has gates of its own, and a vector is taken in each cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..gates.unrolled import Neurons, Unrolled
from ..hardware import Hardware
from ..hardware.interface import Arrays
from ..pictures.svg import Diagram
from ..support.config import content
from .diagram import unrolled_diagram
from .facts import unrolled_facts
from .hardware import NetworkHardware
from .layer import Layer
from .network import Network

__all__ = ["UnrolledDesign"]

MAX_TERMS = 1 << 17


class UnrolledDesign(NetworkHardware):
    """Hardware of a network in which each synapse has gates of its own.

    A vector is one beat of stream `i`, and one may come in every cycle. Parameters are in the gates.

    Parameters
    ----------
    network : Network
    interface : str
        ``stream``, or ``axi-stream`` for the ports of `tnhw.gates.engine.axi.AxiChain`.

    Raises
    ------
    InputError
        If the network has more than 131,072 terms.
    """

    schedule = "unrolled"
    interval = 1

    def __init__(self, network: Network, *, interface: str = "stream") -> None:
        super().__init__(network, interface)
        if network.operations > MAX_TERMS:
            raise InputError(
                f"network {self.name}: {network.operations:,} terms, of which each has gates of its own; the schedule "
                f"`unrolled` takes at most {MAX_TERMS:,}: use `pipeline` or `shared`"
            )

    # Facts

    @property
    def _content(self):
        return content((self.network, self.schedule, self.interface))

    @property
    def lanes(self) -> int:
        """Terms that are computed in one cycle: all."""
        return self.network.operations

    def __repr__(self) -> str:
        return f"<UnrolledDesign {self.name}: {self.lanes} terms a cycle>"

    @property
    def latency(self) -> int:
        return self._hardware.latency

    @property
    def wired_bits(self) -> int:
        """Bits of inputs and parameters, summed over all terms."""
        return sum(
            layer.synapses * layer.positions * (layer.input.bits + layer.kernel.synapse.word_bits)
            for layer in self.network.layers
        )

    def _made(self) -> Unrolled:
        return Unrolled([neurons(layer) for layer in self.network.layers], self.network.result)

    def facts(self) -> dict[str, Any]:
        """What the manifest says of the design besides names, times and streams: a dict for JSON."""
        return unrolled_facts(self, self._hardware.layers)

    def diagram(self) -> Diagram:
        """A picture of its layers in a row."""
        return unrolled_diagram(self)

    def options(self) -> dict[str, Any]:
        """Keyword arguments with which `tnhw.catalogue.load_design` makes this design of its network again."""
        made = {"schedule": self.schedule}
        return made | ({"interface": self.interface} if self.interface != "stream" else {})

    def identity(self) -> Iterator[str]:
        """Lines of text that differ if what the hardware computes differs."""
        yield f"{self.network.input} {self.network.shape} {self.network.result} {self.schedule}"
        for layer in self.network.layers:
            yield repr(layer.keys)
            for name, array in sorted(layer.arrays.items()):
                yield f"{name}={array.tolist()}"

    # Streams

    def pack_input(self, x: Any, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `i` for vectors x [n, inputs], one for each."""
        return super().pack_input(self.network.check_x(x))

    def axi_input(self, x: Any) -> list[tuple[int, int]]:
        """AXI4-Stream beats (tdata, tlast) of vectors x [n, inputs], one for each."""
        return super().axi_input(self.network.check_x(x))


def neurons(layer: Layer) -> Neurons:
    """What the gates of an unrolled layer need to know of it."""
    kernel, rule = layer.kernel, layer.kernel.synapse
    top, left, bottom, right = layer.pads
    places = np.arange(int(np.prod(layer.in_shape))).reshape(layer.in_shape)
    padded = np.pad(places, ((top, bottom), (left, right), (0, 0)), constant_values=-1)
    seen = padded.reshape(-1, layer.in_shape[2])[layer.rows]  # [positions, taps, channels]
    inverted = np.zeros(seen.shape[1:], bool)
    if layer.keys.complement:
        seen = np.concatenate([seen, seen], axis=-1)
        inverted = np.concatenate([inverted, ~inverted], axis=-1)
    arrays = dict(kernel.arrays)
    bias = [int(value) + kernel.half for value in arrays.pop("bias")]
    return Neurons(
        rule=replace(rule, form=type(rule).choose_form(True, True)),
        inputs=places.size,
        sources=seen.reshape(len(seen), -1),
        inverted=inverted.reshape(-1),
        arrays=arrays,
        bias=bias,
        sum_format=kernel.sum_format,
        plan=layer.requantiser.plan(kernel),
    )


if TYPE_CHECKING:  # a type checker compares each member with the interface
    _: type[Hardware] = UnrolledDesign
