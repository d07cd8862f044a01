"""Operands of trained networks."""

import json

import numpy as np
import pytest
from places import TOY

from tnhw import cli
from tnhw.catalogue import load
from tnhw.comparison import kernels as comparison
from tnhw.comparison.operands import of_model
from tnhw.data import datasets
from tnhw.errors import InputError
from tnhw.kernel import Kernel


def tile(**keys):
    keys = {"name": "k", "rule": "threshold", "architecture": "tile", "arithmetic": "heap", "inputs": 16,
            "outputs": 8, "input": "u4", "parameter": "u4", "storage": "memory"} | keys  # fmt: skip
    return Kernel(**keys)


def test_last_layer_that_fits():
    kernel, network = tile(), load("digits_tn")
    found = of_model(kernel, "digits_tn", 5)
    assert found.x.shape == (5, 16) and found.p["theta"].shape == (8, 16)
    assert (found.p["theta"] == network.layers[-1].arrays["theta"][:8, :16]).all()
    assert (found.score, found.unit) == (98.0, "% correct")
    assert kernel.golden(found.x, found.p).shape == (5, 8)
    assert found.x.max() <= 15 and np.unique(found.x).size > 3


def test_layer_of_a_number():
    """Layer 0 of two that fit is fed with the images themselves."""
    first, last = (of_model(tile(), "digits_tn", 3, layer=number) for number in (0, 1))
    images = datasets.load("digits").x_test[:3].reshape(3, -1)
    assert (first.x == images[:, : first.x.shape[1]]).all() and "layer dense0" in first.text
    assert (last.x == of_model(tile(), "digits_tn", 3).x).all()
    with pytest.raises(InputError, match="no dense layer"):
        of_model(tile(), "digits_tn", 3, layer=2)


def test_layer_before():
    assert of_model(tile(inputs=40), "digits_tn", 3).text != of_model(tile(), "digits_tn", 3).text


@pytest.mark.parametrize(
    "keys", [{"input": "u7"}, {"rule": "mac", "parameter": "s8"}, {"inputs": 65}]
)
def test_formats_must_be_the_layers(keys):
    with pytest.raises(InputError, match="no dense layer with rule"):
        of_model(tile(**keys), "digits_tn", 3)


def test_places_of_signs_are_not_trained():
    with pytest.raises(InputError, match="leave `excitatory` out"):
        of_model(tile(excitatory=8), "digits_tn", 3)


def test_constants_must_be_the_networks():
    arrays = of_model(tile(), "digits_tn", 3).p
    same = tile(storage="constant", arrays=arrays)
    assert of_model(same, "digits_tn", 3).facts == {"model": "digits_tn", "accuracy": 98.0}
    other = tile(storage="constant", arrays=arrays | {"theta": arrays["theta"] ^ 1})
    with pytest.raises(InputError, match="its constants are not those of digits_tn, layer"):
        of_model(other, "digits_tn", 3)


def test_only_percent_is_an_accuracy(data_dir):
    kernel = tile(rule="mac", parameter="s4")
    found = of_model(kernel, "denoise_mac", 3, folder=data_dir)
    assert found.unit == "dB PSNR"
    assert found.facts == {"model": "denoise_mac", "accuracy": None}


# ---- `tnhw compare --model` ----

KERNELS = {
    "tn3": ("threshold", "u3", "u3"),
    "tn4": ("threshold", "u4", "u4"),
    "mac4": ("mac", "u4", "s4"),
}


def compare(folder, *models, names=("tn3", "mac4"), target=f"liberty:{TOY}"):
    files = []
    for name in names:
        rule, x, parameter = KERNELS[name]
        files.append(folder / f"{name}.toml")
        files[-1].write_text(
            f'name = "{name}"\nrule = "{rule}"\narchitecture = "tile"\narithmetic = "heap"\ninputs = 3\n'
            f'outputs = 2\ninput = "{x}"\nparameter = "{parameter}"\nstorage = "memory"\n'
        )
    options = [part for model in models for part in ("--model", model)]
    arguments = [*map(str, files), "-t", target, *options, "--vectors", "12", "--seeds", "0"]
    return cli.main(["compare", *arguments, "--workers", "1", "-o", str(folder), "--json"])


@pytest.mark.needs("iverilog")
def test_model_of_each_kernel(tmp_path, capsys):
    """Rows have the network and its accuracy, the page and the picture too; another model is measured anew."""
    assert compare(tmp_path, "digits_tn3", "digits_mac") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["model"], row["accuracy"]) for row in rows] == [
        ("digits_tn3", 98.444),
        ("digits_mac", 97.333),
    ]
    assert rows[0]["operands"].startswith("digits_tn3, layer")
    folder = tmp_path / "compare" / "kernels"
    page = (folder / "kernels.html").read_text()
    assert (
        "<th>accuracy %</th>" in page and "<td>98.44</td>" in page and "<td>digits_mac</td>" in page
    )
    assert "tnhw compare tn3 mac4 -t liberty:toy.lib --model digits_tn3 --model digits_mac" in page
    assert (folder / "pareto_pj_per_operation_toy.svg").exists()


@pytest.mark.needs("iverilog")
def test_model_on_a_family(tmp_path, capsys):
    """One model for all kernels."""
    assert compare(tmp_path, "digits_tn", names=["tn4"], target="ice40") == 0
    [row] = json.loads(capsys.readouterr().out)["rows"]
    assert (row["model"], row["accuracy"]) == ("digits_tn", 98.0) and row["activity"] > 0


def test_model_is_part_of_what_is_kept(tmp_path):
    """Two networks with the same layer, but another score, are two measurements."""
    kernel, jobs = tile(), []
    found = of_model(kernel, "digits_tn", 16)
    for score in (98.0, 97.0):
        given = {"k": type(found)(found.x, found.p, found.text, score, found.unit, found.model)}
        jobs += comparison._jobs([kernel], f"liberty:{TOY}", given, 12, ("inertial",), ())
    assert jobs[0].key != jobs[1].key


@pytest.mark.parametrize(
    ("models", "error"),
    [
        (["digits_tn3", "digits_mac", "digits_mac"], "is given 3 times, but the number of kernels is 2"),
        (["digits_tn3"], "kernel mac4: digits_tn3 has no dense layer with rule mac, input u4"),
        (["digits_mac", "digits_tn3"], "kernel tn3: digits_mac has no dense layer with rule threshold"),
        (["mac16"], "a kernel, not a network"),
    ],
)  # fmt: skip
def test_wrong_models(models, error, tmp_path, capsys):
    assert compare(tmp_path, *models) == 2
    assert error in " ".join(capsys.readouterr().err.split())


def test_model_of_a_network(tmp_path, capsys):
    assert cli.main(["compare", "digits_tn", "-t", "icebreaker", "--model", "digits_tn"]) == 2
    assert "a model of operands is for kernels" in capsys.readouterr().err
