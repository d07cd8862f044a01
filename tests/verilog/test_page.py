"""The page about the Verilog: its counts and its examples are those of files that are emitted now."""

import re

import pytest
from places import ROOT

from tnhw import Kernel, load
from tnhw.catalogue import load_design
from tnhw.export import ip
from tnhw.verilog import emitting

PAGE = (ROOT / "docs" / "verilog.md").read_text(encoding="utf-8")
#: Names of Yosys and of Amaranth for what has none.
INVENTED = re.compile(r"\b_\d+_\b|\$\d+")
SMALL = {"rule": "threshold", "architecture": "parallel", "storage": "memory", "inputs": 8, "outputs": 2,
         "input": "u8", "parameter": "u8", "bias": "s12", "output": "u8", "shift": 4}  # fmt: skip


@pytest.fixture(scope="module")
def small():
    return Kernel(name="threshold8x2", **SMALL)


@pytest.fixture(scope="module")
def texts(small):
    found = {
        "8x2 threshold, memory": small,
        "`digits_layer_threshold`": load("digits_layer_threshold"),
        "`digits_tn`, 64 lanes": load_design("digits_tn"),
    }
    found = {name: emitting.emitted(hardware)[0] for name, hardware in found.items()}
    engine = re.search(
        r"^module digits_tn__engine_0 .*?^endmodule",
        found["`digits_tn`, 64 lanes"],
        flags=re.M | re.S,
    )
    return found | {"its first engine alone": engine[0]}


def test_counts(texts):
    rows = re.search(r"<!-- verilog: begin -->(.*)<!-- verilog: end -->", PAGE, flags=re.S)[1]
    shown = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows.split("\n")[3:-1]]
    made = [
        [
            name,
            f"{len(text.splitlines()):,}",
            str(len(re.findall("^module ", text, flags=re.M))),
            str(len(set(INVENTED.findall(text)))),
        ]
        for name, text in texts.items()
    ]
    assert [[row[0], row[2], row[4], row[6]] for row in shown] == made


def test_examples(texts, small, tmp_path):
    _, now, wrapper = re.findall(r"```verilog\n(.*?)```", PAGE, flags=re.S)
    assert now in texts["8x2 threshold, memory"]
    axi = small.with_keys(interface="axi-stream", beat=4)
    ip.package(axi, tmp_path)
    assert wrapper in (tmp_path / "rtl" / "threshold8x2_axil.v").read_text()
