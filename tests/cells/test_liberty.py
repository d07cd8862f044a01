"""Liberty files: the toy library, functions, and what a library offers."""

import gzip
from itertools import product

import pytest
from places import TOY, liberty_files

from tnhw.cells import Library
from tnhw.cells.boolean import truth, verilog
from tnhw.cells.roles import choose
from tnhw.errors import InputError


def test_units_and_cells():
    library = Library(TOY)
    assert (library.name, library.voltage, library.leakage_unit) == ("toy", 2.0, 1e-9)
    cell = library.cell("INV")
    assert (cell.area, cell.leakage, cell.inputs, cell.outputs) == (2, 1e-9, ["A"], ["Y"])
    assert cell.pins["A"].capacitance == 0.01
    assert library.cell("DFF").sequential["kind"] == "ff"
    assert len(library.cell("DFF").pins["D"].constraints) == 1
    assert library.cell("ICG").gate == "latch_posedge"


@pytest.mark.parametrize(
    ("slew", "load", "delay"),
    [(0, 0, 0.1), (0, 0.1, 0.2), (1, 0, 0.3), (0.5, 0.05, 0.25), (0, 0.2, 0.3), (2, 0, 0.5)],
)
def test_tables_are_interpolated_and_extended(slew, load, delay):
    arc = Library(TOY).cell("INV").pins["Y"].arcs[0]
    assert arc.rise.at(slew, load) == pytest.approx(delay)


def test_load_may_be_the_first_axis(tmp_path):
    text = TOY.read_text().replace("input_net_transition", "swap")
    text = text.replace("total_output_net_capacitance", "input_net_transition")
    (tmp_path / "swapped.lib").write_text(text.replace("swap", "total_output_net_capacitance"))
    arc = Library(tmp_path / "swapped.lib").cell("INV").pins["Y"].arcs[0]
    assert arc.rise.at(0.0, 1.0) == pytest.approx(0.3)  # values[load 1][slew 0]


@pytest.mark.parametrize("first", ["constrained_pin", "related_pin"])
def test_constraints_by_the_slew_of_data_and_clock(first, tmp_path):
    """In either order of the axes: setup 0.1 + slew of data + twice the slew of the clock."""
    second = {"constrained_pin": "related_pin", "related_pin": "constrained_pin"}[first]
    values = "0.1, 2.1, 1.1, 3.1" if first == "constrained_pin" else "0.1, 1.1, 2.1, 3.1"
    template = f"""lu_table_template (two) {{ variable_1 : {first}_transition; variable_2 : {second}_transition;
      index_1 ("0.0, 1.0"); index_2 ("0.0, 1.0"); }}
      cell (INV) {{"""
    text = TOY.read_text().replace("cell (INV) {", template)
    text = text.replace('rise_constraint (scalar) { values ("0.05"); }',
                        f'rise_constraint (two) {{ values ("{values}"); }}')  # fmt: skip
    (tmp_path / "two.lib").write_text(text)
    [setup] = Library(tmp_path / "two.lib").cell("DFF").pins["D"].constraints
    assert setup.rise.at(0.3, 0.2) == pytest.approx(0.1 + 0.3 + 2 * 0.2)
    assert setup.fall.at(0.3, 0.2) == 0.05


def test_compressed(tmp_path):
    (tmp_path / "toy.lib.gz").write_bytes(gzip.compress(TOY.read_bytes()))
    packed = Library(tmp_path / "toy.lib.gz")
    assert packed.digest == Library(TOY).digest and packed.names == Library(TOY).names


@pytest.mark.filterwarnings("ignore::tnhw.errors.LibertyWarning")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("module m; endmodule", "no Liberty file"),
        ("library (x) { time_unit : \"1ns\"; }", "has no cells"),
        ("library (x) { cell (A) { area : 1; pin (Y) {", "ends in the middle"),
    ],
)  # fmt: skip
def test_wrong_files(text, error, tmp_path):
    (tmp_path / "wrong.lib").write_text(text)
    with pytest.raises(InputError, match=error):
        Library(tmp_path / "wrong.lib").cell("A")


def test_missing_file_and_cell(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Library(tmp_path / "none.lib")
    with pytest.raises(InputError, match="no cell `NONE`"):
        Library(TOY).cell("NONE")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("A'", lambda a, b, c: 1 - a),
        ("!(A B)", lambda a, b, c: 1 - (a & b)),
        ("(A B)'", lambda a, b, c: 1 - (a & b)),
        ("A B + C", lambda a, b, c: a & b | c),
        ("A*!B|C", lambda a, b, c: a & (1 - b) | c),
        ("(A&!B&!C) | (!A&B&!C) | (!A&!B&C) | (A&B&C)", lambda a, b, c: a ^ b ^ c),
        ("((A^B)^C)", lambda a, b, c: a ^ b ^ c),
        ("A ^ B & C", lambda a, b, c: (a ^ b) & c),
        ("1", lambda a, b, c: 1),
    ],
)
def test_functions(function, expected):
    rows = [expected(*reversed(values)) for values in product((0, 1), repeat=3)]
    assert truth(function, ["A", "B", "C"]) == tuple(rows)


@pytest.mark.parametrize("function", ["A &", "(A", "A $ B", "A)"])
def test_functions_that_cannot_be_read(function):
    with pytest.raises(InputError, match="function"):
        verilog(function)


def test_choice():
    choice = choose(Library(TOY))
    assert choice.full == ("FA", "A", "B", "C", "S", "CO")
    assert choice.half == ("HA", "A", "B", "S", "CO")
    assert choice.latch == ("LATCH", "G", "D", "Q")
    assert choice.gate == ("ICG", "CK", "E", "GCK", [])
    assert choice.unit == ("NAND2", 3.0)
    assert choice.buffer == "BUF2"
    assert "FA" not in choice.logic and "ICG" not in choice.logic and "DFF" in choice.logic


def test_choice_needs_a_flip_flop(tmp_path):
    text = TOY.read_text()
    (tmp_path / "none.lib").write_text(text.replace("ff (IQ", "latch (IQ"))
    with pytest.raises(InputError, match="no flip-flop"):
        choose(Library(tmp_path / "none.lib"))


def test_choice_of_real_libraries():
    files = liberty_files()
    if not files:
        pytest.skip("TNHW_LIBERTY names no Liberty file")
    for file in files:
        choice = choose(Library(file))
        assert choice.latch and not any("lpflow" in name for name in choice.logic)
