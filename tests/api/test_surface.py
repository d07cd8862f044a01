"""`import tnhw`: what it offers, that it is quick, and that its objects show themselves."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from trees import tree_of

import tnhw
from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.support import environment

HEAVY = {"numpy", "amaranth", "pydantic", "torch", "rich", "typer", "jinja2", "matplotlib"}
OFFERED = {
    "Format", "Kernel", "Network", "Layer", "Design", "load", "generate", "simulate", "prove", "build", "compare",
    "folds",
}  # fmt: skip
ARRAYS = {"weight": [[1, 2, 3], [-4, 5, -6]]}


def kernel(**keys):
    keys = {"storage": "constant", "arrays": ARRAYS} | keys
    return Kernel(name="k", rule="mac", inputs=3, outputs=2, input="u4", parameter="s4", **keys)


def network():
    layers = [{"kind": "dense", "rule": "mac", "outputs": 2, "parameter": "s4"}]
    return tnhw.Network("n", "u4", [3], layers, [ARRAYS])


# The package


def heavy_after(code):
    code = f"import sys; {code}; print(*{HEAVY!r} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment.for_child()
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_is_light():
    assert heavy_after("import tnhw; dir(tnhw)") == set()


def test_heavy_modules_are_seen():
    assert heavy_after("import tnhw; tnhw.Kernel") >= {"numpy", "amaranth", "pydantic"}


def test_everything_offered_is_there():
    assert set(dir(tnhw)) >= OFFERED
    for name in dir(tnhw):
        assert getattr(tnhw, name) is getattr(tnhw, name), name
    for name in OFFERED:
        assert getattr(tnhw, name).__doc__, name


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'kernal'"):
        _ = tnhw.kernal


def test_stub_says_the_same():
    """What editors read is what there is."""
    stub = tree_of(Path(tnhw.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    homes = {
        alias.asname: f"tnhw.{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(homes) | {"__version__"} == set(tnhw.__all__)
    for name, home in homes.items():
        assert getattr(import_module(home), name) is getattr(tnhw, name), name


# One vector, and NumPy's integers


def test_one_vector_of_a_kernel():
    assert kernel().golden([1, 2, 3]).tolist() == [14, -12]
    assert kernel().golden([[1, 2, 3]]).tolist() == [[14, -12]]
    runtime = kernel(storage="ports", arrays=None)
    p = {"weight": np.array(ARRAYS["weight"])}
    assert runtime.golden([1, 2, 3], p).tolist() == [14, -12]


def test_one_vector_of_a_network():
    made = network()
    assert made.golden([1, 2, 3]).tolist() == [14, -12]
    assert (made.classes([1, 2, 3]), made.results([1, 2, 3]).tolist()) == (0, [0])
    assert made.results([[1, 2, 3], [0, 1, 0]]).tolist() == [[0], [1]]
    assert tnhw.load("digits_tn").classes([1] * 64) == 7


@pytest.mark.parametrize(
    ("x", "message"),
    [([1, 2], r"integers \[n, 3\], not int64 \[1, 2\]"), ([[1, 2], [3]], "differ in length")],
)
def test_wrong_vectors(x, message):
    for made in (kernel(), network()):
        with pytest.raises(InputError, match=message):
            made.golden(x)


def test_one_vector_where_several_are_needed():
    with pytest.raises(InputError, match=r"write one vector as \[\[\.\.\.\]\]"):
        kernel().pack_input([1, 2, 3])


@pytest.mark.parametrize("number", [np.int64, np.uint8, np.int16])
def test_integers_of_numpy(number, tmp_path):
    made = Kernel(
        name="k", rule="mac", inputs=number(3), outputs=number(2), input=tnhw.Format(number(4)),
        parameter=tnhw.Format(number(4), True), storage="constant", arrays=ARRAYS,
    )  # fmt: skip
    assert made == kernel()
    layers = [{"kind": "dense", "rule": "mac", "outputs": number(2), "parameter": "s4"}]
    folded = tnhw.Network(
        "n", "u4", np.array([3], number), layers, [ARRAYS], card={"seed": number(7)}
    )
    folded.save(tmp_path / "n.npz")
    assert tnhw.load(tmp_path / "n.npz").card == {"seed": 7}
    assert tnhw.generate(folded, lanes=number(2), out=tmp_path).options["folds"] == "1x2"


# How objects show themselves


def test_reprs():
    assert (
        repr(kernel())
        == str(kernel())
        == (
            "Kernel(name='k', rule='mac', inputs=3, outputs=2, input='u4', parameter='s4', storage='constant')"
        )
    )
    again = eval(repr(kernel(storage="ports", arrays=None)), {"Kernel": Kernel})
    assert again == kernel(storage="ports", arrays=None)
    assert repr(network()) == "<Network n: 3-2, mac, 6 synapses; u4 in, class out>"
    assert repr(network().layers[0]) == "<Layer dense0: dense mac, 1x1x3 to 1x1x2; u4 in, s9 out>"
    design = tnhw.catalogue.load_design(network(), folds=["3x1"])
    assert repr(design) == "<Design n: folds 3x1, 3 lanes, pipeline>"


@pytest.mark.parametrize("make", [kernel, network, lambda: tnhw.load("digits_tn")])
def test_pictures(make):
    made = make()
    assert made._repr_svg_() == tnhw.draw(made)
    assert made._repr_svg_().startswith("<svg ")


def test_what_cannot_be_drawn_has_no_picture(monkeypatch):
    def refuse(network):
        raise InputError("too many layers")

    monkeypatch.setattr("tnhw.network.folding.fold", refuse)
    assert network()._repr_svg_() is None
