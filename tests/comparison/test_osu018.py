"""Cells of a library that everyone can have, osu018 of Debian: a comparison, and figures of docs/results again."""

import importlib.util
import json

import pytest
from places import ROOT

from tnhw import cli
from tnhw.catalogue import load
from tnhw.cells import synthesise
from tnhw.comparison.kernels import open_library

RESULTS = ROOT / "docs" / "results" / "kernels.json"


def report():
    """benchmarks/report.py, which makes docs/results."""
    spec = importlib.util.spec_from_file_location("report", ROOT / "benchmarks" / "report.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.needs("iverilog")
def test_two_kernels_from_file_to_power(osu018, tmp_path, capsys):
    """Measured anew; the threshold neuron is smaller and takes less."""
    for name, rule, parameter in (("tn", "threshold", "u7"), ("mac", "mac", "s8")):
        (tmp_path / f"{name}.toml").write_text(
            f'name = "{name}"\nrule = "{rule}"\narchitecture = "tile"\narithmetic = "heap"\ninputs = 3\noutputs = 2\n'
            f'input = "u7"\nparameter = "{parameter}"\nstorage = "memory"\nregisters = "latch"\n'
        )
    files = [str(tmp_path / "tn.toml"), str(tmp_path / "mac.toml")]
    options = ["--vectors", "24", "--workers", "1", "--fresh", "-o", str(tmp_path), "--json"]
    assert cli.main(["compare", *files, "-t", f"liberty:{osu018}", *options]) == 0
    neuron, mac = json.loads(capsys.readouterr().out)["rows"]
    assert neuron["target"] == "liberty:osu018_stdcells"
    assert 0 < neuron["area"]["combinational"] < neuron["area"]["total"]
    assert mac["ratio"]["area"] > 2 and mac["ratio"]["power"] > 1.5
    assert neuron["timer"] == mac["timer"] and neuron["frequency"] == mac["frequency"]
    assert neuron["fmax"] == pytest.approx(neuron["fmax_estimate"], rel=0.005)


def same_area(kernel, path):
    """Whether a kernel's area is what docs/results says."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    [row] = [
        row
        for row in rows
        if row["name"] == kernel.name and row["target"] == "liberty:osu018_stdcells"
    ]
    found = synthesise(kernel.create("stream"), open_library(str(path)), name=kernel.name).area()
    assert found.items() <= row["area"].items(), "run `make report`"


@pytest.mark.parametrize("name", ["fixed_threshold_bits4_pairs", "fixed_mac_bits4_none"])
def test_areas_of_the_report(osu018, tmp_path, name):
    kernels = {kernel.name: kernel for kernel in report().constants(tmp_path)}
    same_area(kernels[name], osu018)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["tile_threshold8", "tile_mac8"])
def test_areas_of_the_tiles(osu018, name):
    same_area(load(name), osu018)
