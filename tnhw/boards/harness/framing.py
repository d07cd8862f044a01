"""Gates that receive and send the frames of the byte protocol between host and board.

They share constants with `tnhw.boards.protocol` and nothing else. `docs/protocol.md` describes the frames.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from amaranth.hdl import Array, Const, Module, Mux, Signal
from amaranth.lib import crc, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..protocol import ANSWER, SYNC, Kind

__all__ = ["FrameReceiver", "FrameSender"]

CRC = crc.catalog.CRC16_IBM_3740


class Step(IntEnum):
    """The byte of a frame that is received or sent next."""

    SYNC = 0
    KIND = 1
    SEQUENCE = 2
    LOW = 3
    HIGH = 4
    PAYLOAD = 5
    CHECK_HIGH = 6
    CHECK_LOW = 7


class FrameReceiver(wiring.Component):
    """Looks for a frame in the received bytes, writes its payload to a buffer and checks its CRC.

    A frame of an unknown kind or of the wrong length is dropped as soon as that is known, and so is a frame
    in which a byte has a framing error. The search for the next frame begins with the next byte.

    Parameters
    ----------
    lengths : dict of int to int
        Payload bytes of each kind of frame that is accepted.
    depth : int
        Bytes of the buffer: at least the longest payload.

    Members
    -------
    i : In(stream.Signature(8, always_ready=True))
        Bytes received.
    error : In(1)
        High in a cycle in which a byte could not be received.
    hold : In(1)
        While it is high, bytes that arrive are dropped.
    address, data, write : Out(range(depth)), Out(8), Out(1)
        Write port of the buffer that takes the payload.
    done : Out(1)
        High for one cycle, a cycle after the last byte of a frame whose CRC is right.
    kind, sequence : Out(8)
        Kind and sequence number of the frame; they do not change while `hold` is high.
    """

    def __init__(self, lengths: Mapping[Kind, int], depth: int) -> None:
        self._lengths = dict(lengths)
        self._depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(8, always_ready=True)),
                "error": In(1),
                "hold": In(1),
                "address": Out(range(depth)),
                "data": Out(8),
                "write": Out(1),
                "done": Out(1),
                "kind": Out(8),
                "sequence": Out(8),
            }
        )

    @property
    def lengths(self) -> dict[Kind, int]:
        """Payload bytes of each kind of frame."""
        return dict(self._lengths)

    @property
    def depth(self) -> int:
        """Bytes of the buffer."""
        return self._depth

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.crc = check = CRC().create()
        byte, valid = self.i.payload, Signal()
        step = Signal(Step)
        complete = Signal()
        m.d.comb += [
            valid.eq(self.i.valid & ~self.hold),
            check.data.eq(byte),
            check.start.eq(step == Step.SYNC),
            check.valid.eq(valid & (step != Step.SYNC)),
            self.data.eq(byte),
            self.done.eq(complete & check.match_detected),
        ]

        # The length that a frame of this kind must have.
        known, length = Signal(), Signal(bits_for(self._depth))
        with m.Switch(self.kind):
            for kind, expected in self._lengths.items():
                with m.Case(kind):
                    m.d.comb += [known.eq(1), length.eq(expected)]

        m.d.sync += complete.eq(0)
        with m.If(valid):
            with m.Switch(step):
                with m.Case(Step.SYNC):
                    m.d.sync += self.address.eq(0)
                    with m.If(byte == SYNC):
                        m.d.sync += step.eq(Step.KIND)
                with m.Case(Step.KIND):
                    m.d.sync += [self.kind.eq(byte), step.eq(Step.SEQUENCE)]
                with m.Case(Step.SEQUENCE):
                    m.d.sync += [self.sequence.eq(byte), step.eq(Step.LOW)]
                with m.Case(Step.LOW):
                    m.d.sync += step.eq(Step.HIGH)
                    with m.If(~known | (byte != length[:8])):
                        m.d.sync += step.eq(Step.SYNC)
                with m.Case(Step.HIGH):
                    m.d.sync += step.eq(Mux(length == 0, Step.CHECK_HIGH, Step.PAYLOAD))
                    with m.If(byte != length[8:]):
                        m.d.sync += step.eq(Step.SYNC)
                with m.Case(Step.PAYLOAD):
                    m.d.comb += self.write.eq(1)
                    m.d.sync += self.address.eq(self.address + 1)
                    with m.If(self.address == (length - 1)[: len(self.address)]):
                        m.d.sync += step.eq(Step.CHECK_HIGH)
                with m.Case(Step.CHECK_HIGH):
                    m.d.sync += step.eq(Step.CHECK_LOW)
                with m.Case(Step.CHECK_LOW):
                    m.d.sync += [complete.eq(1), step.eq(Step.SYNC)]
        with m.If(self.error):
            m.d.sync += step.eq(Step.SYNC)
        return m


class FrameSender(wiring.Component):
    """Sends a frame that answers another.

    Parameters
    ----------
    lengths : dict of int to int
        Payload bytes of the answer to each kind of frame.
    fixed : dict of int to bytes
        Payload of the answer to each kind of frame whose answer is always the same.
    width : int
        Width of `result` in bits.

    Members
    -------
    start : In(1)
        High for one cycle to send an answer; `kind` and `sequence` must stay until `done`.
    kind, sequence : In(8)
        Kind and sequence number of the frame that is answered.
    result : In(width)
        Payload of the answers that are not `fixed`. It is sampled at `start` and sent least significant
        byte first.
    o : Out(stream.Signature(8))
        Bytes to send.
    done : Out(1)
        High in the cycle in which the last byte is handed over.
    """

    def __init__(
        self, lengths: Mapping[Kind, int], fixed: Mapping[Kind, bytes], width: int
    ) -> None:
        self._lengths = dict(lengths)
        self._fixed = dict(fixed)
        self._width = width
        super().__init__(
            {
                "start": In(1),
                "kind": In(8),
                "sequence": In(8),
                "result": In(width),
                "o": Out(stream.Signature(8)),
                "done": Out(1),
            }
        )

    @property
    def lengths(self) -> dict[Kind, int]:
        """Payload bytes of the answer to each kind of frame."""
        return dict(self._lengths)

    @property
    def fixed(self) -> dict[Kind, bytes]:
        """Payload of the answer to each kind of frame whose answer is always the same."""
        return dict(self._fixed)

    @property
    def width(self) -> int:
        """Width of `result` in bits."""
        return self._width

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.crc = check = CRC().create()
        step, busy = Signal(Step), Signal()
        count = Signal(range(max(*self._lengths.values(), 1)))
        shift = Signal((self._width + 7) // 8 * 8)

        length, payload = Signal(16), Signal(8)
        m.d.comb += payload.eq(shift[:8])
        with m.Switch(self.kind):
            for kind, expected in self._lengths.items():
                with m.Case(kind):
                    m.d.comb += length.eq(expected)
                    if kind in self._fixed:
                        text = Array(Const(byte, 8) for byte in self._fixed[kind])
                        m.d.comb += payload.eq(text[count])

        byte, sent = self.o.payload, Signal()
        m.d.comb += [
            self.o.valid.eq(busy),
            sent.eq(busy & self.o.ready),
            check.data.eq(byte),
            check.start.eq(step == Step.SYNC),
            check.valid.eq(sent & ~step.matches(Step.SYNC, Step.CHECK_HIGH, Step.CHECK_LOW)),
        ]
        with m.Switch(step):
            with m.Case(Step.SYNC):
                m.d.comb += byte.eq(SYNC)
            with m.Case(Step.KIND):
                m.d.comb += byte.eq(self.kind | ANSWER)
            with m.Case(Step.SEQUENCE):
                m.d.comb += byte.eq(self.sequence)
            with m.Case(Step.LOW):
                m.d.comb += byte.eq(length[:8])
            with m.Case(Step.HIGH):
                m.d.comb += byte.eq(length[8:])
            with m.Case(Step.PAYLOAD):
                m.d.comb += byte.eq(payload)
            with m.Case(Step.CHECK_HIGH):
                m.d.comb += byte.eq(check.crc[8:])
            with m.Case(Step.CHECK_LOW):
                m.d.comb += [byte.eq(check.crc[:8]), self.done.eq(sent)]

        with m.If(self.start):
            m.d.sync += busy.eq(1)
        with m.If(self.start | (sent & (step == Step.PAYLOAD))):
            m.d.sync += shift.eq(Mux(self.start, self.result, shift >> 8))
        with m.If(sent):
            m.d.sync += step.eq(step + 1)
            with m.Switch(step):
                with m.Case(Step.HIGH):
                    m.d.sync += count.eq(0)
                    with m.If(length == 0):
                        m.d.sync += step.eq(Step.CHECK_HIGH)
                with m.Case(Step.PAYLOAD):
                    m.d.sync += count.eq(count + 1)
                    with m.If(count != (length - 1)[: len(count)]):
                        m.d.sync += step.eq(Step.PAYLOAD)
                with m.Case(Step.CHECK_LOW):
                    m.d.sync += [busy.eq(0), step.eq(Step.SYNC)]
        return m
