"""The interface of hardware: everything that tnhw needs to generate, simulate, build and measure it.

A kernel (:class:`tnhw.kernel.Kernel`) and a network with its folds (:class:`tnhw.network.Design`) have it, and a
class of your own may have it: :func:`tnhw.verilog.generate`, :func:`tnhw.simulation.simulate`,
:func:`tnhw.bitstream.build` and the measurements of :mod:`tnhw.comparison` need nothing else.
:class:`tnhw.hardware.PlainHardware` fills in what is the same for all hardware with plain streams.

A vector goes in through stream `i` in one or more beats, and a result comes out of stream `o` in one beat.
Parameters are constants, or are loaded through a stream `p`, or travel with each vector in stream `i`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from amaranth.lib.wiring import Component

from ..pictures.svg import Diagram
from ..synapse import Format

__all__ = ["Arrays", "Hardware"]

#: Parameter arrays by name, integers.
Arrays = Mapping[str, np.ndarray]


class Hardware(Protocol):
    """What can be generated, simulated, built, compared and drawn.

    Widths are in bits, times in clock cycles. Every payload is a non-negative integer that holds the bits of one
    beat: element 0 lies in the lowest bits, and signed elements are in two's complement.
    """

    # What it is

    @property
    def name(self) -> str:
        """Name of the Verilog module and of its folder; see `tnhw.kernel.names.check_design_name`."""

    @property
    def title(self) -> str:
        """One line that says what the hardware is."""

    @property
    def interface(self) -> str:
        """Ports that `create` makes by default: ``stream`` (payload, valid, ready) or ``axi-stream``."""

    @property
    def storage(self) -> str:
        """Where parameters are.

        ``constant``: in the hardware (or there are none); ``memory``: loaded through a stream `p`; ``ports``: sent
        with each vector in stream `i`.
        """

    @property
    def initialised(self) -> bool:
        """Whether it computes without a load, because it has parameters from the start or needs none."""

    @property
    def arrays(self) -> dict[str, np.ndarray] | None:
        """Parameters that it has from the start, by name; None if there are none, or if they are not known.

        Where `storage` is ``memory``, ``pack_parameters()`` without an argument loads these.
        """

    @property
    def input(self) -> Format:
        """Format of one element of a vector: bits and signedness."""

    @property
    def inputs(self) -> int:
        """Elements of a vector."""

    @property
    def output_format(self) -> Format:
        """Format of one element of a result: bits and signedness."""

    @property
    def outputs(self) -> int:
        """Elements of a result."""

    @property
    def latency(self) -> int:
        """Cycles from the acceptance of a vector's last beat to the first beat of its result, if nothing stalls."""

    @property
    def interval(self) -> int:
        """Cycles from vector to vector, if nothing stalls; from group to group, if `images` are computed side by side."""

    @property
    def images(self) -> int:
        """Vectors that are computed side by side: so many come in each interval."""

    @property
    def wired_bits(self) -> int:
        """Bits of inputs and parameters, summed over all synapses that have gates of their own; 0 if none have.

        The time that the Verilog takes to write grows with it.
        """

    # What it computes

    def golden(self, x: Any, p: Arrays | None = None) -> np.ndarray:
        """What the hardware must answer, bit for bit.

        Parameters
        ----------
        x : array_like of int [n, inputs]
            Vectors. Kernels and designs also take one vector [inputs], and then return [outputs].
        p : dict of arrays, optional
            Parameters, by default its own. For storage ``ports`` arrays may have a leading axis of n, for a set of
            parameters for each vector.

        Returns
        -------
        int64 array [n, outputs]

        Raises
        ------
        InputError
            If `x` or `p` has a wrong shape, type or value.
        """

    def random_input(self, rng: np.random.Generator, vectors: int) -> np.ndarray:
        """Random vectors over all values of `input`: int64 [vectors, inputs]."""

    def random_parameters(
        self, rng: np.random.Generator, vectors: int | None = None
    ) -> dict[str, np.ndarray]:
        """Random parameters over all allowed values; with `vectors` (storage ``ports``) a set for each vector."""

    def corner_parameters(self) -> list[dict[str, np.ndarray]]:
        """Parameter sets with every array at an end of its range; empty for storage ``constant``."""

    def extreme_parameters(self, x: np.ndarray) -> list[dict[str, np.ndarray]]:
        """A few of the corner parameters, for storage ``memory``, where a simulation loads each of them.

        If possible, they include those that give the smallest and the largest result for a vector of `x`.
        """

    def edges(self, x: np.ndarray, p: Arrays | None, count: int) -> list[int]:
        """Indices of about `count` vectors of `x` [n, inputs] whose results would change with a small error of a sum.

        These are vectors near a step of a rounded result, for example. Empty if nothing is known.
        """

    def edge_vectors(self, x: np.ndarray, p: Arrays | None, count: int) -> np.ndarray:
        """About `count` such vectors, of `x` or made from them."""

    # Its streams

    @property
    def beats_in(self) -> int:
        """Beats of stream `i` for one vector."""

    @property
    def width_i(self) -> int:
        """Payload of a beat of stream `i` in bits."""

    @property
    def width_o(self) -> int:
        """Payload of stream `o` in bits: a whole result."""

    @property
    def beats_p(self) -> int:
        """Beats of stream `p` for one load. Used only if `storage` is ``memory``."""

    @property
    def width_p(self) -> int:
        """Payload of a beat of stream `p` in bits. Used only if `storage` is ``memory``."""

    def pack_input(self, x: Any, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `i` for vectors x [n, inputs], `beats_in` for each, in order.

        `p` is for storage ``ports``: one set of parameters, or one for each vector.
        """

    def axi_input(self, x: Any) -> list[tuple[int, int]]:
        """AXI4-Stream beats (tdata, tlast) of vectors x [n, inputs], in order; for interface ``axi-stream``."""

    def pack_parameters(self, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `p` for one load, `beats_p` of them; by default of its own parameters."""

    def pack_output(self, y: Any) -> list[int]:
        """Payloads of stream `o` for results y [n, outputs]."""

    def unpack_output(self, payloads: Iterable[int]) -> np.ndarray:
        """Results, int64 [n, outputs], of payloads of stream `o`."""

    # The gates, and facts about them

    def create(self, interface: str | None = None) -> Component:
        """The gates: an Amaranth component in the clock domain `sync`, whose reset is synchronous.

        Parameters
        ----------
        interface : str, optional
            ``stream`` or ``axi-stream``, instead of the hardware's own.

        Returns
        -------
        amaranth.lib.wiring.Component
            With streams (`amaranth.lib.stream`) `i` in, `o` out and, for storage ``memory``, `p` in. With
            ``axi-stream`` it has the ports of `tnhw.gates.kernels.axi.AxiStream` instead.

        Raises
        ------
        InputError
            If it has no such interface.
        """

    def facts(self) -> dict[str, Any]:
        """What the manifest says about it besides names, times and streams: a dict for JSON.

        It has ``formats``, a dict of names to formats as text. For storage ``memory``, ``load`` describes the
        beats of a load in a sentence.
        """

    def options(self) -> dict[str, Any]:
        """Keyword arguments with which `tnhw.catalogue.load_design` makes it again; a build keeps them."""

    def identity(self) -> Iterable[str]:
        """Lines of text that differ if what is computed differs; boards distinguish designs by a hash of them.

        Parameters are part of them if they are constant, but not if they are loaded.
        """

    def diagram(self) -> Diagram:
        """A picture of its data flow."""
