"""Engines in a row, from the input stream to the answer."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from .argmax import Argmax, Collect
from .engine import Engine

__all__ = ["Chain"]


class Chain(wiring.Component):
    """All layers of a network.

    ::

        i --> engine --> engine --> ... --> argmax, or all results side by side --> o

    Engines work at once, each on another image.

    Parameters
    ----------
    engines : list of list of Stage
        Layers of each engine.
    result : str
        ``class`` or ``vector``.
    rom, pace
        See :class:`~tnhw.arch.engine.Engine`.

    Members
    -------
    i : In(stream.Signature)
        Words of the first layer.
    o : Out(stream.Signature)
        The number of the class, or the result vector.
    """

    def __init__(self, engines, result, *, rom="auto", pace=0):
        beats = [engines[0][0].fold.simd, *(stages[-1].fold.drain for stages in engines)]
        self._engines = [
            Engine(stages, beat, rom=rom, pace=0 if number else pace)
            for number, (stages, beat) in enumerate(zip(engines, beats, strict=False))
        ]
        layer = engines[-1][-1].layer
        element, count = layer.kernel.output_format, layer.keys.outputs * layer.positions
        if result == "class":
            self._end = Argmax(element, count)
        else:
            self._end = Collect(element, beats[-1], count)
        first = engines[0][0]
        i = ArrayLayout(first.layer.input.shape, first.fold.simd)
        super().__init__(
            {
                "i": In(stream.Signature(i)),
                "o": Out(stream.Signature(self._end.o.payload.shape())),
            }
        )

    @property
    def engines(self):
        return tuple(self._engines)

    def elaborate(self, platform):
        m = Module()
        source = wiring.flipped(self.i)
        for number, engine in enumerate(self._engines):
            m.submodules[f"engine_{number}"] = engine
            wiring.connect(m, source, engine.i)
            source = engine.o
        m.submodules.answer = self._end
        wiring.connect(m, source, self._end.i)
        wiring.connect(m, self._end.o, wiring.flipped(self.o))
        return m
