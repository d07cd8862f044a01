"""Graphs with branches: residual blocks, concatenations, poolings and groups beside each other, to gates."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason='pip install "tnhw[import]"')
pytest.importorskip("qonnx", reason='pip install "tnhw[import]"')

import branched_models  # noqa: E402
import foreign_models  # noqa: E402
import gates  # noqa: E402
import random_networks  # noqa: E402
from branched_models import Branches  # noqa: E402
from foreign_models import save  # noqa: E402
from foreign_runs import beside  # noqa: E402

import tnhw  # noqa: E402
from tnhw.importing import carrying, last, load, merging  # noqa: E402
from tnhw.importing.checking import compare, random_inputs, real_classes  # noqa: E402
from tnhw.network import fold  # noqa: E402
from tnhw.support import environment  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of the packages, for files of old versions

NIGHTLY = environment.flag("TNHW_NIGHTLY")
GRAPHS = 600 if NIGHTLY else 60
IN_GATES = 1200 if NIGHTLY else 40
PARTS = 4
MOST = 80  # cycles for a vector


def branched(seed, folder, most=5):
    """A random graph, its file, and what it became; None if its values lie on no common grid."""
    path = save(branched_models.random_branches(np.random.default_rng((seed, 17)), most), folder)
    try:
        return load(path), path
    except tnhw.errors.InputError as error:
        words = (
            "not equally spaced",
            "bits together",
            "pass by it",
            "at most 10 can be built",
            "use padding 0",
        )
        assert any(word in str(error) for word in words), (seed, error)
        return None, path


@pytest.mark.parametrize("part", range(PARTS))
def test_random_branches(part, tmp_path):
    """Every code of every layer, also of those that are passed on, and the result of an execution that shares nothing."""
    built = merged = carried = 0
    for seed in range(part, GRAPHS, PARTS):
        imported, path = branched(seed, tmp_path)
        if imported is None:
            continue
        built += 1
        x = random_inputs(imported, 60, seed)
        found = compare(imported, x)
        assert not found.unexplained, (seed, found)
        if not imported.ambiguous:
            assert found.equal, (seed, found)
            assert beside(imported, path, x[:5]) == 0, seed
        tensors = [place.tensor for layer in imported.places for place in layer]
        carried += len(tensors) > len(set(tensors))
        merged += any(len(layer) > 1 for layer in imported.places)
    assert built > 0.8 * GRAPHS / PARTS and carried > built / 5 and merged > built / 5


def test_steps_that_float32_rounds_apart(tmp_path):
    """Two quantisers with one scale, whose values give 0.19331225752830505 and 0.19331224262714386."""
    imported, _ = branched(49, tmp_path, most=3)
    assert not compare(imported, random_inputs(imported, 60)).unexplained


def test_outputs_that_are_constant(tmp_path):
    """A last layer whose weights are all 0 gives the first of the largest offsets."""
    imported, _ = branched(452, tmp_path)  # its weights are rounded to 0
    assert not imported.network.arrays["dense7.multiplier"].any()
    assert compare(imported, random_inputs(imported, 60)).equal
    low = np.zeros(3, np.int64)
    _, arrays, _ = last.integers(np.zeros(3), np.array([-1.5, 2.25, 2.25]), low, low, "class")
    assert arrays["multiplier"].tolist() == [0, 0, 0] and arrays["offset"].tolist() == [0, 1, 1]


def as_case(imported, rng):
    """An imported network with folds at random, as the check of networks takes it."""
    network = imported.network
    layers = []
    for layer in network.layers:
        given = {key: getattr(layer.keys, key) for key in type(layer.keys).model_fields}
        layers.append({
            key: value if isinstance(value, int | list | str) else str(value)
            for key, value in given.items() if value is not None
        })  # fmt: skip
    arrays = [
        {name.partition(".")[2]: array for name, array in network.arrays.items() if name.startswith(f"{layer.name}.")}
        for layer in network.layers
    ]  # fmt: skip
    made = {"name": "net", "input": str(network.input), "shape": list(network.shape), "layers": layers, "arrays": arrays,
            "result": network.result}  # fmt: skip
    seed = int(rng.integers(1 << 31))
    for _ in range(5):
        folds = random_networks.random_folds(rng, made, False)
        case = random_networks.Case(made, folds, seed=seed)
        if folds is not None and random_networks.load(case) < MOST:
            return case
    for lanes in (50, 100, 200, 400, 800):
        design = fold(network, lanes=lanes)
        if design.latency < gates.PATIENCE / 4:
            break
    return random_networks.Case(
        made, tuple((f.simd, f.units, f.drain) for f in design.folds), seed=seed
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", [0, *(pytest.param(k, marks=pytest.mark.nightly) for k in range(1, PARTS))]
)
def test_gates(part, tmp_path):
    """Imported graphs, with branches and without, in gates: results of a naive oracle, latency and interval."""
    done = 0
    for seed in range(part, IN_GATES, PARTS):
        rng = np.random.default_rng((seed, 18))
        if seed % 2:
            imported, _ = branched(seed, tmp_path, most=3)
        else:
            path = save(foreign_models.random_qonnx(np.random.default_rng((seed, 16))), tmp_path)
            imported = load(path)
        if imported is None:
            continue
        case = as_case(imported, rng)
        if case.design().latency > gates.PATIENCE - 50:
            continue
        random_networks.check(case)
        done += 1
    assert done > 0.7 * IN_GATES / PARTS


def block(rng, *, first=None, second=None, op="Add", size=4):
    """A residual block: a convolution beside a tensor, whose scales can differ."""
    built = Branches([2, size, size]).quant(0.5, 3, signed=0)
    source = built.now
    built.conv(rng.normal(0, 1, (2, 2, 3, 3)), 0.25, 3, kernel_shape=[3, 3], pads=[1] * 4)
    built.add("Relu").quant(first or 0.5, 3, signed=0)
    one = built.now
    if second:
        built.at(source).add("Relu").quant(second, 3, signed=0)
        source = built.now
    return built.join(op, one, source)


@pytest.mark.parametrize("first, second", [(0.5, None), (1.5, None), (0.7, 0.3), (0.123, 0.0457)])
@pytest.mark.parametrize("op", ["Add", "Sub"])
def test_addition(op, first, second, tmp_path):
    """Branches of unequal steps: codes get integer weights in their ratio. Also through emitted Verilog."""
    rng = np.random.default_rng(4)
    built = block(rng, first=first, second=second, op=op).add("Relu").quant(0.6, 4, signed=0)
    path = save(built.add("Flatten").matmul(rng.normal(0, 1, (3, 32)), 0.5, 3).model(), tmp_path)
    imported = load(path)
    x = random_inputs(imported, 200)
    found = compare(imported, x)
    assert not found.unexplained and (imported.ambiguous or found.equal)
    if first == 0.5 and op == "Add":
        sent = imported.encode(x[:4])
        result = tnhw.simulate(imported.network, x=sent, vectors=2, out=tmp_path)
        assert np.array_equal(result.y, imported.network.results(sent))


def test_last_addition(tmp_path):
    """Nothing follows the addition: the result of the network is its exact sums."""
    path = save(block(np.random.default_rng(1)).model(), tmp_path)
    imported = load(path)
    x = random_inputs(imported, 50)
    (real,) = imported.graph.reference(x, [imported.graph.output])
    y = imported.network.golden(imported.encode(x)).reshape(len(x), 4, 4, 2).transpose(0, 3, 1, 2)
    assert np.array_equal(y * 0.5, real)


def test_what_reads_the_same_is_one_layer(tmp_path):
    """Two convolutions of one tensor have one window, of one layer; what is read later is passed on by a layer of its own."""
    rng = np.random.default_rng(2)
    built = Branches([2, 5, 5]).quant(0.5, 3, signed=0)
    source = built.now
    built.conv(
        rng.normal(0, 1, (3, 2, 3, 3)), 0.25, 3, kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2]
    )
    built.add("Relu").quant(0.5, 2, signed=0)
    built.conv(rng.normal(0, 1, (3, 3, 1, 1)), 0.25, 3, kernel_shape=[1, 1]).quant(0.5, 3)
    one = built.now
    built.at(source).conv(
        rng.normal(0, 1, (3, 2, 1, 1)), 0.25, 3, kernel_shape=[1, 1], strides=[2, 2]
    ).quant(0.5, 3)
    built.join("Add", one, built.now).add("Flatten").matmul(rng.normal(0, 1, (2, 27)), 0.5, 3)
    imported = load(save(built.model(), tmp_path))
    layers = imported.network.layers
    assert [layer.keys.outputs for layer in layers] == [6, 6, 3, 2]
    assert layers[0].taps == (3, 3) and layers[1].taps == (1, 1)
    assert any("also passes on" in text for _, text in imported.rows)
    assert compare(imported, random_inputs(imported, 100)).equal


@pytest.mark.parametrize("ratio", [30.0371, 3000.06])
def test_far_scales_are_added_as_exactly_as_float32_holds_them(ratio, tmp_path):
    """The threshold lies between two sums that a rough ratio would exchange."""
    step = 2.0**-12
    built = Branches([2]).quant(1.0, 8)
    source, parts = built.now, []
    for scale, pick in ((step, [[1, 0]]), (float(np.float32(ratio * step)), [[0, 1]])):
        built.at(source).matmul(np.array(pick), 1.0, 2).add("Mul", scale).quant(scale, 8)
        parts.append(built.now)
    built.join("Add", *parts).add("Sub", 100 * ratio * step + 0.3 * step).quant(0.25, 3)
    imported = load(save(built.matmul(np.ones((1, 1)), 1.0, 2).model(), tmp_path))
    a, b = np.meshgrid(np.arange(-128, 128), [98, 99, 100, 101, 102])
    x = np.stack([a.ravel(), b.ravel()], axis=1).astype(np.float32)
    assert compare(imported, x).equal


def test_branches_that_cannot_share_a_layer(tmp_path):
    """Two layers of one tensor whose strides differ are two layers, with names of their own."""
    rng = np.random.default_rng(5)

    def conv(stride):
        built.conv(
            rng.normal(0, 1, (2, 2, 3, 3)),
            0.25,
            3,
            kernel_shape=[3, 3],
            pads=[1] * 4,
            strides=[stride] * 2,
        )
        return built.quant(0.5, 3).now

    for later in (False, True):
        built = Branches([2, 4, 4]).quant(0.5, 3)
        source = built.now
        one = None if later else conv(2)
        built.at(source)
        conv(1)
        two = conv(2)
        if later:
            built.at(source)
            one = conv(2)
        built.join("Add", one, two).add("Flatten").matmul(rng.normal(0, 1, (2, 8)), 0.5, 3)
        path = save(built.model(), tmp_path)
        imported = load(path)
        x = random_inputs(imported, 60)
        assert compare(imported, x).equal and beside(imported, path, x[:5]) == 0


@pytest.mark.parametrize("bipolar", [False, True])
@pytest.mark.parametrize("first", ["padded", "plain"])
def test_input_that_several_nodes_read(bipolar, first, tmp_path):
    """Whichever reads it first: with padding, through a Relu, or as it is."""
    rng = np.random.default_rng(6)
    built = Branches([2, 4, 4])
    built.bipolar() if bipolar else built.quant(0.5, 3)
    source, parts = built.now, []
    for kind in ("padded", "plain") if first == "padded" else ("plain", "padded"):
        built.at(source).add("Relu") if kind == "plain" else built.at(source)
        size = 3 if kind == "padded" else 1
        built.conv(
            rng.normal(0, 1, (2, 2, size, size)),
            0.5,
            3,
            kernel_shape=[size] * 2,
            pads=[size // 2] * 4,
        )
        parts.append(built.quant(0.5, 3).now)
    built.join("Add", *parts).join("Sub", built.now, source).quant(0.5, 4)
    path = save(built.add("Flatten").matmul(rng.normal(0, 1, (2, 32)), 0.5, 3).model(), tmp_path)
    imported = load(path)
    x = random_inputs(imported, 60)
    assert compare(imported, x).equal and beside(imported, path, x[:5]) == 0


def test_wrong_sums_at_the_end_are_seen(tmp_path):
    """A vector of exact sums is compared with the real outputs of the graph."""
    imported = load(save(block(np.random.default_rng(1)).model(), tmp_path))
    x = random_inputs(imported, 50)
    assert compare(imported, x).equal
    name = f"{imported.network.layers[-1].name}.sign"
    arrays = dict(imported.network.arrays)
    arrays[name] = -np.asarray(arrays[name])
    object.__setattr__(imported, "network", imported.network.with_arrays(arrays))
    assert compare(imported, x).unexplained


@pytest.mark.parametrize("seed", range(3))
def test_calibrated_residual(seed, tmp_path):
    """A float network with a residual: both branches get one step, so the addition needs no products."""
    rng = np.random.default_rng(seed)
    built = Branches([2, 6, 6], 17)

    def conv(outputs, inputs):
        weights = rng.normal(0, 0.4, (outputs, inputs, 3, 3))
        return built.add(
            "Conv", weights, rng.normal(0, 0.1, outputs), kernel_shape=[3, 3], pads=[1] * 4
        )

    conv(4, 2).add("Relu")
    source = built.now
    conv(4, 4).add("Relu")
    conv(4, 4).join("Add", built.now, source).add("Relu").add("Flatten")
    built.add("Gemm", rng.normal(0, 0.3, (3, 144)), rng.normal(0, 1, 3), transB=1)
    path = save(built.model(), tmp_path)
    x = rng.normal(0, 1, (300, 2, 6, 6)).astype(np.float32)
    imported = load(path, calibrate=x[:100], bits=(4, 6, 8)[seed])
    found = compare(imported, x[:100])
    assert not found.unexplained
    rules = [layer.keys.rule for layer in imported.network.layers]
    assert rules.count("ternary") == 1
    same = imported.network.classes(imported.encode(x)) == real_classes(imported, x)
    assert same.mean() > (0.5, 0.85, 0.9)[seed]


@pytest.mark.parametrize("activations", ["QUInt8", "QInt8"])
def test_static_quantisation_of_a_residual(activations, tmp_path):
    """onnxruntime gives each branch a step of its own: codes get integer weights in their ratio. All have 8 bits, with a sign and
    without."""
    rng = np.random.default_rng(3)
    built = Branches([2, 5, 5], 17)

    def conv(outputs, inputs):
        weights = rng.normal(0, 0.4, (outputs, inputs, 3, 3))
        built.add("Conv", weights, rng.normal(0, 0.1, outputs), kernel_shape=[3, 3], pads=[1] * 4)

    conv(3, 2)
    source = built.add("Relu").now
    conv(3, 3)
    built.join("Add", built.now, source).add("Relu").add("Flatten")
    built.add("Gemm", rng.normal(0, 0.4, (3, 75)), rng.normal(0, 0.1, 3), transB=1)
    path = foreign_models.quantised(
        built.model(), rng, tmp_path, per_channel=False, activations=activations
    )
    imported = load(path)
    found = compare(imported, random_inputs(imported, 500))
    codes = [sum(column) for column in zip(*found.layers.values(), strict=True)]
    assert not found.unexplained and codes[0] <= 2e-4 * codes[1] and found.results <= 1


@pytest.mark.parametrize("module, name", [(merging, "products"), (carrying, "_steps")])
def test_wrong_merging_is_seen(module, name, tmp_path, monkeypatch):
    """One weight, or all steps of a merged layer, moved by one: the comparison sees it."""
    original = getattr(module, name)

    def wrong(*given):
        array, other = original(*given)
        array = np.array(array)
        array.reshape(-1)[: 1 if module is merging else None] += 1
        return array, other

    monkeypatch.setattr(module, name, wrong)
    imported = load(save(block(np.random.default_rng(1)).model(), tmp_path))
    assert compare(imported, random_inputs(imported, 100)).unexplained
