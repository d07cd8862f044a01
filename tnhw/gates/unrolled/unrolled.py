"""All layers of a network, each with gates for all of its synapses, between two streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from ...synapse import Format
from .largest import Largest
from .layer import Layer
from .planning import Neurons

__all__ = ["Unrolled"]

QUEUE = 2  # cycles from the end of the pipeline through the queue to `o`


class Unrolled(wiring.Component):
    """A network that takes a vector in each cycle.

    ::

        i --> layer --> layer --> ... --> [largest] --> queue --> o
        valid --> a register for each cycle of the pipeline --^

    The pipeline never stops, so its registers have no enable, and no path leads through all of it. Instead the queue has
    a place for every vector that is inside: a vector enters only if one is free. A vector that is not taken at `o` waits
    in the queue, and with it all that follow.

    Parameters
    ----------
    layers : sequence of Neurons
    result : str
        ``class`` or ``vector``.

    Attributes
    ----------
    latency : int
        Cycles from the acceptance of a vector to its result, if nothing stalls.
    images : int
        Vectors that may be inside.

    Members
    -------
    i : In(stream.Signature)
        A whole vector.
    o : Out(stream.Signature)
        The class, or the result vector.
    """

    def __init__(self, layers: Sequence[Neurons], result: str) -> None:
        self._layers = [Layer(neurons) for neurons in layers]
        first, last = layers[0], layers[-1]
        element = last.plan.output
        self._largest = Largest(element, last.outputs) if result == "class" else None
        if self._largest is None:
            answer = ArrayLayout(element.shape, last.outputs)
        else:
            answer = ArrayLayout(Format.of_interval(0, max(1, last.outputs - 1)).shape, 1)
        vector = ArrayLayout(first.rule.input.shape, first.inputs)
        super().__init__({"i": In(stream.Signature(vector)), "o": Out(stream.Signature(answer))})

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(self._layers)

    @property
    def _depth(self) -> int:
        """Cycles from a vector to its result at the entry of the queue."""
        ends = self._largest.latency if self._largest is not None else 0
        return sum(layer.latency for layer in self._layers) + ends

    @property
    def latency(self) -> int:
        return self._depth + QUEUE

    @property
    def images(self) -> int:
        # If none waits and one enters in each cycle, `latency` are inside. The count of them lags behind: by a cycle for
        # those that leave, and by two for those that enter.
        return self.latency + 3

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        places = self.images
        taken, left = Signal(), Signal()
        m.d.comb += taken.eq(self.i.valid & self.i.ready)

        # Registers on both sides of the count: otherwise it would be the slowest path of the network.
        inside = Signal(range(places + 1))
        m.d.sync += [
            left.eq(self.o.valid & self.o.ready),
            inside.eq(inside + taken - left),
            self.i.ready.eq(inside < places - 1),
        ]

        value: Value = Value.cast(self.i.payload)
        for number, layer in enumerate(self._layers):
            m.submodules[f"layer_{number}"] = layer
            m.d.comb += Value.cast(layer.x).eq(value)
            value = Value.cast(layer.y)
        if self._largest is not None:
            m.submodules.largest = self._largest
            m.d.comb += Value.cast(self._largest.x).eq(value)
            value = self._largest.y
        arrived = Signal(self._depth)
        m.d.sync += arrived.eq(Cat(taken, arrived))

        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=len(value), depth=places)
        m.d.comb += [
            queue.w_en.eq(arrived[-1]),
            queue.w_data.eq(value),
            queue.r_en.eq(self.o.ready),
            self.o.valid.eq(queue.r_rdy),
            Value.cast(self.o.payload).eq(queue.r_data),
        ]
        return m
