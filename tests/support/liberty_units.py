"""The toy library written in other units: each value and table multiplied by what the units demand."""

import re
from pathlib import Path

TOY = (Path(__file__).parent / "toy.lib").read_text()
_SCALE = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}


def value(unit, base):
    """A unit such as ``10ps`` in seconds, farads, watts or volts."""
    number, prefix = re.fullmatch(rf"([\d.]*)([a-z]?){base}", unit, re.I).groups()
    return float(number or 1) * _SCALE[prefix.lower()]


def rewritten(time="1ns", capacitance="1pf", leakage="1nW", voltage="1V"):
    """Text of the toy library: the same cells, in these units."""
    slow, large = 1e-9 / value(time, "s"), 1e-12 / value(capacitance, "f")
    strong, high = 1e-9 / value(leakage, "w"), 1 / value(voltage, "v")
    kinds = {
        "cell_rise|cell_fall|rise_transition|fall_transition|rise_constraint|fall_constraint": slow,
        "rise_power|fall_power": large * high**2,
    }
    text = TOY
    for names, factor in kinds.items():
        text = re.sub(rf"\b(?:{names}) \(\w+\) \{{ values \(([^)]*)\)", _times(factor), text)
    for pattern, factor in (
        (r"index_1 \(([^)]*)\)", slow), (r"index_2 \(([^)]*)\)", large),
        (r"(?<!_)capacitance : ([\d.]+)", large), (r"cell_leakage_power : ([\d.]+)", strong),
        (r"nom_voltage : ([\d.]+)", high),
    ):  # fmt: skip
        text = re.sub(pattern, _times(factor), text)
    number, prefix = re.fullmatch(r"([\d.]+)(\w+)", capacitance).groups()
    for old, new in (
        ('time_unit : "1ns"', f'time_unit : "{time}"'), ('voltage_unit : "1V"', f'voltage_unit : "{voltage}"'),
        ('leakage_power_unit : "1nW"', f'leakage_power_unit : "{leakage}"'),
        ("capacitive_load_unit (1, pf)", f"capacitive_load_unit ({number}, {prefix})"),
    ):  # fmt: skip
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def _times(factor):
    def multiply(match):
        numbers = re.sub(r"[\d.]+", lambda number: repr(float(number[0]) * factor), match[1])
        return (
            match[0][: match.start(1) - match.start()]
            + numbers
            + match[0][match.end(1) - match.start() :]
        )

    return multiply
