"""The board-independent harness: a component's streams as bytes on a serial line.

```
rx -> UARTReceiver -> FrameReceiver -> buffer -> Player -> component.i, component.p
tx <- UARTTransmitter <- FrameSender <-------------------- component.o
```

A frame is buffered whole, and its bytes reach the component only after its CRC was right. One frame
is handled at a time: what arrives before its answer has been sent is dropped.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .framing import FrameReceiver, FrameSender
from .protocol import Identity, Kind, Sizes, bytes_of
from .uart import UARTReceiver, UARTTransmitter, divisor_of

__all__ = ["Harness", "Player"]


class Player(wiring.Component):
    """Reads the buffer from its start and offers its bytes as the beats of one of two streams.

    A byte takes two cycles and a beat at least one more.

    Parameters
    ----------
    sizes : Sizes
        Widths and numbers of beats.

    Members
    -------
    start : In(1)
        High for one cycle to play.
    load : In(1)
        Play a load of parameters, not a vector; must stay until `done`.
    address, read, data : Out, Out, In
        Read port of the buffer, whose data follow a cycle after `read`.
    payload_i, valid_i, ready_i and payload_p, valid_p, ready_p
        The two streams.
    done : Out(1)
        High in the cycle in which the last beat is accepted.
    """

    def __init__(self, sizes):
        self._sizes = sizes
        members = {"start": In(1), "load": In(1), "done": Out(1), "data": In(8), "read": Out(1)}
        members["address"] = Out(range(max(sizes.vector_bytes, sizes.load_bytes, 2)))
        for name, width in (("i", sizes.width_i), ("p", sizes.width_p)):
            members[f"payload_{name}"] = Out(width)
            members[f"valid_{name}"] = Out(1)
            members[f"ready_{name}"] = In(1)
        super().__init__(members)

    @property
    def sizes(self):
        """Widths and numbers of beats."""
        return self._sizes

    def elaborate(self, platform):
        m = Module()
        sizes = self._sizes
        bytes_i, bytes_p = bytes_of(sizes.width_i), bytes_of(sizes.width_p)
        last_byte = Signal(range(max(bytes_i, bytes_p)))
        last_address = Signal(len(self.address))
        ready = Signal()
        m.d.comb += [
            last_byte.eq(Mux(self.load, bytes_p - 1, bytes_i - 1)),
            last_address.eq(Mux(self.load, sizes.load_bytes, sizes.vector_bytes)),
            ready.eq(Mux(self.load, self.ready_p, self.ready_i)),
        ]

        # Bytes enter at the top, so that a beat of either stream ends there.
        shift = Signal(8 * max(bytes_i, bytes_p))
        count = Signal(range(max(bytes_i, bytes_p)))
        m.d.comb += [
            self.payload_i.eq(shift[len(shift) - 8 * bytes_i :]),
            self.payload_p.eq(shift[len(shift) - 8 * bytes_p :]),
        ]

        with m.FSM():
            with m.State("idle"):
                m.d.sync += [self.address.eq(0), count.eq(0)]
                with m.If(self.start):
                    m.next = "read"
            with m.State("read"):
                m.d.comb += self.read.eq(1)
                m.d.sync += self.address.eq(self.address + 1)
                m.next = "shift"
            with m.State("shift"):
                m.d.sync += [shift.eq(Cat(shift[8:], self.data)), count.eq(count + 1)]
                m.next = "read"
                with m.If(count == last_byte):
                    m.next = "offer"
            with m.State("offer"):
                m.d.comb += [self.valid_i.eq(~self.load), self.valid_p.eq(self.load)]
                m.d.sync += count.eq(0)
                with m.If(ready):
                    m.next = "read"
                    # The address has moved on; it is back at 0 after a full buffer.
                    with m.If(self.address == last_address):
                        m.d.comb += self.done.eq(1)
                        m.next = "idle"
        return m


class Harness(wiring.Component):
    """Makes a component with streams speak the board protocol on a serial line.

    Parameters
    ----------
    component : Component
        Has streams ``i`` (sink) and ``o`` (source), and ``p`` (sink) if `sizes` has a load. It gives
        one beat of ``o`` for each vector, and is in the domain ``sync``.
    sizes : Sizes
        Widths and numbers of beats of its streams, and the number of the design.
    clock : float
        Frequency of the domain ``sync`` in Hz.
    baud : float
        Bits a second on the line.

    Members
    -------
    rx, tx : In(1), Out(1)
        The line, high when idle; 8 data bits, no parity, 1 stop bit.
    led : Out(1)
        Heartbeat, about one blink a second.

    Raises
    ------
    InputError
        If the clock cannot be divided to the baud rate.
    """

    rx: In(1, init=1)
    tx: Out(1, init=1)
    led: Out(1)

    def __init__(self, component, sizes, *, clock, baud=115200):
        if not isinstance(sizes, Sizes):
            raise TypeError(f"sizes must be Sizes, not {sizes!r}")
        self._component = component
        self._sizes = sizes
        self._clock = clock
        self._baud = baud
        self._divisor = divisor_of(clock, baud)
        super().__init__()

    @property
    def component(self):
        """The component behind the line."""
        return self._component

    @property
    def sizes(self):
        """Widths and numbers of beats of its streams."""
        return self._sizes

    @property
    def clock(self):
        """Frequency of the clock in Hz."""
        return self._clock

    @property
    def baud(self):
        """Bits a second on the line."""
        return self._baud

    @property
    def divisor(self):
        """Clock cycles a bit on the line."""
        return self._divisor

    def elaborate(self, platform):
        m = Module()
        sizes = self._sizes
        requests = {Kind.IDENTIFY: 0, Kind.VECTOR: sizes.vector_bytes}
        answers = {Kind.IDENTIFY: Identity.SIZE, Kind.VECTOR: sizes.answer_bytes}
        if sizes.load_bytes:
            requests[Kind.LOAD] = sizes.load_bytes
            answers[Kind.LOAD] = 0
        depth = max(*requests.values(), 2)
        fixed = {Kind.IDENTIFY: Identity.of(sizes).encode()}

        m.submodules.component = component = self._component
        m.submodules.uart_rx = uart_rx = UARTReceiver(self._divisor)
        m.submodules.uart_tx = uart_tx = UARTTransmitter(self._divisor)
        m.submodules.receiver = receiver = FrameReceiver(requests, depth)
        m.submodules.sender = sender = FrameSender(answers, fixed, sizes.width_o)
        m.submodules.player = player = Player(sizes)
        m.submodules.buffer = buffer = Memory(shape=8, depth=depth, init=[])
        write, read = buffer.write_port(), buffer.read_port()

        wiring.connect(m, uart_rx.o, receiver.i)
        wiring.connect(m, sender.o, uart_tx.i)
        m.d.comb += [
            uart_rx.rx.eq(self.rx),
            self.tx.eq(uart_tx.tx),
            receiver.error.eq(uart_rx.error),
            write.addr.eq(receiver.address),
            write.data.eq(receiver.data),
            write.en.eq(receiver.write),
            read.addr.eq(player.address),
            read.en.eq(player.read),
            player.data.eq(read.data),
            sender.kind.eq(receiver.kind),
            sender.sequence.eq(receiver.sequence),
            sender.result.eq(Value.cast(component.o.payload)),
        ]

        # The component's sinks.
        m.d.comb += [
            Value.cast(component.i.payload).eq(player.payload_i),
            component.i.valid.eq(player.valid_i),
            player.ready_i.eq(component.i.ready),
        ]
        if sizes.load_bytes:
            m.d.comb += [
                player.load.eq(receiver.kind == Kind.LOAD),
                Value.cast(component.p.payload).eq(player.payload_p),
                component.p.valid.eq(player.valid_p),
                player.ready_p.eq(component.p.ready),
            ]

        # Without parameters a component takes no vector, and a vector that waits would bar the load.
        loaded = Signal(init=int(sizes.initialised))

        # One frame at a time: play it, wait for the result of a vector, answer.
        m.d.comb += receiver.hold.eq(1)
        with m.FSM():
            with m.State("receive"):
                m.d.comb += receiver.hold.eq(receiver.done)
                with m.If(receiver.done):
                    with m.If(receiver.kind == Kind.IDENTIFY):
                        m.d.comb += sender.start.eq(1)
                        m.next = "answer"
                    with m.Elif(loaded | player.load):
                        m.d.comb += player.start.eq(1)
                        m.next = "play"
            with m.State("play"):
                with m.If(player.done):
                    m.next = "wait"
                    with m.If(player.load):
                        m.d.sync += loaded.eq(1)
                        m.d.comb += sender.start.eq(1)
                        m.next = "answer"
                # A component without registers answers in the cycle of the last beat.
                m.d.comb += component.o.ready.eq(~player.load)
                with m.If(component.o.valid & ~player.load):
                    m.d.comb += sender.start.eq(1)
                    m.next = "answer"
            with m.State("wait"):
                m.d.comb += component.o.ready.eq(1)
                with m.If(component.o.valid):
                    m.d.comb += sender.start.eq(1)
                    m.next = "answer"
            with m.State("answer"):
                with m.If(sender.done):
                    m.next = "receive"

        # Heartbeat.
        beat = Signal(range(int(self._clock)))
        m.d.sync += beat.eq(beat + 1)
        m.d.comb += self.led.eq(beat[-1])
        return m
