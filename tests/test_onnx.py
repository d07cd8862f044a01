"""Networks as ONNX: bit exact in runtimes of others, and refused when changed."""

import random
import subprocess
import sys

import numpy as np
import pytest
from places import NIGHTLY
from random_networks import random_network

from tnhw.catalogue import load as load_any
from tnhw.catalogue import model_names
from tnhw.cli import main
from tnhw.errors import InputError, ToolMissing
from tnhw.network import Network
from tnhw.onnx import load, model
from tnhw.onnx.functions import DOMAIN, FUNCTIONS
from tnhw.onnx.writer import HEADER

onnx = pytest.importorskip("onnx", reason='pip install "tnhw[onnx]"')
runtime = pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

VECTORS = 1000
QUICK = {
    "digits_mac8",
    "digits_shift",
    "digits_ternary",
    "digits_tn",
    "denoise_tn",
    "mnist_conv_tn",
}


def answers(made, network, x, outputs=None):
    """Outputs of stock onnxruntime, a list of arrays."""
    session = runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    parts = [
        session.run(outputs, {"x": part.reshape(-1, *network.shape)})
        for part in np.array_split(x, max(1, len(x) // 50))
    ]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def check(network, vectors, seed=0):
    x = network.random_input(np.random.default_rng(seed), vectors)
    x[0], x[1] = network.input.min, network.input.max
    made = model(network)
    onnx.checker.check_model(made)
    found = answers(made, network, x)
    if network.result == "class":
        assert np.array_equal(found.pop(0), network.results(x))
    (y,) = found
    assert y.dtype == np.int64
    assert np.array_equal(y, network.golden(x))


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.nightly) for n in model_names()],
)
def test_models(name):
    check(load_any(name), VECTORS)


def test_random_networks():
    """Any rule, signed and unsigned, complements, strides, padding, shifts both ways."""
    kinds = set()
    for number in range(300 if NIGHTLY else 40):
        network = Network(**random_network(np.random.default_rng((number, 8)), shared=False))
        check(network, 8, number)
        kinds |= {(layer.keys.kind, layer.keys.rule) for layer in network.layers}
    assert {rule for _, rule in kinds} >= {"threshold", "ternary", "shift", "mac"}
    assert {kind for kind, _ in kinds} == {"dense", "conv"}


def one(rule, arrays, **keys):
    """A network of one dense layer."""
    layer = {"kind": "dense", "rule": rule, "outputs": 2, **keys}
    return Network("one", "s4", [3], [layer], [arrays], "vector")


@pytest.mark.parametrize("shift", [-2, 0, 1, 3])
def test_requantise(shift):
    """Ties towards +inf, negative sums, both clamps."""
    arrays = {"weight": np.array([[-3, 2, 1], [3, -3, 2]]), "bias": np.array([5, -7])}
    check(one("mac", arrays, parameter="s4", output="s5", shift=shift), 400)


def test_addernet():
    arrays = {"weight": np.array([[-3, 2, 1], [3, -3, 2]])}
    check(one("addernet", arrays, parameter="s4"), 100)


def test_second_runtime():
    """The evaluator of the package `onnx`, which shares nothing with onnxruntime."""
    from onnx.reference import ReferenceEvaluator

    network = load_any("pendigits_tn")
    x = network.random_input(np.random.default_rng(0), 20)
    _, y = ReferenceEvaluator(model(network)).run(None, {"x": x})
    assert np.array_equal(y, network.golden(x))


def test_wrong_function_is_seen(monkeypatch):
    broken = FUNCTIONS["ThresholdNeuron"].replace("Relu", "Abs")
    monkeypatch.setitem(FUNCTIONS, "ThresholdNeuron", broken)
    with pytest.raises(AssertionError):
        check(load_any("digits_tn"), 10)


