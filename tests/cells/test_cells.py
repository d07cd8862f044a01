"""Netlists of cells: mapping, simulation, power against values computed by hand, and comparisons."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from cell_kernels import kernel
from places import NIGHTLY, TOY, liberty_files

from tnhw import cli
from tnhw.cells import Library, analyse, energy, synthesise
from tnhw.cells.gate_simulation import MODELS, simulate
from tnhw.cells.mapping import Mapped
from tnhw.cells.roles import choose
from tnhw.cells.timing import wire_capacitance
from tnhw.comparison import kernels as comparison
from tnhw.comparison.row import ratios
from tnhw.errors import CheckFailed, InputError


def library_without(folder, *cells):
    """The toy library without some of its cells."""
    text = TOY.read_text()
    for cell in cells:
        text = text.replace(f"cell ({cell})", f"cell ({cell}_probe)")
    path = Path(folder) / "part.lib"
    path.write_text(text)
    return Library(path)


# ---- A flip-flop and an inverter, by hand ----


def two_cells():
    library = Library(TOY)
    cells = {
        "ff": ("DFF", {"CK": 1, "D": 2, "Q": 3}),
        "inv": ("INV", {"A": 3, "Y": 4}),
    }
    ports = {"clk": ("input", [1]), "d": ("input", [2]), "y": ("output", [4])}
    return Mapped(library, "two", cells, ports)


def measured(mapped, rows, model="inertial", **options):
    wire = wire_capacitance(mapped.library, choose(mapped.library))
    timing = analyse(mapped, wire)
    changes = simulate(mapped, timing, rows, model=model, **options)
    return timing, changes, energy(mapped, timing, changes)


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("model", MODELS)
def test_power_by_hand(model):
    """d changes in every cycle.

    Wires have 0.02 pF a pin. Loads: d 0.03 pF (D has 0.01), q 0.03, y 0.02, clk 0.03. With 2 V a change
    of a net takes 2 C: d and q 0.06, y 0.04; clk 0.12 a cycle. Inside: INV (0.01 + 0.02) / 2, Q
    (0.03 + 0.05) / 2, CK 0.02 + 0.01. One sink needs no clock tree.
    """
    rows = [{"d": k & 1} for k in range(24)]
    timing, changes, found = measured(two_cells(), rows, model, last=22)
    assert found.combinational == pytest.approx(0.04 + 0.015, rel=0.01)
    assert found.sequential == pytest.approx(0.06 + 0.06 + 0.04, rel=0.01)
    assert found.clock == pytest.approx(0.12 + 0.03, rel=0.01)
    assert found.leakage == pytest.approx(0.003)
    power = found.power(100)
    assert power["total"] == pytest.approx(100 * (0.055 + 0.16 + 0.15) + 0.003, rel=0.01)
    assert found.power(200)["clock"] == pytest.approx(2 * power["clock"])
    assert [row["y"] for row in changes.outputs[2:8]] == [0, 1, 0, 1, 0, 1]


@pytest.mark.needs("iverilog")
def test_idle_inputs_take_only_the_clock():
    _, _, found = measured(two_cells(), [{"d": 0}] * 12)
    assert (found.combinational, found.sequential) == (0, 0)
    assert found.clock == pytest.approx(0.15)


def test_timing_by_hand():
    """Clock to Q 0.12 at most, then the inverter at its input slew of 0.1 and load of 0.02."""
    mapped = two_cells()
    timing = analyse(mapped, wire_capacitance(mapped.library, choose(mapped.library)))
    rise = 0.1 + 0.2 * 0.1 + 0.1 * 0.2
    fall = rise + 0.1
    assert timing.delays["inv", "Y"] == pytest.approx((rise, fall))
    assert timing.period == pytest.approx(max(0.12 + rise, 0.1 + fall))
    assert timing.path == ["INV", "DFF"]


@pytest.mark.needs("iverilog")
def test_glitches():
    """a ^ ~a delayed: a hazard that transport counts, and inertial counts only if it is long enough."""
    library = Library(TOY)
    cells = {"ff": ("DFF", {"CK": 1, "D": 2, "Q": 3})}
    net = 3
    for k in range(5):
        cells[f"inv{k}"] = ("INV", {"A": net, "Y": 10 + k})
        net = 10 + k
    cells["x"] = ("XOR2", {"A": 3, "B": net, "Y": 30})
    ports = {"clk": ("input", [1]), "d": ("input", [2]), "y": ("output", [30])}
    rows = [{"d": k & 1} for k in range(24)]
    seen = {}
    for model in MODELS:
        _, changes, _ = measured(Mapped(library, "hazard", cells, ports), rows, model)
        seen[model] = changes.rises[30] + changes.falls[30]
    assert seen["zero"] == 0
    assert (
        seen["transport"] >= 38 and seen["inertial"] >= 38
    )  # 0.7 ns are longer than the XOR's 0.1


# ---- Mapping ----

SMALL = [
    {},
    {"registers": "latch"},
    {"rule": "mac", "parameter": "s3", "form": "booth", "registers": "latch"},
    {"rule": "mac", "parameter": "s3", "input": "s3", "form": "rows"},
    {"rule": "mac", "parameter": "s3", "form": "booth_and_or"},
    {"rule": "mac", "parameter": "s4", "form": "digits", "registers": "latch"},
    {"rule": "mac", "parameter": "s3", "input": "s3", "form": "sign_magnitude"},
    {"rule": "addernet", "storage": "ports", "output": "u3", "shift": 1},
    {"rule": "mac", "parameter": "s3", "architecture": "serial", "storage": "ports", "outputs": 1,
     "gating": "predicate"},
    {"architecture": "serial", "storage": "ports", "outputs": 1, "gating": "predicate"},
]  # fmt: skip


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    "keys", SMALL, ids=lambda keys: "-".join(map(str, keys.values())) or "tile"
)
def test_netlists_equal_the_golden_model(keys):
    """The check is part of the measurement, for every model of glitches."""
    row, found = comparison.measure(kernel(**keys), Library(TOY), vectors=24, models=MODELS)
    assert set(found) == set(MODELS)
    assert row.area["total"] == pytest.approx(row.area["combinational"] + row.area["sequential"])
    zero, inertial, transport = (row.energy[model]["combinational"] for model in MODELS)
    assert zero <= 1.02 * inertial and inertial <= 1.02 * transport


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    "missing", [("FA", "HA"), ("HA",), ("ICG",), ("LATCH", "ICG")], ids="-".join
)
def test_libraries_that_lack_cells(missing, tmp_path):
    library = library_without(tmp_path, *missing)
    row, _ = comparison.measure(kernel(registers="latch"), library, vectors=12)
    mapped = synthesise(kernel(registers="latch").create(), library, name="k")
    assert not set(missing) & set(mapped.counts())
    assert row.area["total"] > 0


def test_cells_are_used():
    counts = synthesise(kernel(registers="latch").create(), Library(TOY), name="k").counts()
    assert counts["LATCH"] == 3 * 2 * 4 + 2 * 6  # four bits a synapse, six of a bias
    assert counts["ICG"] == 3 and counts["FA"] > 10


@pytest.mark.needs("iverilog")
def test_fault_in_the_netlist_is_found(monkeypatch):
    def broken(*arguments, **options):
        mapped = synthesise(*arguments, **options)
        cells = dict(mapped.cells)
        place = next(i for i, (name, _) in cells.items() if name == "FA")
        name, nets = cells[place]
        cells[place] = (name, nets | {"S": nets["CO"], "CO": nets["S"]})
        return replace(mapped, cells=cells)

    monkeypatch.setattr(comparison, "synthesise", broken)
    with pytest.raises(CheckFailed, match="differs from the golden model"):
        comparison.measure(kernel(), Library(TOY), vectors=24)


class Fan(wiring.Component):
    """One register that drives 100 gates."""

    def __init__(self):
        super().__init__({"a": In(1), "b": In(100), "y": Out(100)})

    def elaborate(self, platform):
        m = Module()
        q = Signal(reset_less=True)
        m.d.sync += q.eq(self.a)
        m.d.comb += self.y.eq(self.b & q.replicate(100))
        return m


def test_wide_nets_are_buffered():
    mapped = synthesise(Fan(), Library(TOY), name="fan")
    pins = {}
    for name, nets in mapped.cells.values():
        for pin in mapped.library.cell(name).inputs:
            pins[nets[pin]] = pins.get(nets[pin], 0) + 1
    assert max(pins.values()) <= 32 and mapped.counts()["BUF2"] == 4


# ---- Comparison ----


@pytest.mark.needs("iverilog")
def test_zero_weights_take_less():
    mac = kernel(rule="mac", parameter="s3", form="rows")
    x, p, _ = comparison.operands(mac, 30)
    energies = []
    for weight in (p["weight"], np.zeros_like(p["weight"])):
        _, found = comparison.measure(mac, Library(TOY), x, p | {"weight": weight})
        energies.append(found["inertial"].combinational)
    assert energies[1] < energies[0] / 2


@pytest.mark.needs("iverilog")
def test_command_line(tmp_path, capsys):
    for name, rule, parameter in (("tn", "threshold", "u3"), ("mac", "mac", "s3")):
        (tmp_path / f"{name}.toml").write_text(
            f'name = "{name}"\nrule = "{rule}"\narchitecture = "tile"\narithmetic = "heap"\ninputs = 2\n'
            f'input = "u3"\nparameter = "{parameter}"\nstorage = "memory"\nregisters = "latch"\n'
        )
    files = [str(tmp_path / "tn.toml"), str(tmp_path / "mac.toml")]
    arguments = [
        "compare",
        *files,
        "-t",
        f"liberty:{TOY}",
        "-t",
        "ice40",
        "--vectors",
        "12",
        "--seeds",
        "1",
    ]
    assert cli.main([*arguments, "-o", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    tn, mac = report["rows"][:2]
    assert tn["ratio"] == {"area": 1.0, "power": 1.0, "fmax": 1.0}
    assert mac["ratio"]["area"] > 1 and mac["frequency"] == tn["frequency"]
    assert {row["target"] for row in report["rows"][2:]} == {"ice40"}
    assert (tmp_path / "compare" / "kernels" / "kernels.csv").read_text().count("\n") == 5
    assert str(tmp_path) not in (tmp_path / "compare" / "kernels" / "kernels.json").read_text()
    assert cli.main([*arguments[:3], "-t", "icebreaker", "-o", str(tmp_path)]) == 2
    assert "the target must be ice40" in capsys.readouterr().err
    assert cli.main(["compare", files[0], "digits_tn", "-t", "ice40"]) == 2
    assert "networks or kernels, not both" in capsys.readouterr().err


def test_wrong_kernels():
    with pytest.raises(InputError, match='`registers = "latch"` is for architecture `tile`'):
        kernel(architecture="parallel", registers="latch")
    with pytest.raises(InputError, match='`gating = "predicate"` is for'):
        kernel(gating="predicate")
    with pytest.raises(InputError, match="all parameters in one plain beat"):
        kernel(interface="axi-stream")


@pytest.mark.needs("iverilog")
def test_real_libraries():
    """A threshold tile is smaller than a MAC tile, and takes less: on the smallest library, nightly on each."""
    files = liberty_files()
    if not files:
        pytest.skip("TNHW_LIBERTY names no Liberty file")
    smallest = min(files, key=lambda file: file.stat().st_size)
    for file in files if NIGHTLY else [smallest]:
        pair = [
            kernel(name="tn", input="u7", parameter="u7", registers="latch"),
            kernel(name="mac", rule="mac", input="u7", parameter="s8", registers="latch"),
        ]
        rows = comparison.compare(pair, [f"liberty:{file}"], vectors=24)
        ratio = ratios(rows)[1]
        assert ratio["area"] > 2 and ratio["power"] > 1.5
