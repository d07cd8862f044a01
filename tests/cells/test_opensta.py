"""Static timing by OpenSTA: the same periods as by hand, and as our estimate."""

import pytest
from places import TOY, liberty_files

from tnhw import tools
from tnhw.cells import Library, analyse, opensta, synthesise
from tnhw.cells.mapping import Mapped
from tnhw.cells.roles import choose
from tnhw.cells.timing import wire_capacitance
from tnhw.comparison.row import Row, set_power
from tnhw.kernel import Kernel

INSTALLED = tools.doctor(["sta"])[0].status == "ok"
with_opensta = pytest.mark.skipif(not INSTALLED, reason="OpenSTA is not installed")

# Toy: clock to Q 0.1 up and 0.12 down; an inverter 0.15 up and 0.25 down before another pin, 0.01 less before
# a port; setup 0.05.
FLOP, GATE = ("DFF", {"CK": 1, "D": 2, "Q": 3}), ("ICG", {"CK": 1, "E": 2, "GCK": 6})
CLOCKED = {"clk": ("input", [1]), "d": ("input", [2])}
NETLISTS = {
    "register to port": (
        {"ff": FLOP, "inv": ("INV", {"A": 3, "Y": 4})},
        CLOCKED | {"y": ("output", [4])},
        0.1 + 0.24,
    ),
    "register to clock gate": (
        {
            "ff": FLOP,
            "one": ("INV", {"A": 3, "Y": 4}),
            "two": ("INV", {"A": 4, "Y": 5}),
            "gate": ("ICG", {"CK": 1, "E": 5, "GCK": 6}),
            "behind": ("DFF", {"CK": 6, "D": 3, "Q": 7}),
        },
        CLOCKED | {"y": ("output", [7])},
        0.12 + 0.15 + 0.25 + 0.05,
    ),
    "from a gated register": (
        {
            "gate": GATE,
            "ff": ("DFF", {"CK": 6, "D": 3, "Q": 7}),
            "one": ("INV", {"A": 7, "Y": 4}),
            "two": ("INV", {"A": 4, "Y": 5}),
        },
        CLOCKED | {"e": ("input", [3]), "y": ("output", [5, "1", 3])},
        0.12 + 0.15 + 0.24,
    ),
    "latches hold": (
        {
            "gate": GATE,
            "latch": ("LATCH", {"G": 6, "D": 3, "Q": 7}),
            "one": ("INV", {"A": 7, "Y": 4}),
            "two": ("INV", {"A": 4, "Y": 5}),
            "and": ("NAND2", {"A": 5, "B": 3, "Y": 9}),
        },
        CLOCKED | {"e": ("input", [3]), "y": ("output", [9])},
        0.12,
    ),
    "no clock": (
        {"and": ("NAND2", {"A": 2, "B": 3, "Y": 9})},
        {"a": ("input", [2, 3]), "y": ("output", [9])},
        0.12,
    ),
}


def both(mapped):
    """Periods by OpenSTA and by our estimate."""
    wire = wire_capacitance(mapped.library, choose(mapped.library))
    return opensta.shortest_period(mapped, wire), analyse(mapped, wire).period


@with_opensta
@pytest.mark.parametrize("name", NETLISTS)
def test_periods_by_hand(name):
    cells, ports, by_hand = NETLISTS[name]
    found, estimate = both(Mapped(Library(TOY), "m", cells, ports))
    assert [found, estimate] == pytest.approx([by_hand, by_hand], abs=2e-5)


def kernel():
    return Kernel(
        name="k", rule="threshold", architecture="tile", arithmetic="heap", inputs=3, outputs=2,
        input="u3", parameter="u3", storage="memory", registers="latch",
    )  # fmt: skip


@with_opensta
def test_agrees_with_the_estimate():
    """On a kernel with latches behind clock gates; tables without slopes make both equal."""
    found, estimate = both(synthesise(kernel().create("stream"), Library(TOY), name="k"))
    assert found == pytest.approx(estimate, rel=1e-4)


@with_opensta
@pytest.mark.nightly
def test_agrees_on_libraries():
    for file in liberty_files():
        found, estimate = both(synthesise(kernel().create("stream"), Library(file), name="k"))
        assert found == pytest.approx(estimate, rel=0.005)


@with_opensta
def test_library_that_it_cannot_read(tmp_path):
    """It wants thresholds, which our estimate does not need: the row says so."""
    text = TOY.read_text().replace("input_threshold_pct_rise", "unknown_key")
    (tmp_path / "part.lib").write_text(text)
    cells, ports, by_hand = NETLISTS["register to port"]
    mapped = Mapped(Library(tmp_path / "part.lib"), "m", cells, ports)
    timing = analyse(mapped, 0.02)
    period, timer = opensta.period(mapped, timing, 0.02)
    assert period == timing.period == pytest.approx(by_hand)
    assert timer.startswith("estimate, for OpenSTA: Error:") and "threshold" in timer


def test_estimate_where_it_is_missing(monkeypatch):
    missing = tools.ToolStatus("sta", "", None, None, "missing")
    monkeypatch.setattr(tools, "doctor", lambda names: [missing])
    cells, ports, by_hand = NETLISTS["register to port"]
    mapped = Mapped(Library(TOY), "m", cells, ports)
    timing = analyse(mapped, 0.02)
    assert opensta.timer() == "estimate"
    assert opensta.period(mapped, timing, 0.02) == (timing.period, "estimate")


def row(fmax, estimate, timer):
    energy = {"combinational": 1.0, "sequential": 1.0, "clock": 1.0, "leakage": 0.0}
    return Row(
        name="k", rule="mac", form=None, architecture="tile", arithmetic="heap", storage="ports", input="u4",
        parameter="s4", stored_bits=4, operations=1, target="liberty:toy", fmax=fmax, fmax_estimate=estimate,
        timer=timer, energy={"inertial": energy},
    )  # fmt: skip


def test_rows_of_a_library_go_by_one_timer():
    rows = [row(100, 101, "OpenSTA 2.0.17"), row(50, 51, "OpenSTA 2.0.17")]
    set_power(rows)
    assert [one.fmax for one in rows] == [100, 50] and rows[0].frequency == 40
    rows[1] = row(51, 51, "estimate, for OpenSTA: Error")
    set_power(rows)
    assert [one.fmax for one in rows] == [101, 51] and rows[0].frequency == pytest.approx(40.8)
    assert {one.timer for one in rows} == {"estimate"}
