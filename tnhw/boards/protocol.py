"""The byte protocol between host and board, as the host and the tests see it.

`docs/protocol.md` describes it. The gates of `tnhw.boards.harness` share the constants of this module and
nothing else: their parser of frames and their CRC are written separately, so that a mistake in either shows.
"""

import binascii
import hashlib
from dataclasses import dataclass
from enum import IntEnum

from ..errors import InputError
from ..hardware import Hardware

__all__ = ["ANSWER", "SYNC", "VERSION", "Frame", "Identity", "Kind", "Parser", "Sizes", "crc16"]

VERSION = 1
SYNC = 0xA5
ANSWER = 0x80
HEADER = 5  # bytes: sync, kind, sequence number, length (2)
OVERHEAD = HEADER + 2


class Kind(IntEnum):
    """What a frame asks for. The kind of its answer is this number plus `ANSWER`."""

    IDENTIFY = 0x01
    VECTOR = 0x02
    LOAD = 0x03


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740: polynomial 0x1021, initial value 0xFFFF, nothing reflected."""
    return binascii.crc_hqx(data, 0xFFFF)


@dataclass(frozen=True)
class Sizes:
    """The numbers that a harness and its host must agree on.

    Parameters
    ----------
    width_i, beats_in
        Payload bits of a beat of the input stream, and beats of a vector.
    width_o
        Payload bits of the output stream, which gives one beat for each vector.
    width_p, beats_p
        Payload bits of a beat of the parameter stream, and beats of a load; 0 if there is no such stream.
    design
        Number of 32 bits that identifies the design.
    initialised
        Whether vectors may come before a load.

    Raises
    ------
    InputError
        If the payload of a frame would have more than 65535 bytes.
    """

    width_i: int
    beats_in: int
    width_o: int
    width_p: int = 0
    beats_p: int = 0
    design: int = 0
    initialised: bool = True

    def __post_init__(self) -> None:
        for name in ("width_i", "beats_in", "width_o"):
            if getattr(self, name) < 1:
                raise InputError(f"`{name}` must be at least 1, not {getattr(self, name)}")
        for name in ("vector_bytes", "answer_bytes", "load_bytes"):
            if not 0 <= getattr(self, name) <= 0xFFFF:
                raise InputError(
                    f"a frame carries at most 65535 bytes, but this design needs "
                    f"{getattr(self, name)} ({name.replace('_', ' ')}); use fewer inputs or outputs"
                )

    @classmethod
    def of(cls, hardware: Hardware) -> "Sizes":
        """Sizes of the streams of a kernel or another hardware."""
        memory = hardware.storage == "memory"
        return cls(
            hardware.width_i,
            hardware.beats_in,
            hardware.width_o,
            hardware.width_p if memory else 0,
            hardware.beats_p if memory else 0,
            design_number(hardware),
            not memory or hardware.initialised,
        )

    @property
    def vector_bytes(self) -> int:
        """Payload bytes of a vector frame."""
        return bytes_of(self.width_i) * self.beats_in

    @property
    def load_bytes(self) -> int:
        """Payload bytes of a load frame."""
        return bytes_of(self.width_p) * self.beats_p

    @property
    def answer_bytes(self) -> int:
        """Payload bytes of the answer to a vector."""
        return bytes_of(self.width_o)

    @property
    def longest(self) -> int:
        """Bytes of the longest frame that the board takes."""
        return OVERHEAD + max(self.vector_bytes, self.load_bytes)


def bytes_of(width: int) -> int:
    """Whole bytes that hold `width` bits."""
    return (width + 7) // 8


def design_number(hardware: Hardware) -> int:
    """Number of 32 bits, a hash of everything that decides what the hardware computes."""
    hasher = hashlib.blake2b(digest_size=4)
    for line in hardware.identity():
        hasher.update(f"{line}\n".encode())
    return int.from_bytes(hasher.digest(), "little")


@dataclass(frozen=True)
class Frame:
    """One frame: kind, sequence number, payload."""

    kind: int
    sequence: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes of the frame on the line, with sync byte, length and CRC."""
        body = bytes([self.kind, self.sequence])
        body += len(self.payload).to_bytes(2, "little") + self.payload
        return bytes([SYNC]) + body + crc16(body).to_bytes(2, "big")


class Parser:
    """Finds the frames in a stream of bytes that may hold noise.

    If the CRC of a frame is wrong, the search goes on at the byte after its sync byte, so that noise that
    looks like a header does not hide a good frame behind it.

    Parameters
    ----------
    longest
        Most payload bytes that a frame may have; a longer one is taken for noise.
    """

    def __init__(self, longest: int = 0xFFFF) -> None:
        self.longest = longest
        self._pending = bytearray()

    def clear(self) -> None:
        """Forget all bytes that were fed."""
        self._pending.clear()

    def feed(self, data: bytes) -> list[Frame]:
        """Take more bytes, and return the right frames that are complete with them."""
        self._pending += data
        frames: list[Frame] = []
        while (start := self._pending.find(SYNC)) >= 0:
            del self._pending[:start]
            if len(self._pending) < HEADER:
                return frames
            end = HEADER + int.from_bytes(self._pending[3:5], "little") + 2
            if end - OVERHEAD > self.longest:
                del self._pending[0]
                continue
            if len(self._pending) < end:
                return frames
            body, check = bytes(self._pending[1 : end - 2]), self._pending[end - 2 : end]
            if crc16(body) == int.from_bytes(check, "big"):
                frames.append(Frame(body[0], body[1], body[4:]))
                del self._pending[:end]
            else:
                del self._pending[0]
        self._pending.clear()
        return frames


@dataclass(frozen=True)
class Identity:
    """What a board says it holds: version of the protocol, number of the design, payload sizes in bytes."""

    version: int
    design: int
    vector_bytes: int
    answer_bytes: int
    load_bytes: int

    SIZE = 11

    @classmethod
    def of(cls, sizes: Sizes) -> "Identity":
        """The identity of a board that holds a design of these sizes."""
        return cls(VERSION, sizes.design, sizes.vector_bytes, sizes.answer_bytes, sizes.load_bytes)

    def encode(self) -> bytes:
        """Payload of the answer to `Kind.IDENTIFY`."""
        result = bytes([self.version]) + self.design.to_bytes(4, "little")
        for size in (self.vector_bytes, self.answer_bytes, self.load_bytes):
            result += size.to_bytes(2, "little")
        return result

    @classmethod
    def decode(cls, payload: bytes) -> "Identity":
        """Inverse of `encode`; the payload has `SIZE` bytes."""
        low = [int.from_bytes(payload[at : at + 2], "little") for at in (5, 7, 9)]
        return cls(payload[0], int.from_bytes(payload[1:5], "little"), *low)
