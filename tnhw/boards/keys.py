"""The tables of a board's TOML file: clock, serial line, LED, capacity, device."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..support.config import Record
from .words import Name, Part, Pin, Value

__all__ = ["CapacityKeys", "ClockKeys", "DeviceKeys", "LedKeys", "PinKeys", "UartKeys"]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Attributes = dict[Name, Value]


class ClockKeys(Record):
    """The clock: exactly one of `resource`, `pin` and `oscillator`, and its frequency.

    Attributes
    ----------
    resource : str, optional
        Resource of the platform.
    pin, attributes : str, dict
        Pin of the device and its attributes, for a board without a platform.
    oscillator : str, optional
        Oscillator on the device, as Amaranth calls it: ``SB_HFOSC``, ``OSCH``. It is too inexact for a
        serial line.
    frequency : int
        In Hz.
    pll : str, optional
        That a phase-locked loop of the device can follow this clock: ``core``, or ``pad`` where the clock comes in at
        the loop's own pad (iCE40), which can then serve nothing else.
    """

    resource: Name | None = None
    pin: Pin | None = None
    oscillator: Name | None = None
    attributes: Attributes = {}
    frequency: Annotated[int, Field(ge=1_000, le=1_000_000_000)]
    pll: Literal["core", "pad"] | None = None

    @model_validator(mode="after")
    def _one(self) -> Any:
        given = (self.resource, self.pin, self.oscillator)
        if sum(value is not None for value in given) != 1:
            raise ValueError("give one of `resource`, `pin` and `oscillator`")
        if self.pll is not None and self.oscillator is not None:
            raise ValueError("`pll` needs a clock at a pin, not an `oscillator`")
        return self

    @property
    def name(self) -> str | None:
        """Name of the clock's resource, or None for an oscillator on the device."""
        return "tnhw_clock" if self.pin is not None else self.resource


class PinKeys(Record):
    """A resource of the platform, or pins from which a resource is made.

    A pin is given by the device's name for it, or as ``connector_number:pin`` for a connector of the
    platform, for example ``pmod_0:2``.
    """

    resource: Name | None = None
    number: Count = 0
    rx: Pin | None = None
    tx: Pin | None = None
    pin: Pin | None = None
    attributes: Attributes = {}

    def _check(self, pins: Any) -> Any:
        """Raise ValueError unless either `resource` or exactly the keys `pins` are given."""
        given = [name for name in ("rx", "tx", "pin") if getattr(self, name) is not None]
        if (self.resource is None) == (not given) or (given and set(given) != set(pins)):
            wanted = " and ".join(f"`{name}`" for name in pins)
            raise ValueError(f"give either `resource`, or {wanted}")


class UartKeys(PinKeys):
    """The serial line. `rx` and `tx` are seen from the FPGA: it receives on `rx`."""

    baud: Annotated[int, Field(ge=300, le=12_000_000)] = 115_200

    @model_validator(mode="after")
    def _pins(self) -> Any:
        self._check(("rx", "tx"))
        return self


class LedKeys(PinKeys):
    """The LED of the heartbeat or of the verdict.

    Attributes
    ----------
    line : str, optional
        Which line to use of a resource that has several, for example ``g`` of an RGB LED.
    invert : bool
        Whether a low level at `pin` lights the LED. Not needed with `resource`: the platform says it.
    high : str, optional
        A pin that must be high for the LED to light at all.
    """

    line: Name | None = None
    invert: bool = False
    high: Pin | None = None

    @model_validator(mode="after")
    def _pins(self) -> Any:
        self._check(("pin",))
        if self.line is not None and self.resource is None:
            raise ValueError("`line` names a line of a `resource`; give that too")
        return self


class CapacityKeys(Record):
    """What the device has: look-up tables, flip-flops, block RAMs, DSP blocks."""

    LUT: Positive
    FF: Positive
    RAM: Count
    DSP: Count


class DeviceKeys(Record):
    """The device of a board that no platform describes, as its vendor calls it.

    Attributes
    ----------
    device : str
        For example ``iCE40UP5K`` or ``LFE5U-25F``; for Gowin the whole part number.
    package, speed : str, optional
        For example ``SG48`` and ``6``; not used for Gowin.
    series : str, optional
        For Gowin only: the family that its tools need as well as the part number, for example ``GW1N-9C``.
    """

    device: Part
    package: Part | None = None
    speed: Part | None = None
    series: Part | None = None
