"""A harness without a serial line: stored vectors, the results they must give, and a verdict on an LED."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...errors import InputError

__all__ = ["SelfTest", "VERDICT"]

VERDICT = "LED: on = all results right, blinking = one was wrong, off = no verdict"
BLINKS = 4  # a second


class SelfTest(wiring.Component):
    """Feeds stored vectors to a component at full speed, over and over, and compares each result.

    The LED is off until every vector has been answered once, and then on as long as all results are
    right. After the first wrong result it blinks until the next reset.

    Parameters
    ----------
    component : Component
        Has streams ``i`` and ``o``, and ``p`` if there is a load; gives one beat of ``o`` for each vector.
    vectors : list of int
        Payloads of ``i``: all beats of all vectors.
    results : list of int
        Payloads of ``o``: one for each vector.
    load : list of int
        Payloads of ``p``, which are loaded once, before the first vector.
    clock : float
        Frequency of the domain ``sync`` in Hz.

    Members
    -------
    led : Out(1)
        The verdict.

    Raises
    ------
    InputError
        If there is no vector, or the beats are not the same number for each result.
    """

    uses = ("led",)
    led: Out(1)

    def __init__(
        self,
        component: Any,
        vectors: Sequence[int],
        results: Sequence[int],
        load: Sequence[int] = (),
        *,
        clock: float,
    ) -> None:
        if not results or len(vectors) % len(results):
            raise InputError("a self-test needs at least one vector, and a result for each")
        self._component, self._clock = component, clock
        self._vectors, self._results, self._load = list(vectors), list(results), list(load)
        super().__init__()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.component = component = self._component
        start = Signal(init=1)
        if self._load:
            m.submodules.load = load = _Player(len(Value.cast(component.p.payload)), self._load)
            m.d.comb += [
                load.enable.eq(start),
                Value.cast(component.p.payload).eq(load.payload),
                component.p.valid.eq(load.valid),
                load.ready.eq(component.p.ready),
            ]
            with m.If(load.last):
                m.d.sync += start.eq(0)
        m.submodules.vectors = vectors = _Player(
            len(Value.cast(component.i.payload)), self._vectors
        )
        m.d.comb += [
            vectors.enable.eq(~start if self._load else 1),
            Value.cast(component.i.payload).eq(vectors.payload),
            component.i.valid.eq(vectors.valid),
            vectors.ready.eq(component.i.ready),
        ]

        # The expected results are a stream too; a result and what is expected are taken in one cycle.
        answer = Value.cast(component.o.payload)
        m.submodules.results = results = _Player(len(answer), self._results)
        both = Signal()
        seen, right, compared = Signal(len(answer)), Signal(len(answer)), Signal()
        wrong, done, blink = Signal(), Signal(), Signal(range(int(self._clock / BLINKS)))
        m.d.comb += [
            results.enable.eq(1),
            both.eq(component.o.valid & results.valid),
            component.o.ready.eq(results.valid),
            results.ready.eq(component.o.valid),
        ]
        m.d.sync += [
            seen.eq(answer),
            right.eq(results.payload),
            compared.eq(both),
            wrong.eq(wrong | (compared & (seen != right))),
            done.eq(done | results.last),
            blink.eq(Mux(wrong, blink + 1, 0)),
            self.led.eq(Mux(wrong, blink[-1], done)),
        ]
        return m


class _Player(wiring.Component):
    """Offers stored payloads one after the other, over and over; `last` is high as the last one is taken."""

    def __init__(self, width: int, payloads: Sequence[int]) -> None:
        self._payloads = payloads
        super().__init__(
            {
                "enable": In(1),
                "payload": Out(width),
                "valid": Out(1),
                "ready": In(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        count = len(self._payloads)
        m.submodules.stored = memory = Memory(
            shape=len(self.payload), depth=max(2, count), init=self._payloads
        )
        read = memory.read_port()
        index, taken = Signal(range(max(2, count))), Signal()
        following = Mux(index == count - 1, 0, index + 1)
        m.d.comb += [
            taken.eq(self.valid & self.ready),
            self.last.eq(taken & (index == count - 1)),
            read.addr.eq(Mux(taken, following, index)),
            self.payload.eq(read.data),
        ]
        m.d.sync += self.valid.eq(self.enable & ~self.last | self.valid & ~taken)
        with m.If(taken):
            m.d.sync += index.eq(following)
        return m
