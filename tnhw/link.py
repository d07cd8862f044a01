"""Lines to a board: what they must do, and a serial port."""

from typing import Protocol

from .errors import DeviceError, ToolMissing

__all__ = ["Link", "SerialLink"]


class Link(Protocol):
    """A line to a board.

    Attributes
    ----------
    baud : float
        Bits a second; a byte takes ten.
    latency : float
        Seconds that an answer may take beside the bytes on the line.
    """

    baud: float
    latency: float

    def read(self, count: int, timeout: float) -> bytes:
        """Up to `count` bytes; fewer only if `timeout` seconds passed."""

    def write(self, data: bytes) -> None:
        """Send bytes."""


class SerialLink:
    """A serial port, through pyserial; a context manager.

    Parameters
    ----------
    port
        Name of the port, for example ``/dev/ttyUSB1``.
    baud
        Bits a second.
    latency
        Seconds that the port may hold an answer back.

    Raises
    ------
    DeviceError
        If the port cannot be opened, or goes away.
    ToolMissing
        If pyserial is missing.
    """

    def __init__(self, port: str, baud: int = 115_200, latency: float = 0.1):
        try:
            import serial
        except ImportError:
            raise ToolMissing(
                'The Python package `pyserial` is missing: `pip install "tnhw[host]"`.'
            ) from None
        self.port, self.baud, self.latency = port, baud, latency
        self._error = serial.SerialException
        try:
            self._serial = serial.serial_for_url(port, baud)
        except (self._error, OSError, ValueError) as error:
            raise DeviceError(
                f"cannot open {port}: {error}; is the board plugged in, and may you use the port?"
            ) from None

    def read(self, count, timeout):
        return self._guard(self._read, count, timeout)

    def write(self, data):
        self._guard(self._serial.write, data)

    def close(self):
        """Give the port back."""
        self._serial.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self, count, timeout):
        self._serial.timeout = timeout
        return self._serial.read(count)

    def _guard(self, action, *arguments):
        try:
            return action(*arguments)
        except (self._error, OSError) as error:
            raise DeviceError(f"lost {self.port}: {error}; was the board unplugged?") from None
