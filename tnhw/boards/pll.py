"""Settings of the phase-locked loops of FPGAs: the highest frequency that one makes at or below a given one.

Limits are those of the vendors' manuals: iCE40 FPGA-TN-02052, ECP5 FPGA-TN-02200, Gowin UG286 and the data sheets
of GW1N and GW2A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amaranth.hdl import ClockDomain, Const, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

__all__ = ["Setting", "clocked", "highest"]

MHZ = 1_000_000


@dataclass(frozen=True)
class Setting:
    """How a loop is set.

    Parameters
    ----------
    kind
        Name of the primitive.
    frequency
        Of its output, exactly, in Hz.
    oscillator
        Of the oscillator in it, in Hz; of several settings with one frequency the highest is taken.
    parameters
        Of the primitive.
    """

    kind: str
    frequency: Fraction
    oscillator: Fraction
    parameters: dict[str, Any]


def highest(family: str, reference: int, limit: float, *, pad: bool = False) -> Setting | None:
    """The setting with the highest output frequency that is not above `limit`, or None.

    Parameters
    ----------
    family
        Device family.
    reference
        Frequency in Hz of the clock that the loop follows.
    limit
        In Hz.
    pad
        Whether the clock comes from the loop's own pad (iCE40).
    """
    options = _FAMILIES.get(family)
    fitting = [one for one in options(reference, pad) if one.frequency <= limit] if options else []
    return max(fitting, key=lambda one: (one.frequency, one.oscillator), default=None)


def _ice40(reference: int, pad: bool) -> Iterator[Setting]:
    if not 10 * MHZ <= reference <= 133 * MHZ:
        return
    for divr in range(16):
        compared = Fraction(reference, divr + 1)
        if not 10 * MHZ <= compared <= 133 * MHZ:
            continue
        filters = (17, 26, 44, 66, 101)
        filter_range = 1 + sum(compared >= edge * MHZ for edge in filters)
        for divf in range(128):
            oscillator = compared * (divf + 1)
            if not 533 * MHZ <= oscillator <= 1066 * MHZ:
                continue
            for divq in range(1, 7):
                frequency = oscillator / (1 << divq)
                if 16 * MHZ <= frequency <= 275 * MHZ:
                    parameters = {
                        "FEEDBACK_PATH": "SIMPLE",
                        "DIVR": Const(divr, 4),
                        "DIVF": Const(divf, 7),
                        "DIVQ": Const(divq, 3),
                        "FILTER_RANGE": Const(filter_range, 3),
                    }
                    kind = "SB_PLL40_PAD" if pad else "SB_PLL40_CORE"
                    yield Setting(kind, frequency, oscillator, parameters)


def _ecp5(reference: int, _: bool) -> Iterator[Setting]:
    if not 8 * MHZ <= reference <= 400 * MHZ:
        return
    for divide in range(1, 129):
        compared = Fraction(reference, divide)
        if not Fraction(3_125_000) <= compared <= 400 * MHZ:
            continue
        for multiply in range(1, 81):
            frequency = compared * multiply
            if not 10 * MHZ <= frequency <= 400 * MHZ:
                continue
            # The output is divided from the oscillator, which stays near the middle of its range.
            divq = max(1, min(128, round(600 * MHZ / frequency)))
            oscillator = frequency * divq
            if 400 * MHZ <= oscillator <= 800 * MHZ:
                parameters = {
                    "FEEDBK_PATH": "CLKOP",
                    "CLKI_DIV": divide,
                    "CLKFB_DIV": multiply,
                    "CLKOP_ENABLE": "ENABLED",
                    "CLKOP_DIV": divq,
                    "CLKOP_CPHASE": divq // 2,
                    "CLKOP_FPHASE": 0,
                    "PLLRST_ENA": "DISABLED",
                    "INTFB_WAKE": "DISABLED",
                    "STDBY_ENABLE": "DISABLED",
                    "DPHASE_SOURCE": "DISABLED",
                    "OUTDIVIDER_MUXA": "DIVA",
                }
                yield Setting("EHXPLLL", frequency, oscillator, parameters)


def _gowin(reference: int, _: bool) -> Iterator[Setting]:
    if not 3 * MHZ <= reference <= 400 * MHZ:
        return
    for idiv in range(64):
        compared = Fraction(reference, idiv + 1)
        if not 3 * MHZ <= compared <= 400 * MHZ:
            continue
        for fbdiv in range(64):
            frequency = compared * (fbdiv + 1)
            if not 3_125_000 <= frequency <= 450 * MHZ:
                continue
            for odiv in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128):
                oscillator = frequency * odiv
                # 500 to 1200 MHz are allowed on GW1N-9 and on GW2A alike.
                if 500 * MHZ <= oscillator <= 1200 * MHZ:
                    parameters = {
                        "FCLKIN": f"{reference / MHZ:g}",
                        "IDIV_SEL": idiv,
                        "FBDIV_SEL": fbdiv,
                        "ODIV_SEL": odiv,
                    }
                    yield Setting("rPLL", frequency, oscillator, parameters)


_FAMILIES: dict[str, Callable[[int, bool], Iterator[Setting]]] = {
    "ice40": _ice40,
    "ecp5": _ecp5,
    "gowin": _gowin,
}


def clocked(m: Module, port: Any, setting: Setting, device: str) -> None:
    """Make the domain ``sync`` run at the output of a loop, in reset until the loop is locked.

    Parameters
    ----------
    m
        The module that gets the domain.
    port
        Port of the clock's pin.
    setting
        What `highest` gives.
    device
        Name of the device in the vendor's spelling, which Gowin's primitive has as a parameter.
    """
    m.domains.sync = domain = ClockDomain("sync")
    locked = Signal()
    parameters = {f"p_{name}": value for name, value in setting.parameters.items()}
    if setting.kind == "SB_PLL40_PAD":
        pins = {"i_PACKAGEPIN": port.io}
    else:
        m.submodules.clock_buffer = buffer = io.Buffer("i", port)
        pins = {_CLOCK_PIN[setting.kind]: buffer.i}
    made, lock, ones, zeros = _OTHER_PINS[setting.kind]
    pins |= {f"o_{made}": domain.clk, f"o_{lock}": locked}
    pins |= {f"i_{name}": Const(1) for name in ones} | {
        f"i_{name}": Const(0, n) for name, n in zeros
    }
    if setting.kind == "EHXPLLL":
        pins["i_CLKFB"] = domain.clk
    if setting.kind == "rPLL":
        parameters["p_DEVICE"] = device
    m.submodules.pll = Instance(setting.kind, **parameters, **pins)
    m.submodules.reset = ResetSynchronizer(~locked, domain="sync")


_CLOCK_PIN = {"SB_PLL40_CORE": "i_REFERENCECLK", "EHXPLLL": "i_CLKI", "rPLL": "i_CLKIN"}
# Of each primitive: its output, its lock, and its inputs that are always 1, or 0 (with their widths).
_OTHER_PINS: dict[str, tuple[str, str, tuple[str, ...], tuple[tuple[str, int], ...]]] = {
    "SB_PLL40_PAD": ("PLLOUTGLOBAL", "LOCK", ("RESETB",), (("BYPASS", 1),)),
    "SB_PLL40_CORE": ("PLLOUTGLOBAL", "LOCK", ("RESETB",), (("BYPASS", 1),)),
    "EHXPLLL": (
        "CLKOP", "LOCK", (),
        (("RST", 1), ("STDBY", 1), ("PHASESEL0", 1), ("PHASESEL1", 1), ("PHASEDIR", 1), ("PHASESTEP", 1),
         ("PHASELOADREG", 1), ("PLLWAKESYNC", 1), ("ENCLKOP", 1)),
    ),
    "rPLL": (
        "CLKOUT", "LOCK", (),
        (("RESET", 1), ("RESET_P", 1), ("CLKFB", 1), ("FBDSEL", 6), ("IDSEL", 6), ("ODSEL", 6), ("PSDA", 4),
         ("DUTYDA", 4), ("FDLY", 4)),
    ),
}  # fmt: skip
