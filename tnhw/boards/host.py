"""What the host does with a board: talk the protocol, compare results with the golden model, upload."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import tools
from ..errors import DeviceError, InputError, ToolFailed
from ..hardware import Hardware
from .board import Board
from .link import Link, SerialLink
from .protocol import ANSWER, OVERHEAD, VERSION, Frame, Identity, Kind, Parser, Sizes, bytes_of
from .words import hand_command

__all__ = ["Client", "Link", "RunRecord", "SerialLink", "run", "upload"]


PATIENCE = 4  # an attempt ends after this many times the time that a frame and its answer take


class Client:
    """Talks to the harness of a board.

    Every request waits for its own answer: same kind, same sequence number, right length, right CRC.
    Anything else on the line is ignored. After a time-out the client sends as many zeros as the longest
    frame has bytes, which completes any frame that the board may be waiting for, and asks again.

    Parameters
    ----------
    link : Link
        The line.
    hardware : Hardware or Sizes
        What the board should hold. `load` and `infer` need the hardware; for the other methods its
        sizes are enough.
    retries : int
        How often a request is repeated before it fails.

    Attributes
    ----------
    repeated : int
        Requests that have been repeated so far.
    """

    def __init__(self, link: Link, hardware: Hardware | Sizes, retries: int = 3) -> None:
        self.link = link
        self.hardware: Any = None if isinstance(hardware, Sizes) else hardware
        self.sizes = hardware if isinstance(hardware, Sizes) else Sizes.of(hardware)
        self.retries = retries
        self.repeated = 0
        self._sequence = 0
        self._parser = Parser(max(Identity.SIZE, self.sizes.answer_bytes))

    def __repr__(self) -> str:
        held = "any hardware" if self.hardware is None else self.hardware.name
        return f"<Client for {held}: {self.repeated} requests repeated>"

    def resynchronise(self) -> None:
        """Bring the board to the start of a frame, whatever it received before."""
        self.link.write(bytes(self.sizes.longest))
        wait = 10 * (self.sizes.longest + OVERHEAD) / self.link.baud + self.link.latency
        limit = 4 * (self.sizes.longest + self._parser.longest + OVERHEAD)
        end = self.link.clock() + PATIENCE * wait
        while limit > 0 and (left := end - self.link.clock()) > 0:
            data = self.link.read(limit, min(wait, left))
            if not data:
                break
            limit -= len(data)
        self._parser.clear()

    def ask(self, kind: Kind, payload: bytes, answer: int) -> bytes:
        """Send a request and return the payload of its answer, which has `answer` bytes.

        An attempt ends after `PATIENCE` times the time that its bytes take, whatever arrives meanwhile.

        Raises
        ------
        DeviceError
            If there is no answer after all repetitions.
        """
        expected = OVERHEAD + answer
        wait = 12 * (OVERHEAD + len(payload) + expected) / self.link.baud + self.link.latency
        for attempt in range(self.retries + 1):
            if attempt:
                self.repeated += 1
                self.resynchronise()
            self._sequence = (self._sequence + 1) % 256
            self.link.write(Frame(kind, self._sequence, payload).encode())
            missing, limit = expected, 4 * (expected + self.sizes.longest)
            end = self.link.clock() + PATIENCE * wait
            while limit > 0 and (left := end - self.link.clock()) > 0:
                data = self.link.read(missing, min(wait, left))
                if not data:
                    break
                limit -= len(data)
                missing = max(1, missing - len(data))
                for frame in self._parser.feed(data):
                    given = frame.kind, frame.sequence, len(frame.payload)
                    if given == (kind | ANSWER, self._sequence, answer):
                        return frame.payload
        raise DeviceError(
            f"the board gave no correct answer to {self.retries + 1} requests ({kind.name.lower()}); "
            f"check the port, its baud rate ({self.link.baud:g}) and what was uploaded"
        )

    def identify(self) -> Identity:
        """Ask the board what it holds."""
        return Identity.decode(self.ask(Kind.IDENTIFY, b"", Identity.SIZE))

    def check(self) -> Identity:
        """Make sure that the board holds the hardware of this client.

        Raises
        ------
        DeviceError
            If it holds another design, or speaks another version of the protocol.
        """
        found, wanted = self.identify(), Identity.of(self.sizes)
        if found.version != VERSION:
            raise DeviceError(
                f"the board speaks version {found.version} of the protocol, this tnhw speaks "
                f"{VERSION}; build and upload it again"
            )
        if found != wanted:
            raise DeviceError(
                f"the board holds design {found.design:08x}, but this design is "
                f"{wanted.design:08x}; build it and upload it again"
            )
        return found

    def load(self, p: Mapping[str, np.ndarray] | None = None) -> None:
        """Load parameters: the given arrays, or the hardware's own.

        Raises
        ------
        InputError
            If the hardware takes no load.
        """
        if not self.sizes.load_bytes:
            raise InputError("this design takes no load: its storage is not `memory`")
        self.send_load(self.hardware.pack_parameters(p))

    def send_load(self, beats: Sequence[int]) -> None:
        """Load parameters, given as the payload integers of all beats of a load."""
        self.ask(Kind.LOAD, _to_bytes(beats, self.sizes.width_p), 0)

    def infer(self, x: np.ndarray, p: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Results [n, outputs] of vectors x [n, inputs]; `p` is for storage `ports` only."""
        beats, count = self.hardware.pack_input(x, p), self.sizes.beats_in
        vectors = [beats[start : start + count] for start in range(0, len(beats), count)]
        return self.hardware.unpack_output([self.send_vector(v) for v in vectors])

    def send_vector(self, beats: Sequence[int]) -> int:
        """Send one vector, given as the payload integers of its beats; return that of its result."""
        payload = _to_bytes(beats, self.sizes.width_i)
        return int.from_bytes(self.ask(Kind.VECTOR, payload, self.sizes.answer_bytes), "little")