def test_layers_are_calls():
    """What Netron shows: a node a layer, named after it, with a function of standard operators."""
    made = model(load_any("digits_tn"))
    calls = [(node.name, node.op_type) for node in made.graph.node if node.domain == DOMAIN]
    assert calls == [
        ("dense0", "ThresholdNeuron"),
        ("dense0_requantise", "Requantise"),
        ("dense1", "ThresholdNeuron"),
    ]
    function = next(f for f in made.functions if f.name == "ThresholdNeuron")
    operators = {node.op_type for node in function.node}
    assert {"Sub", "Relu", "Mul", "ReduceSum", "Add"} <= operators
    assert all(node.domain == "" for f in made.functions for node in f.node)


def test_same_bytes():
    network = load_any("mnist_conv_tn")
    first, second = (model(network).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["digits_tn", "mnist_conv_tn", "denoise_tn"])
def test_there_and_back(name, tmp_path, capsys):
    """The same network, to the byte; the card comes along."""
    file, back, original = tmp_path / "n.onnx", tmp_path / "n.npz", tmp_path / "o.npz"
    assert main(["export", name, "--format", "onnx", "-o", str(file)]) == 0
    assert main(["export", str(file), "-o", str(back)]) == 0
    load_any(name).save(original)
    assert back.read_bytes() == original.read_bytes()
    assert load(file).card["licence"]


def test_every_verb_takes_it(tmp_path, capsys):
    file = tmp_path / "n.onnx"
    file.write_bytes(model(load_any("digits_tn")).SerializeToString())
    assert main(["graph", str(file), "-o", str(tmp_path)]) == 0
    assert (tmp_path / "digits_tn" / "digits_tn.svg").exists()


def test_what_people_read_may_change(tmp_path):
    made = model(load_any("digits_tn"))
    made.producer_name, made.doc_string, made.graph.doc_string = "other", "read", "me"
    made.graph.node[0].doc_string = "cast"
    file = tmp_path / "n.onnx"
    file.write_bytes(made.SerializeToString())
    assert load(file).name == "digits_tn"


def tensor(made, name):
    return next(entry for entry in made.graph.initializer if entry.name == name)


def header(made):
    return next(entry for entry in made.metadata_props if entry.key == HEADER)


def outside(made):
    entry = tensor(made, "dense0.theta")
    entry.ClearField("raw_data")
    entry.data_location = onnx.TensorProto.EXTERNAL
    location = entry.external_data.add()
    location.key, location.value = "location", "../../etc/passwd"


def huge(made):
    entry = tensor(made, "dense0.theta")
    entry.dims[:] = [1 << 40, 1 << 40]


def floats(made):
    tensor(made, "dense0.theta").data_type = onnx.TensorProto.FLOAT


def short(made):
    entry = tensor(made, "dense0.theta")
    entry.raw_data = entry.raw_data[:-3]


def other_values(made):
    """Parameters out of range, with a graph that still runs."""
    entry = tensor(made, "dense0.theta")
    entry.raw_data = b"\x63" + entry.raw_data[1:]


def other_function(made):
    function = next(f for f in made.functions if f.name == "ThresholdNeuron")
    next(node for node in function.node if node.op_type == "Relu").op_type = "Abs"


def other_node(made):
    next(node for node in made.graph.node if node.name == "dense1").input[0] = "x32"


def one_more_node(made):
    made.graph.node.append(onnx.helper.make_node("Identity", ["y"], ["z"]))


def one_more_tensor(made):
    made.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(2, np.int8), "other.theta"))


def no_header(made):
    made.ClearField("metadata_props")


def header_of(text):
    def change(made):
        header(made).value = text

    return change


