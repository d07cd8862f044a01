"""Receiver and transmitter of a serial line: 8 data bits, no parity, 1 stop bit, least significant bit first."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ...errors import InputError

__all__ = ["UARTReceiver", "UARTTransmitter", "divisor_of"]

SMALLEST_DIVISOR = 4
WORST_ERROR = 0.02  # the last bit is sampled right up to about 4 %, shared by both ends


def divisor_of(clock_hz: float, baud: float) -> int:
    """Clock cycles for each bit at a baud rate.

    Raises
    ------
    InputError
        If the clock is too slow for the baud rate, or the closest divisor is more than `WORST_ERROR` off.
    """
    highest = int(clock_hz) // SMALLEST_DIVISOR
    if not 1 <= baud <= highest:
        raise InputError(
            f"`baud` must be 1 to {highest} with a clock of {clock_hz / 1e6:g} MHz, not {baud:g}"
        )
    divisor = round(clock_hz / baud)
    if (error := abs(clock_hz / divisor / baud - 1)) > WORST_ERROR:
        raise InputError(
            f"a clock of {clock_hz / 1e6:g} MHz gives {clock_hz / divisor:.0f} baud instead of "
            f"{baud:g} ({error:.1%} off, at most {WORST_ERROR:.0%} is allowed); "
            f"use a lower baud rate, or {int(clock_hz // divisor)}"
        )
    return divisor


class UARTReceiver(wiring.Component):
    """Receiver that samples in the middle of each bit.

    A low level shorter than half a bit is taken for noise. A byte without its stop bit is dropped
    and reported, and the receiver then waits until the line is idle.

    Parameters
    ----------
    divisor : int
        Clock cycles for each bit, at least 4.

    Members
    -------
    rx : In(1)
        The line, asynchronous, high when idle.
    o : Out(stream.Signature(8, always_ready=True))
        Bytes received.
    error : Out(1)
        High for one cycle when the stop bit of a byte is missing.
    """

    rx: In(1, init=1)
    o: Out(stream.Signature(8, always_ready=True))
    error: Out(1)

    def __init__(self, divisor: int) -> None:
        if divisor < SMALLEST_DIVISOR:
            raise InputError(f"`divisor` must be at least {SMALLEST_DIVISOR}, not {divisor}")
        self._divisor = divisor
        super().__init__()

    @property
    def divisor(self) -> int:
        """Clock cycles a bit."""
        return self._divisor

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)

        timer = Signal(range(self._divisor))
        # A one that moves down the shift register counts the bits: the start bit, then eight data bits.
        shift = Signal(9)
        m.d.comb += self.o.payload.eq(shift[1:])

        with m.FSM():
            with m.State("idle"):
                m.d.sync += [timer.eq(self._divisor // 2 - 1), shift.eq(0x100)]
                with m.If(~line):
                    m.next = "start"
            with m.State("start"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(line):
                    m.next = "idle"
                with m.Elif(timer == 0):
                    m.d.sync += timer.eq(self._divisor - 1)
                    m.next = "data"
            with m.State("data"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += [timer.eq(self._divisor - 1), shift.eq(Cat(shift[1:], line))]
                    with m.If(shift[0]):
                        m.d.sync += shift.eq(shift)
                        m.d.comb += [self.o.valid.eq(line), self.error.eq(~line)]
                        m.next = "wait"
            with m.State("wait"):
                with m.If(line):
                    m.next = "idle"
        return m


class UARTTransmitter(wiring.Component):
    """Transmitter. Each byte takes ten bits on the line.

    Parameters
    ----------
    divisor : int
        Clock cycles for each bit, at least 4.

    Members
    -------
    i : In(stream.Signature(8))
        Bytes to send.
    tx : Out(1)
        The line, high when idle.
    """

    i: In(stream.Signature(8))
    tx: Out(1, init=1)

    def __init__(self, divisor: int) -> None:
        if divisor < SMALLEST_DIVISOR:
            raise InputError(f"`divisor` must be at least {SMALLEST_DIVISOR}, not {divisor}")
        self._divisor = divisor
        super().__init__()

    @property
    def divisor(self) -> int:
        """Clock cycles a bit."""
        return self._divisor

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        timer = Signal(range(self._divisor))
        # The bits that are still to be sent, and above them a one that marks the end.
        shift = Signal(11, init=1)
        idle = Signal()
        line = Signal(init=1)
        m.d.comb += [
            idle.eq((shift == 1) & (timer == 0)),
            self.i.ready.eq(idle),
            self.tx.eq(line),
        ]
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(~idle):
            m.d.sync += [
                timer.eq(self._divisor - 1),
                line.eq(shift[0]),
                shift.eq(shift >> 1),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += shift.eq(Cat(Const(0, 1), self.i.payload, Const(0b11, 2)))
        return m
