import random

import pytest
from amaranth.hdl import Const, Elaboratable, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from board_line import Adder, SimulatedLine, make_line

from tnhw.boards import Client
from tnhw.boards.harness import Harness, framing
from tnhw.boards.harness.framing import CRC
from tnhw.boards.harness.uart import UARTReceiver, UARTTransmitter, divisor_of
from tnhw.boards.protocol import Frame, Identity, Kind, Parser, Sizes
from tnhw.errors import DeviceError, InputError


class Wire(wiring.Component):
    """Gives back its input."""

    def __init__(self, width):
        self.sizes = Sizes(width, 1, width)
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
        ]
        return m


# UART


@pytest.mark.parametrize("divisor", [4, 5, 7, 104])
def test_uart_loopback(divisor):
    m = Module()
    m.submodules.tx = tx = UARTTransmitter(divisor)
    m.submodules.rx = rx = UARTReceiver(divisor)
    m.d.comb += rx.rx.eq(tx.tx)
    data, received = [0x00, 0xFF, 0xA5, 0x5A, 0x01, 0x80], []

    async def send(ctx):
        for byte in data:
            ctx.set(tx.i.payload, byte)
            ctx.set(tx.i.valid, 1)
            await ctx.tick().until(tx.i.ready)
        ctx.set(tx.i.valid, 0)
        for _ in range(12 * divisor):
            await ctx.tick()

    async def receive(ctx):
        while True:
            await ctx.tick()
            assert not ctx.get(rx.error)
            if ctx.get(rx.o.valid):
                received.append(ctx.get(rx.o.payload))

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.add_testbench(receive, background=True)
    simulator.run()
    assert received == data


@pytest.mark.parametrize("skew", [-0.03, 0.03])
def test_uart_receiver_tolerates_skew(skew):
    divisor = 100
    rx, received = UARTReceiver(divisor), []

    async def send(ctx):
        for byte in (0x55, 0x00, 0xFF):
            for bit in (0, *((byte >> n) & 1 for n in range(8)), 1):
                ctx.set(rx.rx, bit)
                for _ in range(round(divisor * (1 + skew))):
                    await ctx.tick()
                    if ctx.get(rx.o.valid):
                        received.append(ctx.get(rx.o.payload))

    simulator = Simulator(rx)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.run()
    assert received == [0x55, 0x00, 0xFF]


def test_uart_receiver_ignores_glitch_and_reports_missing_stop_bit():
    divisor = 8
    rx, received, errors = UARTReceiver(divisor), [], []

    async def send(ctx):
        levels = [(1, 20), (0, 2), (1, 40), (0, 12 * divisor), (1, 20)]
        levels += [(0, divisor), (1, divisor), (0, 7 * divisor), (1, 3 * divisor)]
        for level, cycles in levels:
            ctx.set(rx.rx, level)
            for _ in range(cycles):
                await ctx.tick()
                if ctx.get(rx.o.valid):
                    received.append(ctx.get(rx.o.payload))
                if ctx.get(rx.error):
                    errors.append(1)

    simulator = Simulator(rx)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.run()
    assert (received, len(errors)) == ([1], 1)


def test_divisor_of():
    assert divisor_of(12e6, 115200) == 104
    assert divisor_of(25e6, 115200) == 217


@pytest.mark.parametrize(
    "clock, baud, text",
    [
        (12e6, 4_000_000, "must be 1 to 3000000 with a clock of 12 MHz"),
        (12e6, 0, "`baud` must be 1 to"),
        (12e6, 2_200_000, "gives 2400000 baud instead of 2.2e.06 .9.1% off, at most 2% is allowed"),
    ],
)
def test_divisor_of_wrong(clock, baud, text):
    with pytest.raises(InputError, match=text):
        divisor_of(clock, baud)


# Harness


def test_harness_attributes():
    component = Adder()
    harness = Harness(component, component.sizes, clock=12e6, baud=1e6)
    assert (harness.component, harness.sizes) == (component, component.sizes)
    assert (harness.clock, harness.baud, harness.divisor) == (12e6, 1e6, 12)


def test_harness_sizes_wrong():
    with pytest.raises(TypeError, match="must be Sizes"):
        Harness(Adder(), 7, clock=12e6)


@pytest.mark.parametrize("divisor", [4, 5, 11])
def test_harness_answers(divisor):
    line = make_line(divisor=divisor)
    component = line.harness.component
    client = Client(line, component.sizes)
    assert client.identify() == Identity.of(component.sizes)
    assert client.send_vector([1, 2, 300]) == 303
    client.send_load([7, 1000])
    assert client.send_vector([511, 511, 511]) == component.golden([511] * 3, 1000)
    assert client.repeated == 0


