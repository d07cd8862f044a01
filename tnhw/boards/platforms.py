"""From a board's TOML file to an Amaranth platform with the resources that the file adds."""

import re
import shlex
import warnings
from importlib import import_module
from types import NoneType
from typing import TYPE_CHECKING, Any

from amaranth.build import Attrs, Clock, Pins, Resource, ResourceError, Subsignal

from ..errors import InputError
from ..support.config import nearest

if TYPE_CHECKING:
    from .board import Board

__all__ = ["check_options", "create_platform"]

#: The options of ``gowin_pack`` that do not name a file.
GOWIN_PACK_OPTIONS = {"-c", "--compress"} | {
    f"--{name}_as_gpio"
    for name in ("jtag", "sspi", "mspi", "ready", "done", "reconfign", "cpu", "i2c")
}

# By family: module and class of the platform, and which key of `device` each of its attributes takes.
_VENDORS = {
    "ice40": ("amaranth.vendor:LatticeICE40Platform", {"device": "device", "package": "package"}),
    "ecp5": (
        "amaranth.vendor:LatticeECP5Platform",
        {"device": "device", "package": "package", "speed": "speed"},
    ),
    "machxo2": (
        "amaranth.vendor:LatticeMachXO2Platform",
        {"device": "device", "package": "package", "speed": "speed"},
    ),
    "gowin": ("amaranth.vendor:GowinPlatform", {"part": "device", "family": "series"}),
    "gatemate": ("tnhw.boards.gatemate:GateMatePlatform", {"device": "device"}),
    "nexus": (
        "amaranth.vendor:LatticePlatform",
        {"device": "device", "package": "package", "speed": "speed"},
    ),
    "xilinx": (
        "amaranth.vendor:XilinxPlatform",
        {"device": "device", "package": "package", "speed": "speed"},
    ),
    "intel": (
        "amaranth.vendor:IntelPlatform",
        {"device": "device", "package": "package", "speed": "speed"},
    ),
}


def create_platform(board: "Board") -> Any:
    """A new Amaranth platform for a board, good for one build.

    Raises
    ------
    InputError
        If the platform does not exist, lacks a resource or pin that the board's TOML names, has another
        clock frequency, or does not take the board's `settings`, `arguments` or `options`.
    """
    platform = _with_resources(board)
    _try_pins(board, _with_resources(board))  # on a second one: a pin can be requested only once
    platform.default_clk = board.clock.name or board.clock.oscillator
    try:
        frequency = platform.default_clk_constraint
    except (AttributeError, AssertionError, ResourceError):
        raise InputError(
            f"board {board.name}: the platform has no oscillator `{board.clock.oscillator}` with these "
            "`settings`"
        ) from None
    if frequency is not None and round(frequency.frequency) != board.clock.frequency:
        raise InputError(
            f"board {board.name}: `clock.frequency` is {board.clock.frequency}, but the platform "
            f"has {frequency.frequency:.0f} Hz"
        )
    return platform


def _with_resources(board: "Board") -> Any:
    platform = _described(board) if board.device else _imported(board)
    _apply_settings(board, platform)
    check_options(board, platform)
    try:
        platform.add_resources(_own_resources(board))
    except (NameError, TypeError, AssertionError) as error:
        raise InputError(f"board {board.name}: {error}") from None
    for key, resource, number in board.resources():
        if (resource, number) not in platform.resources:
            known = {name for name, _ in platform.resources}
            raise InputError(
                f"board {board.name}: `{key}.resource` {resource!r} {number} is not on the "
                f"platform; {nearest(resource, known)}"
            )
    return platform


def _apply_settings(board: "Board", platform: Any) -> None:
    """Set the attributes that `settings` names; only those that hold text, a number or nothing may be set."""
    for name, value in board.settings.items():
        held = getattr(platform, name, None)
        if name.startswith("_") or not isinstance(held, (str, int, float, NoneType)):
            raise InputError(f"board {board.name}: `settings.{name}` cannot be set on its platform")
        try:
            setattr(platform, name, value)
        except AttributeError as error:  # a property
            raise InputError(f"board {board.name}: `settings.{name}`: {error}") from None


