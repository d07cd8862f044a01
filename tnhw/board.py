"""Boards: TOML records, and what Amaranth makes of them.

A board is data: its TOML names a platform of amaranth-boards (or any other importable one) and the
resources on it that the harness uses.
"""

import warnings
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

from amaranth.build import Attrs, Pins, Resource, Subsignal
from amaranth.hdl import Elaboratable, Module
from pydantic import Field, model_validator

from . import data_files
from .config import Record, nearest, read_toml, validate
from .errors import InputError

__all__ = ["Board", "BoardTop", "boards", "load_board"]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


class ClockKeys(Record):
    """The clock: resource on the platform, and its frequency in Hz."""

    resource: str
    frequency: Annotated[int, Field(ge=1_000, le=1_000_000_000)]


class PinKeys(Record):
    """A resource of the platform, or pins from which a resource is made."""

    resource: str | None = None
    number: Count = 0
    rx: str | None = None
    tx: str | None = None
    pin: str | None = None
    attributes: dict[str, str | int | bool] = {}

    def _check(self, pins):
        """Either `resource`, or all of `pins`."""
        given = [name for name in ("rx", "tx", "pin") if getattr(self, name) is not None]
        if (self.resource is None) == (not given) or (given and set(given) != set(pins)):
            wanted = " and ".join(f"`{name}`" for name in pins)
            raise ValueError(f"give either `resource`, or {wanted}")


class UartKeys(PinKeys):
    """The serial line, seen from the FPGA."""

    baud: Annotated[int, Field(ge=300, le=12_000_000)] = 115_200

    @model_validator(mode="after")
    def _pins(self):
        self._check(("rx", "tx"))
        return self


class LedKeys(PinKeys):
    """The LED of the heartbeat."""

    @model_validator(mode="after")
    def _pins(self):
        self._check(("pin",))
        return self


class CapacityKeys(Record):
    """What the device has: 4-input look-up tables, flip-flops, block RAMs, multipliers."""

    LUT: Positive
    FF: Positive
    RAM: Count
    DSP: Count


class Board(Record):
    """A board that tnhw can build for.

    Attributes
    ----------
    name : str
        File name without ``.toml``.
    title : str
        Name for people, with the device.
    platform : str
        ``module:Class`` of an Amaranth platform.
    family : str
        Key of `tnhw.synthesis.FAMILIES` that has place and route.
    bitstream : str
        Suffix of the bitstream's file.
    program : list of str
        Arguments of openFPGALoader before the bitstream.
    clock, uart, led, capacity
        See the classes of those names; `led` may be left out.
    options : dict of str to str
        Overrides for the platform's ``prepare``, for example ``nextpnr_opts``.
    """

    name: str
    title: str
    platform: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    family: Literal["ice40", "ecp5", "gowin"]
    bitstream: Literal["bin", "bit", "fs"]
    program: list[str]
    clock: ClockKeys
    uart: UartKeys
    led: LedKeys | None = None
    capacity: CapacityKeys
    options: dict[str, str] = {}

    def create_platform(self):
        """A fresh Amaranth platform; each serves for one build."""
        module, name = self.platform.split(":")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                platform = getattr(import_module(module), name)()
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"board {self.name}: there is no platform `{self.platform}` ({error}); install the "
                "package that has it, or mend the key `platform`"
            ) from None
        platform.add_resources(self._own_resources())
        for key, resource, number in self.resources():
            if (resource, number) not in platform.resources:
                known = {name for name, _ in platform.resources}
                raise InputError(
                    f"board {self.name}: `{key}.resource` {resource!r} {number} is not on the "
                    f"platform; {nearest(resource, known)}"
                )
        frequency = platform.resources[self.clock.resource, 0].clock
        if frequency is not None and round(frequency.frequency) != self.clock.frequency:
            raise InputError(
                f"board {self.name}: `clock.frequency` is {self.clock.frequency}, but the platform "
                f"has {frequency.frequency:.0f} Hz"
            )
        platform.default_clk = self.clock.resource
        return platform

    def resources(self, uses=("uart", "led")):
        """(key, resource, number) of everything that a harness which `uses` them asks of the platform."""
        yield "clock", self.clock.resource, 0
        if "uart" in uses:
            yield "uart", self.uart.resource or "tnhw_uart", self.uart.number
        if "led" in uses and self.led is not None:
            yield "led", self.led.resource or "tnhw_led", self.led.number

    def _own_resources(self):
        result = []
        if (uart := self.uart).resource is None:
            lines = [
                Subsignal("rx", Pins(uart.rx, dir="i", assert_width=1)),
                Subsignal("tx", Pins(uart.tx, dir="o", assert_width=1)),
            ]
            result.append(Resource("tnhw_uart", uart.number, *lines, Attrs(**uart.attributes)))
        if (led := self.led) is not None and led.resource is None:
            pin = Pins(led.pin, dir="o", assert_width=1)
            result.append(Resource("tnhw_led", led.number, pin, Attrs(**led.attributes)))
        return result


class BoardTop(Elaboratable):
    """A harness at the pins of a board.

    Parameters
    ----------
    harness : Harness or SelfTest
        Board-independent part; `harness.uses` says what of a board it needs.
    board : Board
        Where its line and its LED are.
    """

    def __init__(self, harness, board):
        self._harness = harness
        self._board = board

    @property
    def harness(self):
        """Board-independent part."""
        return self._harness

    @property
    def board(self):
        """Where its line and its LED are."""
        return self._board

    def elaborate(self, platform):
        from amaranth.lib import io

        m = Module()
        m.submodules.harness = harness = self._harness
        ports = {}
        for key, resource, number in self._board.resources(harness.uses):
            if key != "clock":
                lines = platform.resources[resource, number].ios
                raw = {line.name: "-" for line in lines if isinstance(line, Subsignal)} or "-"
                ports[key] = platform.request(resource, number, dir=raw)
        if "uart" in ports:
            m.submodules.rx = rx = io.Buffer("i", ports["uart"].rx)
            m.submodules.tx = tx = io.Buffer("o", ports["uart"].tx)
            m.d.comb += [harness.rx.eq(rx.i), tx.o.eq(harness.tx)]
        if "led" in ports:
            m.submodules.led = led = io.Buffer("o", ports["led"])
            m.d.comb += led.o.eq(harness.led)
        return m


def boards():
    """Names of the boards that travel with tnhw."""
    return sorted(path.stem for path in data_files.folder("boards").glob("*.toml"))


def load_board(name):
    """The board of a name, or of a path to a TOML file.

    Raises
    ------
    InputError
        If there is none, or its file is not valid.
    """
    name = str(name)
    path = Path(name)
    if path.suffix != ".toml":
        path = data_files.folder("boards") / f"{name}.toml"
        if name not in boards():
            raise InputError(
                f"there is no board {name!r}; {nearest(name, boards())} "
                "A path to a TOML file of your own works too."
            )
    keys = read_toml(path)
    return validate(Board, {"name": path.stem, **keys}, str(path))