@pytest.mark.parametrize("width", [1, 7, 8, 9, 16, 33, 65])
def test_harness_widths(width):
    line = make_line(Wire(width))
    client, random_ = Client(line, line.harness.sizes), random.Random(width)
    for _ in range(3):
        value = random_.getrandbits(width)
        assert client.send_vector([value]) == value


@pytest.mark.parametrize("beats", [1, 2, 8, 16, 17])
def test_harness_beats(beats):
    line = make_line(Adder(beats, 8, 12, load=False))
    client, random_ = Client(line, line.harness.sizes), random.Random(beats)
    for _ in range(2):
        vector = [random_.getrandbits(8) for _ in range(beats)]
        assert client.send_vector(vector) == sum(vector)


def test_harness_without_parameters_waits_for_load():
    component = Adder()
    sizes = Sizes(9, 3, 17, 12, 2, 1, initialised=False)
    line = make_line(component, sizes)
    client = Client(line, sizes, retries=0)
    line.write(Frame(Kind.VECTOR, 9, bytes(6)).encode())
    assert line.read(10, 1e-3) == b""
    client.send_load([0, 5])
    assert client.send_vector([1, 1, 1]) == 8


# Noise: everything that is answered is right, and the line always comes back.


def faults(random_, frame):
    """Bytes that should be a frame, after something happened to them."""
    data = bytearray(frame)
    kind = random_.choice(("noise", "cut", "flip", "insert", "drop", "swap"))
    at = random_.randrange(len(data))
    if kind == "noise":
        return random_.randbytes(random_.randrange(1, 20)) + bytes(data)
    if kind == "cut":
        return bytes(data[:at])
    if kind == "flip":
        data[at] ^= 1 << random_.randrange(8)
    elif kind == "insert":
        data.insert(at, random_.choice((0xA5, random_.randrange(256))))
    elif kind == "drop":
        del data[at]
    else:
        other = random_.randrange(len(data))
        data[at], data[other] = data[other], data[at]
    return bytes(data)


def fuzz(seed, requests=12):
    """Number of damaged frames that were answered wrongly, and of clean ones that went unanswered."""
    random_ = random.Random(seed)
    line = make_line()
    component, sizes = line.harness.component, line.harness.sizes
    offset, wrong, lost = 0, 0, 0
    for sequence in range(requests):
        beats = [random_.choice((0xA5, random_.randrange(512))) for _ in range(3)]
        payload = b"".join(beat.to_bytes(2, "little") for beat in beats)
        kind = random_.choice((Kind.VECTOR, Kind.VECTOR, Kind.LOAD))
        if kind == Kind.LOAD:
            payload = bytes([0, 0, *random_.randrange(4096).to_bytes(2, "little")])
        frame = Frame(kind, sequence, payload)
        line.write(faults(random_, frame.encode()))
        data = line.read(1000, 2e-4)
        for answer in Parser(16).feed(data):
            # Only a frame that is right after all may be answered, and only rightly.
            if answer.kind == Kind.LOAD | 0x80:
                offset = int.from_bytes(payload[2:], "little")
                wrong += frame.kind != Kind.LOAD or answer.sequence != sequence
            else:
                expected = component.golden(beats, offset).to_bytes(3, "little")
                wrong += (answer.sequence, answer.payload) != (sequence, expected)
        client = Client(line, sizes, retries=0)
        client.resynchronise()
        try:
            lost += client.send_vector(beats) != component.golden(beats, offset)
        except DeviceError:
            lost += 1
    return wrong, lost


@pytest.mark.parametrize("seed", range(4))
def test_harness_never_answers_wrongly_and_resynchronises(seed):
    assert fuzz(seed) == (0, 0)


class BlindCRC(Elaboratable):
    """A CRC that calls everything right."""

    def __init__(self):
        self._inner = inner = CRC().create()
        self.start, self.data, self.valid, self.crc = (
            inner.start,
            inner.data,
            inner.valid,
            inner.crc,
        )
        self.match_detected = Const(1)

    def create(self):
        return self

    def elaborate(self, platform):
        return self._inner


def test_fuzz_finds_a_harness_without_crc_check(monkeypatch):
    monkeypatch.setattr(framing, "CRC", BlindCRC)
    assert any(fuzz(seed) != (0, 0) for seed in range(3))


def test_line_bursts():
    """A vector is taken while zeros, breaks and glitches surround it."""
    line = make_line()
    random_ = random.Random(1)
    for _ in range(5):
        line.levels((random_.randrange(2), random_.randrange(1, 90)) for _ in range(20))
        line.levels([(1, 60)])
        client = Client(line, line.harness.sizes, retries=2)
        assert client.send_vector([1, 2, 3]) == 6


def test_simulated_line_is_a_link():
    line = make_line()
    assert isinstance(line, SimulatedLine)
    assert line.read(1, 1e-5) == b""
