"""A serial line to a harness in Amaranth's simulator, and a small component to put behind it."""

from collections import deque

from addresses import Checked
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tnhw.boards.harness import Harness
from tnhw.boards.protocol import Sizes

CLOCK = 12e6


def make_line(component=None, sizes=None, divisor=4):
    """A line to a harness around a component, by default an `Adder`."""
    component = component or Adder()
    sizes = sizes or component.sizes
    return SimulatedLine(Harness(component, sizes, clock=CLOCK, baud=CLOCK / divisor))


class Adder(wiring.Component):
    """Adds the bytes of a vector of `beats` beats, and an offset that can be loaded in two beats."""

    def __init__(self, beats=3, width_i=9, width_o=17, load=True):
        self.beats, self.sizes = (
            beats,
            Sizes(width_i, beats, width_o, 12 if load else 0, 2 if load else 0, 0x12345678),
        )
        members = {"i": In(stream.Signature(width_i)), "o": Out(stream.Signature(width_o))}
        super().__init__(members | ({"p": In(stream.Signature(12))} if load else {}))

    def golden(self, beats, offset=0):
        return (sum(beats) + offset) % (1 << self.sizes.width_o)

    def elaborate(self, platform):
        m = Module()
        total, offset = Signal.like(self.o.payload), Signal(12)
        count = Signal(range(self.beats + 1))
        m.d.comb += [
            self.i.ready.eq(count != self.beats),
            self.o.valid.eq(count == self.beats),
            self.o.payload.eq(total + offset),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [total.eq(total + self.i.payload), count.eq(count + 1)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [total.eq(0), count.eq(0)]
        if self.sizes.load_bytes:
            m.d.comb += self.p.ready.eq(1)
            with m.If(self.p.valid):
                m.d.sync += offset.eq(self.p.payload)
        return m


class SimulatedLine:
    """Link to a harness in Amaranth's simulator; `read` lets simulated time pass."""

    def __init__(self, harness):
        self.harness, self.baud, self.latency = harness, harness.baud, 600 / harness.clock
        self.period = 1 / harness.clock
        self.bits, self.received, self.cycles = deque(), bytearray(), 0
        self.simulator = Simulator(Checked(harness))
        self.simulator.add_clock(self.period)
        self.simulator.add_testbench(self._drive, background=True)
        self.simulator.add_testbench(self._listen, background=True)

    async def _wait(self, ctx, cycles):
        for _ in range(cycles):  # `repeat` leaves a generator behind that cannot be closed
            await ctx.tick()

    async def _drive(self, ctx):
        while True:
            level, cycles = self.bits.popleft() if self.bits else (1, 1)
            ctx.set(self.harness.rx, level)
            await self._wait(ctx, cycles)

    async def _listen(self, ctx):
        divisor = self.harness.divisor
        while True:
            await ctx.tick()
            if ctx.get(self.harness.tx):
                continue
            await self._wait(ctx, divisor // 2)
            byte = 0
            for bit in range(8):
                await self._wait(ctx, divisor)
                byte |= ctx.get(self.harness.tx) << bit
            await self._wait(ctx, divisor)
            assert ctx.get(self.harness.tx), "no stop bit"
            self.received.append(byte)

    def write(self, data):
        divisor = self.harness.divisor
        for byte in data:
            self.bits.append((0, divisor))
            self.bits.extend(((byte >> bit) & 1, divisor) for bit in range(8))
            self.bits.append((1, divisor))

    def clock(self):
        return self.cycles * self.period

    def levels(self, levels):
        """Put (level, clock cycles) on the line as they are."""
        self.bits.extend(levels)

    def read(self, count, timeout):
        cycles = round(timeout / self.period)
        while len(self.received) < count and (cycles > 0 or self.bits):
            cycles -= 16
            self.cycles += 16
            self.simulator.run_until(self.cycles * self.period)
        data = bytes(self.received[:count])
        del self.received[:count]
        return data
