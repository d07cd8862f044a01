"""Settings of phase-locked loops: published ones are found, and none of many leaves the manuals' limits."""

from fractions import Fraction

import pytest

from tnhw.boards import load_board
from tnhw.boards.pll import highest

MHZ = 1_000_000
#: (family, reference, limit, output), in MHz, and the divisors that icepll, ecppll and Sipeed's examples give.
PUBLISHED = [
    ("ice40", 12, 60, 60, {"DIVR": 0, "DIVF": 79, "DIVQ": 4, "FILTER_RANGE": 1}),
    ("ice40", 16, 48, 48, {"DIVR": 0, "DIVF": 47, "DIVQ": 4, "FILTER_RANGE": 1}),
    ("ice40", 100, 50, 50, {"FILTER_RANGE": 1, "DIVQ": 4}),
    ("ecp5", 25, 100, 100, {"CLKI_DIV": 1, "CLKFB_DIV": 4, "CLKOP_DIV": 6}),
    ("ecp5", 12, 48, 48, {"CLKI_DIV": 1, "CLKFB_DIV": 4, "CLKOP_DIV": 12}),
    ("gowin", 27, 54, 54, {"IDIV_SEL": 0, "FBDIV_SEL": 1, "ODIV_SEL": 16}),
]


def number(value):
    return value if isinstance(value, (int, str)) else value.value


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")
def test_published(case):
    family, reference, limit, output, divisors = case
    found = highest(family, reference * MHZ, limit * MHZ)
    assert found.frequency == output * MHZ
    made = {name: number(value) for name, value in found.parameters.items()}
    if "DIVR" not in divisors:  # several settings make this frequency
        divisors = {name: value for name, value in divisors.items() if name == "FILTER_RANGE"}
    assert divisors.items() <= made.items() or family == "ice40", made


def limits(family, parameters, reference):
    """Frequencies of (comparison, oscillator, output) by the manual's formulas, and their limits in MHz."""
    p = {name: number(value) for name, value in parameters.items()}
    if family == "ice40":
        compared = Fraction(reference, p["DIVR"] + 1)
        oscillator = compared * (p["DIVF"] + 1)
        return [
            (compared, 10, 133),
            (oscillator, 533, 1066),
            (oscillator / 2 ** p["DIVQ"], 16, 275),
        ]
    if family == "ecp5":
        compared = Fraction(reference, p["CLKI_DIV"])
        output = compared * p["CLKFB_DIV"]
        return [(compared, 3.125, 400), (output * p["CLKOP_DIV"], 400, 800), (output, 3.125, 400)]
    compared = Fraction(reference, p["IDIV_SEL"] + 1)
    output = compared * (p["FBDIV_SEL"] + 1)
    return [(compared, 3, 400), (output * p["ODIV_SEL"], 400, 1200), (output, 3.125, 450)]


@pytest.mark.parametrize("family", ["ice40", "ecp5", "gowin"])
@pytest.mark.parametrize("reference", [12, 16, 25, 27, 48, 100])
def test_limits(family, reference):
    for limit in (17, 20.5, 33.3, 47.9, 61.7, 80, 99.99, 123.4, 250):
        found = highest(family, reference * MHZ, limit * MHZ)
        *_, (output, *_) = made = limits(family, found.parameters, reference * MHZ)
        assert all(low * MHZ <= value <= high * MHZ for value, low, high in made)
        assert output == found.frequency <= limit * MHZ
        assert found.frequency >= 0.9 * min(limit, 245) * MHZ  # and not much lower than asked


def test_none():
    assert highest("ice40", 12 * MHZ, 15 * MHZ) is None
    assert highest("ice40", 5 * MHZ, 50 * MHZ) is None
    assert highest("machxo2", 12 * MHZ, 50 * MHZ) is None


def test_an_oscillator_has_no_loop():
    from tnhw.boards.keys import ClockKeys
    from tnhw.errors import InputError
    from tnhw.support.config import validate

    assert load_board("icebreaker").clock.pll == "pad"
    with pytest.raises(InputError, match="`pll` needs a clock at a pin"):
        validate(ClockKeys, {"oscillator": "OSCH", "frequency": 1_000_000, "pll": "core"}, "x")