def _to_bytes(beats: Sequence[int], width: int) -> bytes:
    return b"".join(int(beat).to_bytes(bytes_of(width), "little") for beat in beats)


@dataclass(frozen=True)
class RunRecord:
    """What a board answered to vectors.

    Parameters
    ----------
    vectors, equal
        How many vectors were sent, and how many results were those of the golden model.
    repeated
        Requests that had to be repeated.
    seconds
        Time from the first vector to the last result.
    y
        The board's results, [n, outputs].
    """

    vectors: int
    equal: int
    repeated: int
    seconds: float
    y: np.ndarray

    @property
    def rate(self) -> float:
        """Vectors a second."""
        return self.vectors / self.seconds if self.seconds else 0.0


def run(
    hardware: Hardware,
    port: str | Link,
    x: np.ndarray,
    p: Mapping[str, np.ndarray] | None = None,
    *,
    baud: int = 115_200,
) -> RunRecord:
    """Send vectors through a board and compare every answer with the golden model.

    Parameters
    ----------
    hardware : Hardware
        What the board should hold.
    port : str or Link
        Name of the serial port, or an open line.
    x : array [n, inputs]
        Vectors.
    p : dict of arrays, optional
        Parameters, which are loaded (storage `memory`) or sent with the vectors (`ports`).
    baud : int
        Bits a second, for a port given by name.

    Raises
    ------
    DeviceError
        If the board cannot be reached, or holds another design.
    ToolMissing
        If `port` is a name and pyserial is missing.
    """
    expected = hardware.golden(x, p)
    if isinstance(port, str):
        with SerialLink(port, baud) as link:
            return run(hardware, link, x, p)
    client = Client(port, hardware)
    client.resynchronise()
    client.check()
    if hardware.storage == "memory":
        client.load(p)
    start = time.monotonic()
    y = client.infer(x, p)
    seconds = time.monotonic() - start
    equal = int((y == expected).all(axis=1).sum())
    return RunRecord(len(y), equal, client.repeated, seconds, y)


def upload(board: Board, bitstream: str | os.PathLike[str]) -> None:
    """Program a board with openFPGALoader.

    Raises
    ------
    InputError
        If there is no such file, or openFPGALoader does not know the board.
    ToolMissing
        If openFPGALoader is missing.
    DeviceError
        If it cannot program the board.
    """
    path = Path(bitstream)
    if not path.is_file():
        raise InputError(f"{path}: no such bitstream; make it with `tnhw build`")
    if board.program is None:
        command = "the tool that the board's maker names"
        if board.by_hand:
            command = hand_command(board.by_hand, path)
        raise InputError(
            f"board {board.name}: openFPGALoader does not know it; program it by hand: {command}"
        )
    try:
        tools.run("openFPGALoader", [*board.program, path.name], cwd=path.parent, timeout=300)
    except ToolFailed as error:
        raise DeviceError(
            f"cannot program {board.title}; is it plugged in, and may you use it? {error}"
        ) from None