def key_of(old, new):
    def change(made):
        header(made).value = header(made).value.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (outside, "`dense0.theta` lies in another file, which is never read"),
        (huge, "`dense0.theta` has impossible dimensions"),
        (floats, "`dense0.theta` must be integers"),
        (short, "`dense0.theta` is damaged"),
        (other_values, "`theta` must lie in 0 .. 15, but holds 99"),
        (other_function, "the function `ThresholdNeuron` is not what its metadata says"),
        (other_node, "the node `dense1` is not what its metadata says"),
        (one_more_node, "nodes, but its metadata makes"),
        (one_more_tensor, "the array `other.theta` belongs to no layer"),
        (no_header, "calls functions of its own, as files of tnhw do"),
        (header_of("{"), "is not JSON"),
        (header_of("[" * 100_000), "is not JSON"),
        (header_of("[]"), "must be a JSON object"),
        (header_of('{"layers": [1]}'), "a layer of the metadata has no name"),
        (header_of('{"layers": []}'), "the array `dense0.bias` belongs to no layer"),
        (key_of('"shape": [64]', '"shape": 64'), "`shape` must be a list, not 64"),
        (key_of('"shape": [64]', '"shape": [63]'), "must have the shape"),
        (key_of('"shift": 3', '"shift": 4'), "the node `dense0_requantise` is not what"),
        (key_of('"rule": "threshold"', '"rule": "treshold"'), "did you mean `threshold`"),
        (key_of('"name": "digits_tn"', '"name": "../up"'), "../up"),
        (key_of('"input"', '"inptu"'), "lacks `input`"),
    ],
)
def test_hostile(change, text, tmp_path):
    made = model(load_any("digits_tn"))
    change(made)
    file = tmp_path / "n.onnx"
    file.write_bytes(made.SerializeToString())
    with pytest.raises(InputError) as error:
        load_any(file)
    assert text in str(error.value)
    assert str(file) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff" * 100, b"text"])
def test_not_onnx(content, tmp_path):
    file = tmp_path / "n.onnx"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"n\.onnx: (not an ONNX file|has no metadata)"):
        load_any(file)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_any(tmp_path / "n.onnx")


@pytest.mark.parametrize("twelfths", range(12))
def test_cut_off(twelfths, tmp_path):
    file, data = tmp_path / "n.onnx", model(load_any("digits_tn")).SerializeToString()
    file.write_bytes(data[: len(data) * twelfths // 12])
    with pytest.raises(InputError):
        load_any(file)


def test_damaged_bytes(tmp_path):
    """A few bytes changed, left out or put in: refused in a sentence, or another network of the same kind."""
    data, file = model(load_any("digits_tn")).SerializeToString(), tmp_path / "n.onnx"
    refused = 0
    for number in range(3000 if NIGHTLY else 300):
        rng, damaged = random.Random(number), bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 5])):
            place, length = rng.randrange(len(damaged)), rng.randrange(20)
            damaged[place : place + rng.choice([0, 1, length])] = rng.randbytes(
                rng.choice([0, 1, length])
            )
        file.write_bytes(damaged)
        try:
            load_any(file)
        except InputError as error:
            assert str(file) in str(error)
            refused += 1
    assert refused > 200


def test_too_wide():
    arrays = {"weight": np.full((2, 3), (1 << 31) - 1)}
    network = Network("one", "u8", [3], [{"kind": "dense", "rule": "mac", "outputs": 2,
                      "parameter": "s32"}], [arrays])  # fmt: skip
    with pytest.raises(InputError, match="layer `dense0`: its numbers need more than 31 bits"):
        model(network)


def test_kernel_is_refused(capsys):
    assert main(["export", "mac16", "--format", "onnx"]) == 2
    assert "mac16: a kernel; the format `onnx` is for networks" in capsys.readouterr().err


def test_wrong_suffix(capsys, tmp_path):
    assert main(["export", "digits_tn", "--format", "onnx", "-o", str(tmp_path / "n")]) == 2
    assert "name a file that ends in .onnx" in capsys.readouterr().err


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ToolMissing, match=r'pip install "tnhw\[onnx\]"'):
        model(load_any("digits_tn"))


def test_import_is_light():
    """The command line does not import onnx before it is needed."""
    code = "import sys, tnhw.cli.app, tnhw.export; assert 'onnx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
