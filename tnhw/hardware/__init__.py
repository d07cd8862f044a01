"""Hardware: what can be generated, simulated, built and compared, and the payloads of its streams."""

from .interface import Hardware
from .plain import PlainHardware

__all__ = ["Hardware", "PlainHardware"]
