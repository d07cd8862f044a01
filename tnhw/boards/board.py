"""Boards as TOML files, and the top level that connects a harness to the pins of a board.

A board is data: its TOML file names a platform of amaranth-boards (or of any other package that can be
imported), or the device itself, and the resources or pins that the harness uses.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from amaranth.build import Subsignal
from amaranth.hdl import Elaboratable, Module
from pydantic import Field, model_validator

from ..errors import InputError
from ..support import data_files
from ..support.config import Record, nearest, read_toml, validate
from .keys import CapacityKeys, ClockKeys, DeviceKeys, LedKeys, PinKeys, UartKeys
from .platforms import create_platform
from .pll import Setting, clocked
from .words import ByHand, Name, Program, Title, Value

__all__ = ["Board", "BoardTop", "VENDOR_FAMILIES", "boards", "load_board"]

VENDOR_FAMILIES = {"xilinx": "Vivado", "intel": "Quartus"}  # no open tools build for these


class Board(Record):
    """A board that tnhw can build for.

    Attributes
    ----------
    name : str
        File name without ``.toml``.
    title : str
        Name to print, with the device.
    platform : str, optional
        ``module:Class`` of an Amaranth platform. The module is imported, which runs it.
    device : DeviceKeys, optional
        Instead of `platform`: the device, for which tnhw makes a platform; nothing is imported.
    arguments, settings : dict
        Arguments for the platform's class, and attributes to set on the platform.
    plain_prepare : bool
        Whether to use the ``toolchain_prepare`` of Amaranth's class for the vendor, for a platform whose
        own version fails.
    family : str
        Device family: a key of `tnhw.netlist.synthesis.FAMILIES` that has place and route, or of
        `VENDOR_FAMILIES`.
    bitstream : str
        Suffix of the bitstream's file.
    program : list of str
        Options for openFPGALoader that name the board or the cable; the bitstream is appended to them.
    by_hand : str, optional
        Instead of `program`: the command with which a person programs the board, with ``{bitstream}`` in
        the place of the file. tnhw shows it and does not run it. It is one command of plain words, with
        nothing that a shell would interpret.
    clock, uart, led, capacity
        See `tnhw.boards.keys`. A board without `uart` can only run a self-test, which needs `led`.
    options : dict of str to str
        Overrides for the platform's ``prepare``, for example ``nextpnr_opts``. They are scripts and options of
        the tools, so they are code; see `tnhw.boards.platforms.check_options`.
    """

    name: str
    title: Title
    platform: Annotated[str | None, Field(pattern=r"^[\w.]+:\w+$")] = None
    device: DeviceKeys | None = None
    arguments: dict[Name, Value] = {}
    settings: dict[Name, Value] = {}
    plain_prepare: bool = False
    family: Literal["ice40", "ecp5", "gowin", "machxo2", "gatemate", "nexus", "xilinx", "intel"]
    bitstream: Literal["bin", "bit", "fs", "rbf"]
    program: Program | None = None
    by_hand: ByHand | None = None
    clock: ClockKeys
    uart: UartKeys | None = None
    led: LedKeys | None = None
    capacity: CapacityKeys
    options: dict[Name, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> Any:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", self.name):
            raise ValueError(
                "`name`, by default the file's name without .toml, must be letters, digits, `_`, `-` and `.`, "
                f"at most 64, a letter or digit first, not {self.name[:80]!r}"
            )
        if (self.platform is None) == (self.device is None):
            raise ValueError("give either `platform` or `device`")
        if self.device is not None and self.clock.resource is not None:
            raise ValueError("`clock.resource` needs a `platform`; with `device` give `clock.pin`")
        if self.program is not None and self.by_hand is not None:
            raise ValueError("give `program` or `by_hand`, not both")
        if self.uart is None and self.led is None:
            raise ValueError("give `uart`, or `led` for a board that can only test itself")
        tables: list[ClockKeys | PinKeys | None] = [self.clock, self.uart, self.led]
        for attributes in [table.attributes for table in tables if table is not None]:
            for name, value in attributes.items():
                if self.family == "intel" and not isinstance(value, str):
                    raise ValueError(f"the attribute `{name}` must be text, not {value!r}")
                if self.family != "intel" and " " in str(value):
                    raise ValueError(f"the attribute `{name}` must be one word, not {value!r}")
        return self

    def __repr__(self) -> str:
        return (
            f"<Board {self.name}: {self.title}, {self.family}, {self.clock.frequency / 1e6:g} MHz>"
        )

    @property
    def vendor_tool(self) -> str | None:
        """Name of the vendor's tool, if only that builds for this board; None if open tools do."""
        return VENDOR_FAMILIES.get(self.family)

    def create_platform(self) -> Any:
        """A new Amaranth platform, good for one build. See `tnhw.boards.platforms.create_platform`."""
        return create_platform(self)

    def resources(self, uses: Iterable[str] = ("uart", "led")) -> Iterator[tuple[str, str, int]]:
        """What a harness requests from the platform: the clock, and what it `uses` of serial line and LED.

        Yields
        ------
        (str, str, int)
            The key ``clock``, ``uart``, ``led`` or ``high`` (see `LedKeys`), and name and number of the
            resource.
        """
        if self.clock.name is not None:
            yield "clock", self.clock.name, 0
        if "uart" in uses and self.uart is not None:
            yield "uart", self.uart.resource or "tnhw_uart", self.uart.number
        if "led" in uses and self.led is not None:
            yield "led", self.led.resource or "tnhw_led", self.led.number
            if self.led.high is not None:
                yield "high", "tnhw_led_high", 0


class BoardTop(Elaboratable):
    """A harness with its serial line and its LED at the pins of a board.

    Parameters
    ----------
    harness : Harness or SelfTest
        The part that is the same on all boards; its `uses` names what it needs: ``uart``, ``led``.
    board : Board
        The board whose pins are used.
    pll : Setting, optional
        Of the loop from which the design has its clock; by default it is the board's clock itself.
    """

    def __init__(self, harness: Any, board: Board, pll: Setting | None = None) -> None:
        self._harness = harness
        self._board = board
        self._pll = pll

    @property
    def harness(self) -> Any:
        """The part that is the same on all boards."""
        return self._harness

    @property
    def board(self) -> Board:
        """The board whose pins are used."""
        return self._board

    def elaborate(self, platform: Any) -> Module:
        from amaranth.lib import io

        m = Module()
        if self._pll is not None:
            clock = platform.request(self._board.clock.name, 0, dir="-")
            clocked(m, clock, self._pll, getattr(platform, "family", ""))
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
            led_keys = self._board.led
            line = led_keys.line if led_keys else None
            port = getattr(ports["led"], line) if line else ports["led"]
            m.submodules.led = led = io.Buffer("o", port)
            m.d.comb += led.o.eq(harness.led)
        if "high" in ports:
            m.submodules.high = high = io.Buffer("o", ports["high"])
            m.d.comb += high.o.eq(1)
        return m


def boards() -> list[str]:
    """Names of the boards that come with tnhw, sorted."""
    return sorted(path.stem for path in data_files.folder("boards").glob("*.toml"))


def load_board(name: str) -> Board:
    """Load a board by its name, or from the path of a TOML file.

    Raises
    ------
    InputError
        If there is no such board or file, or the file is not valid.
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
