"""Lines to a board: the interface that every line has, and a serial port."""

import time
from collections.abc import Callable
from typing import Any, Protocol, Self

from ..errors import DeviceError, ToolMissing

__all__ = ["Link", "SerialLink"]


WRITE_MARGIN = 2.0  # seconds for which a port may accept no byte


class Link(Protocol):
    """A line to a board.

    Attributes
    ----------
    baud : float
        Bits a second; a byte takes ten.
    latency : float
        Seconds that an answer may take in addition to the time of the bytes on the line.
    """

    baud: float
    latency: float

    def read(self, count: int, timeout: float) -> bytes:
        """Up to `count` bytes; fewer only if `timeout` seconds have passed."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def clock(self) -> float:
        """Time in seconds since some fixed moment: real time, or that of a simulation."""


class SerialLink:
    """A serial port, opened with pyserial. It is a context manager that closes the port.

    Parameters
    ----------
    port
        Name of the port, for example ``/dev/ttyUSB1``.
    baud
        Bits a second.
    latency
        Seconds for which the port's driver may hold an answer back.

    Raises
    ------
    DeviceError
        If the port cannot be opened, goes away, or takes no more bytes.
    ToolMissing
        If pyserial is missing.
    """

    baud: float
    latency: float

    def __init__(self, port: str, baud: int = 115_200, latency: float = 0.1) -> None:
        try:
            import serial
        except ImportError:
            raise ToolMissing(
                'The Python package `pyserial` is missing: `pip install "tnhw[host]"`.'
            ) from None
        self.port, self.baud, self.latency = port, baud, latency
        self._error, self._full = serial.SerialException, serial.SerialTimeoutException
        try:
            self._serial = serial.serial_for_url(port, baud)
        except (self._error, OSError, ValueError) as error:
            raise DeviceError(
                f"cannot open {port}: {error}; is the board plugged in, and may you use the port?"
            ) from None

    def read(self, count: int, timeout: float) -> bytes:
        return self._guard(self._read, count, timeout)

    def write(self, data: bytes) -> None:
        """Send bytes. The time limit allows for a line that takes them at half its baud rate."""
        self._serial.write_timeout = WRITE_MARGIN + 20 * len(data) / self.baud
        self._guard(self._serial.write, data)

    def clock(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        """Close the port."""
        self._serial.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, count: int, timeout: float) -> bytes:
        self._serial.timeout = timeout
        return self._serial.read(count)

    def _guard(self, action: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except self._full:
            raise DeviceError(
                f"{self.port} takes no more bytes: nothing at its other end reads them; check the port, and "
                "that the board is on and programmed"
            ) from None
        except (self._error, OSError) as error:
            raise DeviceError(f"lost {self.port}: {error}; was the board unplugged?") from None
