"""Random hardware of one's own: small Amaranth modules with all that the writer should take."""

import random

from amaranth.hdl import (
    Array,
    Cat,
    Const,
    DomainRenamer,
    EnableInserter,
    Mux,
    ResetInserter,
    Shape,
    Signal,
)
from amaranth.lib import data
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from own_hardware import Own

__all__ = ["random_hardware"]

_WIDEST = 6


def random_hardware(seed, clocks=("sync",)):
    """A component made at random; the same seed makes the same one each time that it is elaborated."""
    rng = random.Random(seed)
    ports = {f"i{k}": In(_shape(rng, least=int(k == 0))) for k in range(rng.randint(2, 4))}
    ports |= {f"o{k}": Out(_shape(rng, least=1)) for k in range(rng.randint(1, 3))}
    body = rng.random()
    return Own(ports, lambda m, own: _Filler(random.Random(body), m, own, ports, clocks).fill())


def _shape(rng, least=0):
    width = max(least, rng.choice((0, 1, 1, 1, 2, 3, 4, 5, 8)))
    return Shape(width, width > 0 and rng.random() < 0.3)


class _Filler:
    """Adds statements and submodules; signals are read only after what drives them, unless a clock is between."""

    def __init__(self, rng, m, own, ports, clocks, depth=0):
        self.rng, self.m, self.clocks, self.depth = rng, m, clocks, depth
        self.inputs = [getattr(own, name) for name, port in ports.items() if port.flow == In]
        self.known = list(self.inputs)
        self.outputs = [getattr(own, name) for name, port in ports.items() if port.flow == Out]
        self.number = 0

    def fill(self):
        registers = [(self._signal(register=True), self.rng.choice(self.clocks)) for _ in range(2)]
        self.known += [signal for signal, _ in registers]
        kinds = [self._comb, self._comb, self._memory, self._ripple, self._machine, self._next,
                 self._view]  # fmt: skip
        if self.depth < 1:
            kinds += [self._child, self._child, self._queue]
        for _ in range(self.rng.randint(1, 3)):
            self.rng.choice(kinds)()
        for signal, clock in registers:
            self._statements(clock, [signal], 2)
        for signal in self.outputs:
            if self.rng.random() < 0.3:
                self.m.d.comb += signal.eq(self.rng.choice(self.known))
            else:
                clock = self.rng.choice(["comb", *self.clocks])
                self._statements(clock, [signal], 2)

    # ---- Values ----

    def _signal(self, register=False, shape=None):
        self.number += 1
        rng = self.rng
        shape = _shape(rng) if shape is None else shape
        init = rng.randrange(1 << shape.width) if rng.random() < 0.6 else 0
        if shape.signed:
            init -= (1 << shape.width) >> 1
        return Signal(
            shape, name=f"s{self.number}", init=init, reset_less=register and rng.random() < 0.4
        )

    def value(self, depth=2):
        """An expression of at most `_WIDEST` bits."""
        found = self._value(depth)
        return found[:_WIDEST] if len(found) > _WIDEST else found

    def _value(self, depth):
        rng = self.rng
        if depth == 0 or rng.random() < 0.1:
            if rng.random() < 0.2:
                shape = _shape(rng)
                return Const(rng.randrange(1 << shape.width), shape)
            return rng.choice(self.known)
        a, b = self.value(depth - 1), self.value(depth - 1)
        few = Cat(b, a.any())[: rng.randint(1, 3)]
        makers = [
            lambda: a + b, lambda: a - b, lambda: a * b, lambda: a & b, lambda: a | b, lambda: a ^ b,
            lambda: a == b, lambda: a != b, lambda: a < b, lambda: a <= b, lambda: a > b, lambda: a >= b,
            lambda: a << few, lambda: a >> few, lambda: a.shift_left(rng.randint(0, 3)),
            lambda: a.shift_right(rng.randint(0, 3)), lambda: a.rotate_left(2) if len(a) else a,
            lambda: -a, lambda: ~a, lambda: abs(a), lambda: a.any(), lambda: a.all(), lambda: a.xor(), lambda: a.bool(),
            lambda: Cat(a, b), lambda: a.as_signed() if len(a) else a, lambda: a.as_unsigned(),
            lambda: Mux(few, a, b), lambda: a.replicate(rng.randint(0, 2)),
            lambda: a[:].bit_select(few, rng.randint(0, 3)), lambda: a[:].word_select(few, rng.randint(1, 3)),
            lambda: Array([self.value(1) for _ in range(rng.randint(1, 4))])[few],
            lambda: a.matches(*self._patterns(len(a))) if len(a) else a,
            lambda: a.as_unsigned() // b.as_unsigned(), lambda: a.as_unsigned() % b.as_unsigned(),
            lambda: a[rng.randint(0, len(a)) :], lambda: a[: rng.randint(0, len(a))],
        ]  # fmt: skip
        return rng.choice(makers)()

    def _bit(self):
        """A bit that is not always the same."""
        return self.rng.choice([one for one in self.inputs if len(one)]).any()

    def _busy(self, bits):
        """A value whose bits all change: a memory that is written at one place only, Yosys takes for a constant."""
        return (self.value() ^ Cat(self._bit() for _ in range(bits)))[:bits]

    def _few(self, bits):
        return Cat(self.value(1), self.known[0].any())[: self.rng.randint(1, bits)]

    def _patterns(self, width):
        rng = self.rng
        return ["".join(rng.choice("01-") for _ in range(width)) for _ in range(rng.randint(1, 2))]

    # ---- Statements ----

    def _target(self, signals):
        """The signals, or something in them, on the left side."""
        rng, signal = self.rng, self.rng.choice(signals)
        width = len(signal)
        low = rng.randint(0, width)
        if signal.shape().signed and rng.random() < 0.3:
            return signal.as_unsigned()
        choices = [
            lambda: signal, lambda: signal, lambda: signal, lambda: signal[low:],
            lambda: signal[low : rng.randint(low, width)],
            lambda: signal.bit_select(self._few(3), min(width, rng.randint(0, 3))),
            lambda: signal.word_select(self._few(2), max(1, min(width, rng.randint(1, 3)))),
            lambda: Cat(*rng.sample(signals, len(signals))),
            lambda: Array([signal[:low], signal[low:], signal])[self._few(2)],
        ]  # fmt: skip
        return rng.choice(choices)()

    def _statements(self, domain, signals, depth):
        rng, m = self.rng, self.m
        for _ in range(rng.randint(1, 3)):
            kind = rng.random()
            if depth == 0 or kind < 0.4:
                value = (
                    rng.choice(signals) if domain != "comb" and rng.random() < 0.1 else self.value()
                )
                m.d[domain] += self._target(signals).eq(value)
            elif kind < 0.7:
                with m.If(self.value().bool()):
                    self._statements(domain, signals, depth - 1)
                if rng.random() < 0.5:
                    with m.Elif(self.value().bool()):
                        self._statements(domain, signals, depth - 1)
                if rng.random() < 0.5:
                    with m.Else():
                        self._statements(domain, signals, depth - 1)
            else:
                tested = Cat(self.value(), self.known[-1].any())
                with m.Switch(tested):
                    for _ in range(rng.randint(1, 3)):
                        with m.Case(*self._patterns(len(tested))):
                            self._statements(domain, signals, depth - 1)
                    if rng.random() < 0.5:
                        with m.Default():
                            self._statements(domain, signals, depth - 1)

    # ---- Parts ----

    def _comb(self):
        signals = [self._signal() for _ in range(self.rng.randint(1, 2))]
        self._statements("comb", signals, 2)
        self.known += signals

    def _next(self):
        """A register of which the next value is a signal that others read as well, or of which only a part is used."""
        after, clock = self._signal(), self.rng.choice(self.clocks)
        self._statements("comb", [after], 2)
        for _ in range(self.rng.randint(1, 2)):
            signal = self._signal(register=True)
            low = self.rng.randint(0, len(after))
            self.m.d[clock] += signal.eq(self.rng.choice([after, after[low:]]))
            self.known.append(signal)
        if self.rng.random() < 0.7:
            self.known.append(after)

    def _ripple(self):
        """A signal of which each bit depends on the ones below, as in a decoder of Gray code."""
        size = self.rng.randint(2, 5)
        signal, given = self._signal(shape=Shape(size, False)), self.value()
        self.m.d.comb += signal[0].eq(self.value())
        for k in range(1, size):
            with self.m.If(self.value(1).bool()) if self.rng.random() < 0.3 else self.m.If(1):
                self.m.d.comb += signal[k].eq(
                    signal[k - 1] ^ given[k : k + 1].any() ^ self.value(1).any()
                )
        self.known.append(signal)

    def _machine(self):
        names = [f"S{k}" for k in range(self.rng.randint(1, 4))]
        out = self._signal()
        with self.m.FSM(domain=self.rng.choice(self.clocks)) as machine:
            for name in names:
                with self.m.State(name):
                    self._statements("comb", [out], 1)
                    with self.m.If(self.value().bool()):
                        self.m.next = self.rng.choice(names)
                    if self.rng.random() < 0.3:
                        self.m.next = self.rng.choice(names)
        self.known += [out, machine.ongoing(self.rng.choice(names))]

    def _view(self):
        layout = data.StructLayout({"u": 2, "v": data.ArrayLayout(2, 2), "w": 3})
        self.number += 1
        view = Signal(layout, name=f"s{self.number}")
        clock = self.rng.choice(self.clocks)
        self.m.d[clock] += [
            view.u.eq(self.value()),
            view.v[self._few(1)].eq(self.value()),
        ]
        with self.m.If(self.value().bool()):
            self.m.d[clock] += view.w.eq(self.value())
        self.known += [view.as_value(), view.v[1], view.w]

    def _memory(self):
        rng, m = self.rng, self.m
        self.number += 1
        width, depth = rng.choice((1, 2, 4, 6)), rng.choice((1, 2, 3, 4))
        init = [rng.randrange(1 << width) for _ in range(rng.randint(0, depth))]
        m.submodules[f"m{self.number}"] = memory = Memory(shape=width, depth=depth, init=init)
        clock = rng.choice(self.clocks)
        writers = [
            memory.write_port(
                domain=clock, granularity=rng.choice([g for g in (1, 2, width) if width % g == 0])
            )
            for _ in range(depth > 1)
        ]
        for port in writers:
            m.d.comb += [
                port.addr.eq(self._busy(len(port.addr))),
                port.data.eq(self._busy(width)),
                port.en.eq(self.value()),
            ]
        for _ in range(rng.randint(1, 2)):
            if rng.random() < 0.4:
                port = memory.read_port(domain="comb")
            else:
                port = memory.read_port(
                    domain=clock, transparent_for=writers if rng.random() < 0.5 else ()
                )
                if rng.random() < 0.7:
                    m.d.comb += port.en.eq(self._bit())
            m.d.comb += port.addr.eq(self._busy(len(port.addr)))
            self.known.append(port.data)

    def _queue(self):
        self.number += 1
        kind, width = self.rng.choice([SyncFIFO, SyncFIFOBuffered]), self.rng.choice([1, 3])
        queue = kind(width=width, depth=self.rng.choice([1, 2, 3, 4]))
        self.m.submodules[f"q{self.number}"] = self._renamed(queue)
        self.m.d.comb += [
            queue.w_data.eq(self._busy(width)),
            queue.w_en.eq(self.value()),
            queue.r_en.eq(self.value()),
        ]
        self.known += [queue.r_data, queue.r_rdy, queue.w_rdy, queue.level]

    def _child(self):
        rng = self.rng
        self.number += 1
        ports = {f"i{k}": In(_shape(rng, least=int(k == 0))) for k in range(rng.randint(1, 3))}
        ports |= {f"o{k}": Out(_shape(rng)) for k in range(rng.randint(1, 3))}
        seed = rng.random()

        def fill(m, own):
            _Filler(random.Random(seed), m, own, ports, ("sync",), self.depth + 1).fill()

        child = Own(ports, fill)
        for name, port in ports.items():
            if port.flow == In:
                self.m.d.comb += getattr(child, name).eq(self.value())
            else:
                self.known.append(getattr(child, name))
        self.m.submodules[f"c{self.number}"] = self._renamed(child)

    def _renamed(self, child):
        """A submodule, perhaps with its own reset, enable or clock."""
        rng = self.rng
        if rng.random() < 0.3:
            child = ResetInserter(self.value().any())(child)
        if rng.random() < 0.3:
            child = EnableInserter(self.value().any())(child)
        return DomainRenamer(rng.choice(self.clocks))(child)