def check_options(board: "Board", platform: Any) -> None:
    """Check that the templates of a platform use all `options` of a board, and that each has a valid form.

    The tools execute these options as code. The open tools run in WebAssembly and see nothing but the folder
    of the build. The one that does not, ``gowin_pack``, gets only options that do not name a file.

    Raises
    ------
    InputError
        If an option is unknown or has the wrong form; the message names it.
    """
    if not board.options:
        return
    known = _asked_for(platform)
    for name, text in board.options.items():
        where = f"board {board.name}: `options.{name}`"
        if name not in known:
            raise InputError(f"{where}: its platform has no such option; {nearest(name, known)}")
        if not text.replace("\n", "").replace("\t", "").isprintable():
            raise InputError(f"{where} must not have control characters")
        if not name.endswith("_opts"):
            continue
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise InputError(f"{where} must be words as in a shell: {error}") from None
        if name == "gowin_pack_opts" and not set(words) <= GOWIN_PACK_OPTIONS:
            raise InputError(
                f"{where} may be {', '.join(sorted(GOWIN_PACK_OPTIONS))}, not {text!r}"
            )


def _asked_for(platform: Any) -> Any:
    """Names of the overrides that the templates of a platform use."""
    texts = [*platform.file_templates.values(), *platform.command_templates]
    return {name for text in texts for name in re.findall(r'get_override\("(\w+)"\)', text)}


def _try_pins(board: "Board", platform: Any) -> None:
    """Raise InputError unless every pin that is used exists, and is used once."""
    for key, resource, number in board.resources():
        try:
            lines = [
                line.name
                for line in platform.resources[resource, number].ios
                if hasattr(line, "name")
            ]
            platform.request(resource, number, dir=dict.fromkeys(lines, "-") or "-")
        except (NameError, ResourceError) as error:
            raise InputError(f"board {board.name}: `{key}`: {error}") from None


def _imported(board: "Board") -> Any:
    """The platform that the key `platform` names as ``module:Class``; the module is imported, which runs it."""
    module, name = (board.platform or "").split(":")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            cls = getattr(import_module(module), name)
            if board.plain_prepare:
                # The class above the board's own is Amaranth's, which accepts every override.
                base = cls.__mro__[1]
                cls = type(name, (cls,), {"toolchain_prepare": base.toolchain_prepare})
            platform = cls(**board.arguments) if isinstance(cls, type) else None
            if not hasattr(platform, "add_resources"):
                raise AttributeError("it is not an Amaranth platform")
            return platform
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"board {board.name}: there is no platform `{board.platform}` ({error}); install the "
            "package that has it, or correct the key `platform`"
        ) from None
    except TypeError as error:
        raise InputError(
            f"board {board.name}: the platform `{board.platform}` does not take `arguments`: {error}"
        ) from None


def _described(board: "Board") -> Any:
    """A platform made from the class for the family and the keys of `device`."""
    place, wanted = _VENDORS[board.family]
    values = {name: getattr(board.device, key) for name, key in wanted.items()}
    if missing := [key for name, key in wanted.items() if values[name] is None]:
        raise InputError(f"board {board.name}: the key `device.{missing[0]}` is missing")
    module, name = place.split(":")
    base = getattr(import_module(module), name)
    members = {"resources": [], "connectors": [], "default_clk": None, **values}
    try:
        return type("OwnPlatform", (base,), members)(**board.arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"board {board.name}: `device` or `arguments`: {error}") from None


def _own_resources(board: "Board") -> list[Any]:
    """Resources made from the pins that a board's TOML names."""
    result = []
    if (clock := board.clock).pin is not None:
        pin = Pins(clock.pin, dir="i", assert_width=1)
        attributes = Attrs(**clock.attributes)
        result.append(Resource("tnhw_clock", 0, pin, Clock(clock.frequency), attributes))
    if (uart := board.uart) is not None and uart.resource is None:
        lines = [
            Subsignal("rx", Pins(uart.rx, dir="i", assert_width=1)),
            Subsignal("tx", Pins(uart.tx, dir="o", assert_width=1)),
        ]
        result.append(Resource("tnhw_uart", uart.number, *lines, Attrs(**uart.attributes)))
    if (led := board.led) is not None:
        attributes = Attrs(**led.attributes)
        if led.resource is None:
            pin = Pins(led.pin, dir="o", invert=led.invert, assert_width=1)
            result.append(Resource("tnhw_led", led.number, pin, attributes))
        if led.high is not None:
            pin = Pins(led.high, dir="o", assert_width=1)
            result.append(Resource("tnhw_led_high", 0, pin, attributes))
    return result
