"""`tnhw convert`: files in, files out, data sets, graphs of others, and what is refused."""

import json
import sys

import numpy as np
import pytest

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

onnx = pytest.importorskip("onnx", reason='pip install "tnhw[import]"')
pytest.importorskip("qonnx", reason='pip install "tnhw[import]"')

from branched_models import Branches  # noqa: E402
from foreign_models import Builder  # noqa: E402

import tnhw  # noqa: E402
from tnhw.cli import main  # noqa: E402
from tnhw.data import datasets  # noqa: E402
from tnhw.data.encoding import Encoder  # noqa: E402
from tnhw.errors import InputError  # noqa: E402
from tnhw.importing import load  # noqa: E402
from tnhw.network import Network  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of the packages for ONNX

FEATURES, CLASSES = 12, 4


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *words):
    """The exit status of a command, its result as JSON, and its messages."""
    status = main([*map(str, words), "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


def clusters(rows=600):
    """Real points about a centre for each class, and the class."""
    rng = np.random.default_rng(0)
    centres, y = rng.normal(0, 1.5, (CLASSES, FEATURES)), rng.integers(0, CLASSES, rows)
    return (centres[y] + rng.normal(0, 1, (rows, FEATURES))).astype(np.float32), y, centres


def graph(name, *, bits=None, end=None, pool=False):
    """A network in ONNX that knows the centres; with `bits` a quantised one, perhaps with a node at its end."""
    centres = clusters()[2]
    rng = np.random.default_rng(1)
    first = np.concatenate([centres, rng.normal(0, 1, (8, FEATURES))])
    second = np.concatenate([np.eye(CLASSES), rng.normal(0, 0.02, (CLASSES, 8))], 1)
    built = Builder([FEATURES])
    if bits:
        built.quant(0.5, bits).matmul(first, 0.2, bits).add("Relu").quant(1.0, bits, signed=0)
        built.matmul(second, 0.1, bits)
    else:
        built.add("MatMul", first.T).add("Relu").add("MatMul", second.T)
    built.add("Sub", (centres**2).sum(1) / 2)
    if end:
        built.add(end, **({"axis": 1} if end == "Softmax" else {"axis": 1, "keepdims": 1}))
    onnx.save(built.model(), name)
    return name


def points(name="x.npz", labels=True):
    x, y, _ = clusters()
    np.savez(name, x=x, **({"y": y} if labels else {}))
    return x, y


def test_a_data_set(capsys, folder):
    status, record, said = run(
        capsys, "convert", "digits_mac", "--dataset", "digits", "--epochs", 3, "-o", "mine.npz"
    )
    network, digits = Network.load("mine.npz"), datasets.load("digits")
    assert status == 0 and record["file"] == "mine.npz" and record["network"] == "mine"
    assert record["measured_on"] == "450 test inputs" and record["layers"] == {"threshold": 2}
    own = 100 * (network.classes(digits.x_test) == digits.y_test).mean()
    teacher = 100 * (tnhw.load("digits_mac").classes(digits.x_test) == digits.y_test).mean()
    assert (record["after_percent"], record["original_percent"]) == pytest.approx((own, teacher))
    assert own > 90 and "epoch 3 of 3" in said
    card = network.card
    assert card["source"] == "digits_mac" and card["data"].startswith("handwritten digits")
    assert card["licence"] == "CC BY 4.0" and card["recipe"]["epochs"] == 3
    assert str(folder) not in json.dumps(card)


def test_a_file_without_labels(capsys):
    """Integers of a network, in any shape of a vector; the result is written here, with a name of its own."""
    x = datasets.load("digits").x_train.reshape(-1, 8, 8)
    np.savez("x.npz", x=x)
    status, record, _ = run(
        capsys, "convert", "digits_mac", "--rule", "ternary", "--data-file", "x.npz", "--epochs", 2, "--keep", "dense1"
    )  # fmt: skip
    assert status == 0 and record["file"] == "digits_mac_ternary.npz"
    assert record["layers"] == {"ternary": 1, "mac": 1} and record["kept"] == ["dense1"]
    assert record["score"] == "same class as the original" and record["original_percent"] == 100
    assert (
        Network.load(record["file"]).card["measured_on"]
        == f"{round(len(x) / 10)} validation inputs"
    )


@pytest.mark.parametrize("end", [None, "Softmax", "ArgMax"])
def test_a_quantised_graph(end, capsys):
    """The network takes real inputs by the quantiser of the graph."""
    graph("m.onnx", bits=5, end=end)
    x, y = points()
    status, record, _ = run(capsys, "convert", "m.onnx", "--data-file", "x.npz", "--epochs", 20, "--seed", 2)  # fmt: skip
    network = Network.load("m_threshold.npz")
    encoder = Encoder.from_dict(network.card["encoder"], FEATURES, "card")
    assert status == 0 and str(network.input) == "u5"
    assert (
        record["original_percent"] > 90 and record["after_percent"] > record["original_percent"] - 8
    )
    assert 100 * (network.classes(encoder.encode(x)) == y).mean() > 88


def test_a_softmax_is_left_out(capsys):
    """What teaches are the numbers before it: the result is the same as without it."""
    points()
    for name, end in (("a", None), ("b", "Softmax")):
        graph(f"{name}.onnx", bits=5, end=end)
        assert run(capsys, "convert", f"{name}.onnx", "--data-file", "x.npz", "--epochs", 1)[0] == 0
    first, second = (Network.load(f"{name}_threshold.npz").arrays for name in "ab")
    assert all((first[name] == second[name]).all() for name in first)


def test_a_graph_of_real_numbers(capsys):
    graph("m.onnx")
    x, y = points()
    status, record, _ = run(capsys, "convert", "m.onnx", "--data-file", "x.npz", "--gain", "--input-bits", 6, "--name", "own")  # fmt: skip
    network = Network.load("own.npz")
    encoder = Encoder.from_dict(network.card["encoder"], FEATURES, "card")
    assert status == 0 and str(network.input) == "u6" and network.layers[0].keys.gain
    assert record["original_percent"] > 90
    assert 100 * (network.classes(encoder.encode(x)) == y).mean() > 88


def test_a_graph_and_a_data_set(capsys):
    """A graph gets the integers of a data set divided by the largest: here it takes the nearest of ten means."""
    data = datasets.load("digits")
    means = np.array([data.x_train[data.y_train == label].mean(0) for label in range(10)]) / 15
    built = Builder([64]).quant(1 / 15, 4, signed=0).matmul(means, 1 / 64, 7)
    onnx.save(built.add("Sub", (means**2).sum(1) / 2).model(), "means.onnx")
    status, record, _ = run(capsys, "convert", "means.onnx", "--dataset", "digits", "--epochs", 2)
    nearest = ((data.x_test[:, None] / 15 - means) ** 2).sum(2).argmin(1)
    own = 100 * (nearest == data.y_test).mean()
    assert status == 0 and record["measured_on"] == "450 test inputs"
    assert record["original_percent"] == pytest.approx(own, abs=1)
    assert record["after_percent"] > own - 5


def test_it_is_a_network_like_others(capsys):
    """Every verb takes it; real vectors of a file become its integers."""
    graph("m.onnx", bits=5)
    points()
    assert run(capsys, "convert", "m.onnx", "--data-file", "x.npz", "--epochs", 1)[0] == 0
    assert main(["generate", "m_threshold.npz", "--lanes", "8"]) == 0


@pytest.mark.parametrize("source", ["m.onnx", "n.npz"])
def test_scores_are_of_the_test_part_of_a_file(source, capsys):
    graph("m.onnx", bits=5)
    x, y = points()
    imported = load("m.onnx")
    imported.network.save("n.npz")
    np.savez("x.npz", x=x[60:], y=y[60:], x_test=x[:60], y_test=y[:60])
    status, record, said = run(capsys, "convert", source, "--data-file", "x.npz", "--epochs", 1, "-o", "t.npz")  # fmt: skip
    assert status == 0, said
    assert record["measured_on"] == "60 test inputs"
    made = Network.load("t.npz")
    encoder = Encoder.of_card(made.card, made.inputs, "t")
    right = 100 * (made.classes(encoder.encode(x[:60].astype(np.float32))) == y[:60]).mean()
    assert record["after_percent"] == pytest.approx(right)


def test_from_python(tmp_path):
    """The verb as a function, with a network in memory."""
    made = tnhw.convert(tnhw.load("digits_mac"), dataset="digits", epochs=1, rule="shift", out="s.npz")  # fmt: skip
    assert Network.load("s.npz") == made.network and made.rules == {"shift": 2}
    assert made.network.name == "s" and "after fine-tuning" in made.summary


@pytest.mark.parametrize(
    "words, text",
    [
        (["digits_mac"], "give the data: a data set, or an npz file"),
        (["digits_mac", "--dataset", "digits", "--data-file", "x.npz"], "give either a data set or a file"),
        (["threshold16", "--data-file", "x.npz"], "threshold16: is a kernel; only networks are converted"),
        (["digits_mac", "--data-file", "x.npz", "--input", "u4"], "its inputs have a format already"),
        (["digits_mac", "--dataset", "denoise"], "denoise: "),
        (["digits_mac", "--data-file", "x.npz"], "input must be integers [n, 64], not float32"),
        (["digits_mac", "--data-file", "none.npz"], "none.npz"),
        (["digits_mac", "--dataset", "digits", "-o", "m.bin"], "-o m.bin: must end in .npz"),
        (["digits_mac", "--dataset", "digits", "--keep", "2"], "there is no layer '2'; the layers are 0 to 1, or dense0, dense1"),
        (["digits_mac", "--dataset", "digits", "--rule", "none"], "'none'"),
        (["digits_mac", "--dataset", "digits", "--rule", "mac", "--gain"], "rule `mac` has no option `gain`"),
        (["digits_mac", "--dataset", "digits", "--input-bits", "4"], "takes integers as they are; `input_bits` is for real inputs"),
        (["digits_mac", "--dataset", "digits", "--bits", "2"], "layer `dense1`: a threshold of 8 levels needs an input of at least 3 bits, not 2"),
        (["digits_mac", "--dataset", "digits", "--share", "2"], "`share` must be above 0"),
        (["digits_mac", "--dataset", "digits", "--rate", "0"], "`rate` must be above 0"),
        (["m.onnx", "--data-file", "short.npz"], "12"),
        (["pooled.onnx", "--data-file", "image.npz"], "MaxPool `MaxPool_0`: pooling is not converted"),
        (["branched.onnx", "--data-file", "x.npz"], "its graph has branches"),
        (["m.onnx", "--data-file", "labels.npz"], "`y` must lie in 0 .. 3, the classes of the original, but holds 4 .. 4"),
    ],
)  # fmt: skip
def test_refused(words, text, capsys, folder):
    graph("m.onnx", bits=5)
    x, y = points()
    np.savez("short.npz", x=x[:, :5])
    np.savez("labels.npz", x=x, y=0 * y + 4)
    pooled = Builder([1, 6, 6]).quant(0.5, 4)
    pooled.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).add("Flatten")
    pooled.matmul(np.random.default_rng(0).normal(0, 1, (3, 9)), 0.2, 4)
    onnx.save(pooled.model(), "pooled.onnx")
    branched = Branches([x.shape[1]]).quant(0.5, 4)
    source = branched.now
    branched.matmul(np.eye(x.shape[1]), 1.0, 2).add("Relu").quant(0.5, 4, signed=0)
    branched.join("Add", branched.now, source).quant(0.5, 4)
    onnx.save(branched.matmul(np.ones((4, x.shape[1])), 1.0, 2).model(), "branched.onnx")
    np.savez("image.npz", x=np.random.default_rng(0).normal(0, 2, (50, 1, 6, 6)))
    before = sorted(folder.iterdir())
    status, record, said = run(capsys, "convert", *words)
    assert status == 2 and record["exit_status"] == 2, said
    assert text in record["error"]
    assert sorted(folder.iterdir()) == before


def test_too_much_is_lost(capsys, folder):
    words = ["digits_mac", "--dataset", "digits", "--rule", "addernet", "--keep", "auto", "--loss", "0"]  # fmt: skip
    status, record, _ = run(capsys, "convert", *words, "--epochs", 1, "--bits", 1)
    assert status == 1 and "with all layers kept the network loses" in record["error"]
    assert not list(folder.iterdir())


def test_without_torch(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("tnhw.train.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    status, record, _ = run(capsys, "convert", "digits_mac", "--dataset", "digits")
    assert status == 3 and "needs PyTorch, which is not installed" in record["error"]


def test_api_names_the_network():
    with pytest.raises(InputError, match="name"):
        tnhw.convert("digits_mac", dataset="digits", name="Not Valid")
