"""Engines in a row, from the input stream to the result stream."""

from itertools import pairwise

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from .argmax import Argmax, Collect
from .deal import Deal
from .engine import Engine
from .reload import Turnstile

__all__ = ["Chain"]


class Chain(wiring.Component):
    """All layers of a network.

    ::

        i --> engine --> engine --> ... --> argmax, or all results in one beat --> o

    All engines work at the same time, each on another image, or on other images side by side.

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
            Engine(
                stages,
                beat,
                rom=rom,
                pace=0 if number else pace,
                entry=number == 0,
                onto=_onto(after),
            )
            for number, (stages, beat, after) in enumerate(
                zip(engines, beats, [*engines[1:], None], strict=False)
            )
        ]
        last = engines[-1][-1]
        layer = last.layer
        element, count = last.output_format, layer.keys.outputs * layer.positions
        first = engines[0][0]
        self._ends = [
            Argmax(element, count) if result == "class" else Collect(element, beats[-1], count)
            for _ in range(first.fold.images)
        ]
        i = ArrayLayout(first.layer.input.shape, first.fold.simd)
        members = {
            "i": In(stream.Signature(i)),
            "o": Out(stream.Signature(self._ends[0].o.payload.shape())),
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
        return self._groups * len(self._ends)

    @property
    def _groups(self):
        """At least as many images as it can hold, where those side by side count as one; two are in the answer."""
        return sum(engine.images for engine in self._engines) + 2 + (len(self._ends) > 1)

    def elaborate(self, platform):
        m = Module()
        source = self._gated(m) if self._loadable else wiring.flipped(self.i)
        for number, engine in enumerate(self._engines):
            m.submodules[f"engine_{number}"] = engine
            wiring.connect(m, source, engine.i)
            source = engine.o
        if self._engines[0].stages[0].fold.lines:
            for engine, after in pairwise(self._engines):
                m.d.comb += [
                    engine.room.eq(after.has_room),
                    after.promised.eq(engine.promise),
                ]
        if len(self._ends) == 1:
            m.submodules.answer = self._ends[0]
            wiring.connect(m, source, self._ends[0].i)
            wiring.connect(m, self._ends[0].o, wiring.flipped(self.o))
        else:
            self._dealt(m, source)
        return m

    def _dealt(self, m, source):
        """Give each image of a group an answer of its own, and let the answers leave one after the other."""
        ends, entry = self._ends, self._engines[0]
        m.submodules.deal = deal = Deal(self.o.payload.shape(), len(ends), self._groups)
        elements = list(source.payload)
        # All ends do the same at the same time, so the handshake of one is that of all.
        for image, end in enumerate(ends):
            m.submodules[f"answer_{image}"] = end
            own = elements[image :: len(ends)]
            m.d.comb += [
                end.i.valid.eq(source.valid),
                end.o.ready.eq(deal.i.ready),
                deal.i.payload[image].eq(end.o.payload),
                *(left.eq(right) for left, right in zip(end.i.payload, own, strict=True)),
            ]
        m.d.comb += [
            source.ready.eq(ends[0].i.ready),
            deal.i.valid.eq(ends[0].o.valid),
            deal.begins.eq(entry.begins),
            deal.together.eq(entry.together),
        ]
        wiring.connect(m, deal.o, wiring.flipped(self.o))

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


def _onto(stages):
    """For what the engine of these stages has room at a time, if it holds lines; for `all`, if there is none."""
    if stages is None:
        return "all"
    return "image" if stages[0].layer.keys.kind == "dense" else "row"
