"""The suffix of a file for a USB bootloader: Device Firmware Upgrade 1.1, appendix B."""

import struct
import zlib
from pathlib import Path

from ..errors import ToolFailed

__all__ = ["add_suffix", "suffix"]

_VERSION = 0x0100
_ANY = 0xFFFF  # any release, product or vendor


def suffix(data, vendor=_ANY, product=_ANY):
    """The 16 bytes to append to `data`; the last four are the CRC-32, not inverted, of all bytes before them."""
    head = struct.pack("<HHHH3sB", _ANY, product, vendor, _VERSION, b"UFD", 16)
    return head + struct.pack("<I", zlib.crc32(data + head) ^ 0xFFFF_FFFF)


def add_suffix(folder, arguments):
    """Do what ``dfu-suffix -v VENDOR -p PRODUCT -a FILE`` does, in `folder`.

    Raises
    ------
    ToolFailed
        If there are other arguments than these.
    """
    options = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if len(arguments) % 2 or not {"-a"} <= set(options) <= {"-a", "-v", "-p"}:
        raise ToolFailed(
            f"the platform asks for `dfu-suffix {' '.join(arguments)}`, which tnhw does not know"
        )
    path = Path(folder, options["-a"])
    data = path.read_bytes()
    numbers = [int(options.get(key, "ffff"), 16) for key in ("-v", "-p")]
    path.write_bytes(data + suffix(data, *numbers))
