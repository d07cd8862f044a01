"""The harness, the same on all boards: a component's streams as bytes on a serial line.

```
rx -> UARTReceiver -> FrameReceiver -> buffer -> Player -> component.i, component.p
tx <- UARTTransmitter <- FrameSender <-------------------- component.o
```

A whole frame is buffered, and its bytes reach the component only if its CRC is right. The harness handles
one frame at a time: whatever arrives before the answer has been sent is dropped.
"""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..protocol import Identity, Kind, Sizes
from .framing import FrameReceiver, FrameSender
from .player import Player
from .uart import UARTReceiver, UARTTransmitter, divisor_of

__all__ = ["Harness"]


class Harness(wiring.Component):
    """Makes a component with streams speak the board protocol on a serial line.

    Parameters
    ----------
    component : Component
        Has streams ``i`` (sink) and ``o`` (source), and ``p`` (sink) if `sizes` has a load. It gives
        one beat of ``o`` for each vector, and is in the domain ``sync``.
    sizes : Sizes
        Widths of its streams, numbers of beats, and the number that identifies the design.
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
        If no divisor of the clock is close enough to the baud rate; see `divisor_of`.
    """

    uses = ("uart", "led")  # what it needs of a board
    rx: In(1, init=1)
    tx: Out(1, init=1)
    led: Out(1)

    def __init__(self, component: Any, sizes: Sizes, *, clock: float, baud: int = 115200) -> None:
        if not isinstance(sizes, Sizes):
            raise TypeError(f"sizes must be Sizes, not {sizes!r}")
        self._component = component
        self._sizes = sizes
        self._clock = clock
        self._baud = baud
        self._divisor = divisor_of(clock, baud)
        super().__init__()

    @property
    def component(self) -> Any:
        """The component that is behind the serial line."""
        return self._component

    @property
    def sizes(self) -> Sizes:
        """Widths of the component's streams, numbers of beats, and the number of the design."""
        return self._sizes

    @property
    def clock(self) -> float:
        """Frequency of the clock in Hz."""
        return self._clock

    @property
    def baud(self) -> int:
        """Bits a second on the line."""
        return self._baud

    @property
    def divisor(self) -> int:
        """Clock cycles for each bit on the line."""
        return self._divisor

    def elaborate(self, platform: Any) -> Module:
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

        self._sinks(m, receiver, player)
        self._control(m, receiver, player, sender)

        # Heartbeat.
        beat = Signal(range(int(self._clock)))
        m.d.sync += beat.eq(beat + 1)
        m.d.comb += self.led.eq(beat[-1])
        return m

    def _sinks(self, m: Module, receiver: FrameReceiver, player: Player) -> None:
        """Connect the player to the input streams of the component."""
        component = self._component
        m.d.comb += [
            Value.cast(component.i.payload).eq(player.payload_i),
            component.i.valid.eq(player.valid_i),
            player.ready_i.eq(component.i.ready),
        ]
        if self._sizes.load_bytes:
            m.d.comb += [
                player.load.eq(receiver.kind == Kind.LOAD),
                Value.cast(component.p.payload).eq(player.payload_p),
                component.p.valid.eq(player.valid_p),
                player.ready_p.eq(component.p.ready),
            ]

    def _control(
        self, m: Module, receiver: FrameReceiver, player: Player, sender: FrameSender
    ) -> None:
        """The state machine that handles one frame: play it, wait for the result of a vector, answer."""
        component = self._component
        # A component without parameters accepts no vector. Vectors before the first load are dropped,
        # as one that waits would keep the load from being received.
        loaded = Signal(init=int(self._sizes.initialised))
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
                # A combinational component gives its result in the cycle of the last beat.
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
