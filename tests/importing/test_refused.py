"""Files that cannot be built: each is refused with one sentence that names the place, and nothing is written."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason='pip install "tnhw[import]"')
pytest.importorskip("qonnx", reason='pip install "tnhw[import]"')

from foreign_models import Builder, node  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

from tnhw.cli import main  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def dense(inputs=4, shape=None, **more):
    return Builder(shape or [inputs], **more).quant(0.5, 3)


def whole(built, inputs=4):
    return (
        built.matmul(np.ones((2, inputs)), 1.0, 2)
        .add("Relu")
        .quant(0.5, 3, signed=0)
        .matmul(np.eye(2), 1.0, 2)
    )


def image(*, pads=0, weights=None, **attributes):
    weights = np.ones((2, 1, 3, 3)) if weights is None else weights
    built = Builder([1, 5, 5]).quant(0.5, 3)
    attributes = {"kernel_shape": list(weights.shape[2:]), "pads": [pads] * 4} | attributes
    return built.conv(weights, 1.0, 2, **attributes)


def op(name, *constants, **attributes):
    """A network in whose middle an operator stands."""

    def make():
        built = dense().matmul(np.ones((2, 4)), 1.0, 2).add(name, *constants, **attributes)
        return built.quant(0.5, 3).matmul(np.eye(2), 1.0, 2).model()

    return make


def pooled(name, bits=3, **attributes):
    def make():
        return (
            image()
            .add("Relu")
            .quant(0.5, bits, signed=0)
            .add(name, **attributes)
            .add("Flatten")
            .model()
        )

    return make


def changed(change):
    def make():
        model = whole(dense()).model()
        change(model)
        return model

    return make


def branch(outputs=1, quantised=True):
    built = dense()
    before = built.now
    built.matmul(np.ones((outputs, 4)), 1.0, 2)
    if quantised:
        built.quant(0.5, 3)
    built.nodes.append(node("Add", [before, built.now], ["sum"], name="Add"))
    built.now = "sum"
    return built.quant(0.5, 4).matmul(np.ones((2, 4)), 1.0, 2).model()


def branch_of_sums():
    return branch(4, False)


def stacked():
    built = Builder([2, 4, 4]).quant(0.5, 3)
    built.nodes.append(node("Concat", [built.now, built.now], ["both"], name="Concat", axis=2))
    built.now = "both"
    return built.add("Flatten").matmul(np.ones((2, 64)), 1.0, 2).model()


def product_of_two():
    built = dense()
    built.nodes.append(node("Mul", [built.now, built.now], ["square"]))
    built.now = "square"
    return built.quant(0.5, 3).matmul(np.ones((2, 4)), 1.0, 2).model()


def two_inputs(model):
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, 4]))
    model.graph.node[0].input[0] = "other"
    model.graph.node.append(node("Add", ["x", "other"], ["unused"]))


def two_outputs(model):
    model.graph.output.append(helper.make_tensor_value_info("t1", TensorProto.FLOAT, None))


def no_shape(model):
    model.graph.input[0].type.tensor_type.ClearField("shape")


def open_shape(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "n"


def external(model):
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def negative_extent(model):
    model.graph.initializer[0].dims.append(-3)


def huge(model):
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 40, 1 << 40])


def short_data(model):
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 2)
    tensor.raw_data = tensor.raw_data[:-3]


def no_nodes(model):
    del model.graph.node[:]


def unknown_name(model):
    model.graph.node[-1].input[0] = "nowhere"


def cycle(model):
    model.graph.node[0].input[0] = model.graph.node[-1].output[0]


def float_weights():
    built = dense()
    built.nodes.append(
        node(
            "MatMul",
            [built.now, built.const(np.random.default_rng(0).normal(0, 1, (4, 2)))],
            ["m"],
            name="MatMul_m",
        )
    )
    built.now = "m"
    return built.model()


def scale_of_inputs():
    scale = np.array([[0.5, 0.25, 1.0, 2.0]])
    return dense().matmul(np.ones((2, 4)) * scale, scale, 3).model()


def weights_of_input():
    built = dense(4, [4]).add("Reshape", [1, 4])
    built.nodes.append(
        node("MatMul", [built.const(np.ones((1, 1))), built.now], ["m"], name="MatMul_m")
    )
    built.now = "m"
    return built.model()


FILES = {
    "residual of two shapes": (branch, r"Add `.*shapes \[\[1, 4\], \[1, 1\]\]"),
    "square": (product_of_two, "Mul `.*joins branches of the graph in a way that cannot be built"),
    "residual of sums": (branch_of_sums, "Add `.*no quantiser is between it and MatMul"),
    "concatenated rows": (stacked, "Concat `.*along axis 2"),
    "largest of many bits": (pooled("MaxPool", 6, kernel_shape=[2, 2]), "MaxPool `MaxPool_.*at most 4 can be built"),
    "largest, rounded up": (pooled("MaxPool", kernel_shape=[2, 2], ceil_mode=1), "ceil_mode"),
    "means at edges": (pooled("AveragePool", kernel_shape=[2, 2], pads=[1, 1, 1, 1]), "padding 0, or `count_include_pad`"),
    "means rounded up": (pooled("AveragePool", kernel_shape=[2, 2], ceil_mode=1), "ceil_mode"),
    "sine": (op("Sin"), "Sin `Sin_.*cannot be built"),
    "gelu-like": (op("Abs"), "rises at a sum of .* and falls|falls at .* and rises|never turn back"),
    "last of equals": (lambda: dense().matmul(np.ones((2, 4)), 1.0, 2).add("ArgMax", axis=1, select_last_index=1).model(), "select_last_index"),
    "two largest": (lambda: dense().matmul(np.ones((3, 4)), 1.0, 2).add("TopK", np.array([2])).model(), "one largest output|does not depend|cannot be understood"),
    "weights behind a softmax": (lambda: dense().matmul(np.ones((2, 4)), 1.0, 2).add("Softmax", axis=1).add("Mul", [[1.0, 2.0]]).model(),
                                 "follows a Softmax"),
    "layer behind a softmax": (lambda: dense().matmul(np.ones((2, 4)), 1.0, 2).add("Softmax", axis=1).quant(0.1, 4).matmul(np.eye(2), 1.0, 2).model(),
                               "follows a Softmax"),
    "places of an image": (lambda: image().add("Flatten").add("Softmax", axis=1).model(), "places of an image"),
    "zero point of weights": (lambda: _weight_zero(), "not integers times their scale"),
    "weights that are no numbers": (lambda: dense().matmul(np.full((2, 4), np.nan), 1.0, 2).model(), "are not numbers"),
    "scale of zero": (lambda: dense().matmul(np.ones((2, 4)), 0.0, 2).model(), "are not numbers, or a scale is 0"),
    "numbers of each place": (lambda: Builder([1, 2, 2]).quant(0.5, 3).conv(np.ones((4, 1, 1, 1)), 1.0, 2, kernel_shape=[1, 1])
                              .add("Reshape", [1, 4, 4]).add("Mul", np.arange(1.0, 5)).quant(0.5, 3).add("Flatten").matmul(np.ones((2, 16)), 1.0, 2).model(),
                              "axes of the results of a layer"),
    "steps of each input": (lambda: Builder([4]).quant(np.array([[0.5, 1.0, 2.0, 4.0]]), 3).matmul(np.ones((2, 4)), 1.0, 2).model(),
                            "treats the elements of the input differently"),
    "input that turns back": (lambda: whole(Builder([4]).add("Abs").quant(0.5, 3)).model(), "rises and falls"),
    "batch": (lambda: Builder([16]).quant(0.5, 3).add("Reshape", [-1, 8]).matmul(np.ones((2, 8)), 1.0, 2).model(), "moves the batch"),
    "cumulative sum": (op("CumSum", np.int64(1)), "CumSum"),
    "mean of outputs": (op("ReduceMean"), "ReduceMean"),
    "softmax inside": (op("Softmax", axis=0), "chooses along another axis"),
    "wider": (op("Add", np.ones((3, 2))), "changes the shape"),
    "scale of each input": (lambda: Builder([4]).add("Mul", np.arange(1, 5.0)).quant(1.0, 3).matmul(np.ones((2, 4)), 1.0, 2).model(),
                            "treats the elements of the input differently"),
    "falling input": (lambda: whole(Builder([4]).add("Mul", -1.0).quant(0.5, 3)).model(), "falls as the input rises"),
    "no quantiser at the input": (lambda: Builder([4]).matmul(np.ones((2, 4)), 1.0, 2).model(), "input is not quantised"),
    "no quantiser between layers": (lambda: dense().matmul(np.ones((2, 4)), 1.0, 2).add("Relu").matmul(np.eye(2), 1.0, 2).model(),
                                    "no quantiser is between"),
    "float weights": (float_weights, "weights are not integers times a scale"),
    "scales of inputs": (scale_of_inputs, "differs from input to input"),
    "weights first": (weights_of_input, "multiplies by a tensor that depends on the input"),
    "window too large": (lambda: image(weights=np.ones((2, 1, 7, 7))).model(), "does not fit|cannot be understood"),
    "pads over window": (lambda: image(pads=3).model(), "must be 0 or more, and less than its window"),
    "bipolar with padding": (lambda: Builder([1, 5, 5]).quant(0.5, 3).add("Add", 0.2).conv(
        np.ones((2, 1, 3, 3)), 1.0, 2, kernel_shape=[3, 3], pads=[1] * 4).model(), "0 is not on the grid"),
    "nothing to build": (lambda: dense().add("Relu").model(), "nothing to build"),
    "three dimensions": (lambda: Builder([1, 4, 4, 4]).quant(0.5, 3).conv(
        np.ones((2, 1, 3, 3, 3)), 1.0, 2, kernel_shape=[3, 3, 3]).model(), "convolution of 3 dimensions"),
    "lstm": (lambda: _lstm(), "LSTM"),
    "two inputs": (changed(two_inputs), "2 inputs"),
    "two outputs": (changed(two_outputs), "2 outputs"),
    "no shape": (changed(no_shape), "has no shape|cannot be understood"),
    "open shape": (changed(open_shape), "must have a fixed size|cannot be understood"),
    "data elsewhere": (changed(external), "lies in another file"),
    "negative extent": (changed(negative_extent), "impossible dimensions"),
    "huge tensor": (changed(huge), "impossible dimensions"),
    "short data": (changed(short_data), "is damaged|cannot be understood"),
    "no nodes": (changed(no_nodes), "no nodes"),
    "unknown tensor": (changed(unknown_name), "which nothing computes|cannot be understood"),
    "cycle": (changed(cycle), "which nothing computes|cannot be understood|does not depend"),
}  # fmt: skip


def _weight_zero():
    built = dense()
    given = [built.const(np.ones((4, 2))), built.const(1.0), built.const(0.5), built.const(3.0)]
    built.nodes.append(
        node(
            "Quant", given, ["w"], domain="onnx.brevitas", signed=1, narrow=0, rounding_mode="ROUND"
        )
    )
    built.nodes.append(node("MatMul", [built.now, "w"], ["m"], name="MatMul_m"))
    built.now = "m"
    return built.model()


def _lstm():
    rng = np.random.default_rng(0)
    built = Builder([3, 4]).quant(0.5, 3)
    names = [built.const(rng.normal(0, 1, (1, 8, 4))), built.const(rng.normal(0, 1, (1, 8, 2)))]
    built.nodes.append(node("LSTM", [built.now, *names], ["l"], name="LSTM_l", hidden_size=2))
    built.now = "l"
    return built.model()


@pytest.mark.parametrize("what", FILES)
def test_refused(what, tmp_path, capsys):
    make, words = FILES[what]
    (tmp_path / "m.onnx").write_bytes(make().SerializeToString())
    refused(tmp_path, capsys, words)


@pytest.mark.parametrize(
    "content, words",
    [(b"", "not an ONNX file"), (b"hello", "not an ONNX file"), (b"\0" * 4096, "not an ONNX file"), (b"PK\3\4", "not an ONNX file"),
     (b"\x08\x07\x12\xff\xff\xff\xff\x0f", "not an ONNX file")],
)  # fmt: skip
def test_no_onnx(content, words, tmp_path, capsys):
    (tmp_path / "m.onnx").write_bytes(content)
    refused(tmp_path, capsys, words)


def refused(folder, capsys, words):
    import re

    status = main(["import", str(folder / "m.onnx"), "-o", str(folder / "n.npz")])
    error = capsys.readouterr().err.splitlines()
    assert status == 2, error
    assert [path.name for path in folder.iterdir()] == ["m.onnx"]
    last = error[-1]
    assert re.search(words, last), last
    assert len(last) < 500 and "Traceback" not in "".join(error)


def test_missing(tmp_path, capsys):
    assert main(["import", str(tmp_path / "none.onnx")]) == 2
    assert main(["import", str(tmp_path)]) == 2
    assert "not a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given, words",
    [("x8", "a format is written"), ("u8:zero", "perhaps with a scale"), ("u8:-1", "perhaps with a scale"), ("u20", "at most 16 bits")],
)  # fmt: skip
def test_wrong_input(given, words, tmp_path, capsys):
    onnx.save(Builder([4]).matmul(np.ones((2, 4)), 1.0, 2).model(), tmp_path / "m.onnx")
    assert main(["import", str(tmp_path / "m.onnx"), "--input", given]) == 2
    assert words in capsys.readouterr().err


def test_data_of_ones_own(tmp_path, capsys):
    """Accuracy on labels, and errors of the file."""
    onnx.save(whole(dense()).model(), tmp_path / "m.onnx")
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (30, 4)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x, y=np.zeros(30, np.int64))
    given = [
        "import",
        str(tmp_path / "m.onnx"),
        "-o",
        str(tmp_path / "n.npz"),
        "--data-file",
        str(tmp_path / "d.npz"),
    ]
    assert main(given) == 0
    assert "accuracy" in capsys.readouterr().out
    for arrays, words in (
        ({"y": np.zeros(3)}, "no array `x`"), ({"x": x[:, :3]}, "vectors of 4 numbers"), ({"x": x * np.nan}, "not numbers"),
        ({"x": x, "y": np.zeros(3, np.int64)}, "`y` must be integers"),
    ):  # fmt: skip
        np.savez(tmp_path / "d.npz", **arrays)
        assert main(given) == 2
        assert words in capsys.readouterr().err


def test_good_one(tmp_path, capsys):
    """What the files above are made of is taken, and a folder for the result may be missing."""
    onnx.save(whole(dense()).model(), tmp_path / "m.onnx")
    assert main(["import", str(tmp_path / "m.onnx"), "-o", str(tmp_path / "new" / "n.npz")]) == 0
    assert (tmp_path / "new" / "n.npz").exists()
    assert main(["import", str(tmp_path / "m.onnx"), "-o", str(tmp_path / "n.txt")]) == 2
    assert "must end in .npz" in capsys.readouterr().err


def test_wrong_calibration(tmp_path, capsys):
    built = Builder([4]).add("MatMul", np.ones((4, 2))).add("Relu")
    onnx.save(built.add("MatMul", np.ones((2, 2))).model(), tmp_path / "m.onnx")
    given = [
        "import",
        str(tmp_path / "m.onnx"),
        "-o",
        str(tmp_path / "n.npz"),
        "--calibrate",
        str(tmp_path / "c.npz"),
    ]
    for arrays, words in (
        ({"x": np.zeros((5, 3))}, "must be numbers"), ({"y": np.zeros(3)}, "no array `x`"),
        ({"x": np.full((5, 4), np.inf)}, "not numbers"), ({"x": np.zeros((0, 4))}, "must be numbers"),
    ):  # fmt: skip
        np.savez(tmp_path / "c.npz", **arrays)
        assert main(given) == 2
        assert words in capsys.readouterr().err
    np.savez(
        tmp_path / "c.npz",
        x=np.random.default_rng(0).normal(0, 1, (50, 4)),
        y=np.zeros(50, np.int64),
    )
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "same class as with real numbers" in printed and "accuracy with real numbers" in printed
