"""A row of a kernel on an FPGA says why it has no speed, and what was tried again; a failure is not kept."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tnhw.comparison import fpga, kernels, out_of_context, report
from tnhw.comparison.row import flat, ratios
from tnhw.errors import DoesNotFit, ToolDied
from tnhw.kernel import Kernel
from tnhw.netlist import count
from tnhw.netlist.synthesis import Netlist

KERNEL = Kernel(name="k", rule="ternary", inputs=2, input="u2")
CELLS = {"SB_LUT4": 9, "SB_DFF": 4}


@pytest.fixture
def measure(monkeypatch):
    """``measure(place)``: a row whose place and route is a function."""
    netlist = Netlist(Path(), "ice40", "k", CELLS, count(CELLS, "ice40"))
    monkeypatch.setattr(fpga, "emit", lambda *_: "")
    monkeypatch.setattr(fpga, "synthesise", lambda *_, **__: netlist)

    def of(place):
        monkeypatch.setattr(fpga, "place", place)
        return fpga.measure(KERNEL, "ice40", fpga.Variant(), None, None, "given", vectors=0)

    return of


@pytest.mark.parametrize(
    "error, said, kept",
    [
        (DoesNotFit("k does not fit x: it needs 9 LUTs\nmore"), "does not fit: k does not", True),
        (ToolDied("`nextpnr` died.\nIts log is here"), "failed: `nextpnr` died.", False),
    ],
)
def test_row_without_a_speed(error, said, kept, measure):
    def place(*_, **__):
        raise error

    row = measure(place)
    assert row.fmax is None and row.no_fmax.startswith(said) and "\n" not in row.no_fmax
    assert kernels._complete(asdict(row)) == kept
    heading, line = report.cells_of([row], ratios([row]))
    assert line[heading.index("no Fmax")] == row.no_fmax


def test_row_says_what_was_tried_again(measure, monkeypatch, tmp_path, capsys):
    seeds = []

    def run(tool, arguments, **_):
        seeds.append(int(arguments[arguments.index("--seed") + 1]))
        if seeds[-1] < out_of_context.FAR:
            raise ToolDied("`nextpnr` died")
        clock, cells = {"clk": {"achieved": 50.0 + seeds[-1]}}, {"ICESTORM_LC": {"used": 30}}
        (tmp_path / "report.json").write_text(json.dumps({"fmax": clock, "utilization": cells}))

    monkeypatch.setattr(out_of_context.tools, "run", run)
    row = measure(
        lambda *_, **__: out_of_context.route(
            "k", "icebreaker", tmp_path, {"FF": 4}, 1, seeds=(1, 2)
        )
    )
    assert seeds == [1, 1001, 2, 1002] and row.fmax_seeds == [1051.0, 1052.0]
    changes = ["with seed 1001", "with seed 1002"]
    assert [retry["change"] for retry in row.retries] == changes
    assert flat(asdict(row))["retries"] == "with seed 1001 with seed 1002"
    assert "tnhw: `nextpnr` died\ntnhw: trying again with seed 1001" in capsys.readouterr().err


def test_route_tells_a_death_from_a_misfit(monkeypatch, tmp_path):
    def run(*_, **__):
        raise ToolDied("`nextpnr` died")

    monkeypatch.setattr(out_of_context.tools, "run", run)
    with pytest.raises(
        ToolDied, match="k cannot be placed and routed on icebreaker: `nextpnr` died"
    ):
        out_of_context.route("k", "icebreaker", tmp_path, {"FF": 4}, 1, seeds=(1,))
    (tmp_path / "route.log").write_text("ERROR: Unable to find legal placement for all cells")
    with pytest.raises(DoesNotFit, match="too full for"):
        out_of_context.route("k", "icebreaker", tmp_path, {"FF": 4}, 1, seeds=(1,))
