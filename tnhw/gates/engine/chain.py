"""Engines in a row, from the input stream to the result stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from .argmax import Argmax, Collect
from .engine import Engine
from .reload import Turnstile

__all__ = ["Chain"]


class Chain(wiring.Component):
    """All layers of a network.

    ::

        i --> engine --> engine --> ... --> argmax, or all results in one beat --> o

    All engines work at the same time, each on another image.

    Parameters
    ----------
    engines : list of list of Stage
        The stages that each engine computes.
    result : str
        ``class`` or ``vector``.
    rom, pace
        See :class:`~tnhw.gates.engine.Engine`.

    Members
    -------
    i : In(stream.Signature)
        Words of activations for the first layer.
    o : Out(stream.Signature)
        The class, or the result vector.
    p : In(stream.Signature)
        Only if parameters can be loaded: a load of all of them, engine by engine.
    """

    def __init__(self, engines, result, *, rom="auto", pace=0):
        beats = [engines[0][0].fold.simd, *(stages[-1].fold.drain for stages in engines)]
        self._engines = [
            Engine(stages, beat, rom=rom, pace=0 if number else pace)
            for number, (stages, beat) in enumerate(zip(engines, beats, strict=False))
        ]
        last = engines[-1][-1]
        layer = last.layer
        element, count = last.output_format, layer.keys.outputs * layer.positions
        if result == "class":
            self._end = Argmax(element, count)
        else:
            self._end = Collect(element, beats[-1], count)
        first = engines[0][0]
        i = ArrayLayout(first.layer.input.shape, first.fold.simd)
        members = {
            "i": In(stream.Signature(i)),
            "o": Out(stream.Signature(self._end.o.payload.shape())),
        }
        self._beats = first.in_words
        self._loadable = first.loadable
        if self._loadable:
            width = max(len(engine.load_data) for engine in self._engines)
            members["p"] = In(stream.Signature(width))
        super().__init__(members)

    @property
    def engines(self):
        return tuple(self._engines)

    @property
    def images(self):
        """At least as many images as it can hold."""
        return sum(engine.images for engine in self._engines) + 2  # two in the answer

    def elaborate(self, platform):
        m = Module()
        source = self._gated(m) if self._loadable else wiring.flipped(self.i)
        for number, engine in enumerate(self._engines):
            m.submodules[f"engine_{number}"] = engine
            wiring.connect(m, source, engine.i)
            source = engine.o
        m.submodules.answer = self._end
        wiring.connect(m, source, self._end.i)
        wiring.connect(m, self._end.o, wiring.flipped(self.o))
        return m

    def _gated(self, m):
        """Put a turnstile into the input stream, and pass a load to the engines in turn; returns the stream."""
        m.submodules.turnstile = turnstile = Turnstile(self._beats, self.images)
        inner = stream.Signature(self.i.payload.shape()).create(path=("gated",))
        turn = Signal(range(max(2, len(self._engines))))
        beat = self.p.valid & self.p.ready
        m.d.comb += [
            inner.payload.eq(self.i.payload),
            inner.valid.eq(self.i.valid & turnstile.enter),
            self.i.ready.eq(inner.ready & turnstile.enter),
            turnstile.i_beat.eq(self.i.valid & self.i.ready),
            turnstile.o_beat.eq(self.o.valid & self.o.ready),
            turnstile.p.valid.eq(self.p.valid),
            self.p.ready.eq(turnstile.p.ready),
        ]
        for number, engine in enumerate(self._engines):
            chosen = turn == number
            m.d.comb += [
                engine.load_beat.eq(beat & chosen),
                engine.load_data.eq(self.p.payload),
            ]
            with m.If(chosen & engine.load_last):
                m.d.sync += turn.eq((number + 1) % len(self._engines))
                if number == len(self._engines) - 1:
                    m.d.comb += turnstile.last.eq(1)
        return inner
