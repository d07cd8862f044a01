"""ONNX models as other tools write them: QONNX graphs at random, static quantisation by onnxruntime, broken ones."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BREVITAS = "onnx.brevitas"
node = helper.make_node


class Builder:
    """Nodes in a row, from ``x`` to ``y``; each method adds some."""

    def __init__(self, shape, opset=13):
        self.shape, self.opset = shape, opset
        self.nodes, self.inits, self.now, self.count = [], {}, "x", 0

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def const(self, value):
        name = f"c{len(self.inits)}"
        self.inits[name] = np.asarray(
            value, np.int64 if np.asarray(value).dtype.kind == "i" else np.float32
        )
        return name

    def add(self, op, *constants, domain="", first=True, **attributes):
        names = [self.const(value) for value in constants]
        made = self.name()
        inputs = [self.now, *names] if first else [*names, self.now]
        self.nodes.append(
            node(op, inputs, [made], name=f"{op}_{made}", domain=domain, **attributes)
        )
        self.now = made
        return self

    def quant(self, scale, bits, *, signed=1, narrow=0, zero=0.0, mode="ROUND"):
        return self.add(
            "Quant",
            scale,
            zero,
            float(bits),
            domain=BREVITAS,
            signed=signed,
            narrow=narrow,
            rounding_mode=mode,
        )

    def bipolar(self, scale=1.0):
        return self.add("BipolarQuant", scale, domain=BREVITAS)

    def constant_quant(self, value, scale, bits, narrow=1):
        """A weight behind a quantiser of its own; returns the name of the quantised tensor."""
        made = self.name()
        given = [self.const(value), self.const(scale)]
        if bits == 1:
            self.nodes.append(node("BipolarQuant", given, [made], domain=BREVITAS))
        else:
            given += [self.const(0.0), self.const(float(bits))]
            self.nodes.append(
                node(
                    "Quant",
                    given,
                    [made],
                    domain=BREVITAS,
                    signed=1,
                    narrow=narrow,
                    rounding_mode="ROUND",
                )
            )
        return made

    def matmul(self, weights, scale, bits):
        """A dense layer with weights [outputs, inputs]."""
        name, turned, made = self.constant_quant(weights, scale, bits), self.name(), self.name()
        self.nodes.append(node("Transpose", [name], [turned], perm=[1, 0]))
        self.nodes.append(node("MatMul", [self.now, turned], [made], name=f"MatMul_{made}"))
        self.now = made
        return self

    def conv(self, weights, scale, bits, bias=None, **attributes):
        name, made = self.constant_quant(weights, scale, bits), self.name()
        inputs = [self.now, name] + ([] if bias is None else [self.const(bias)])
        self.nodes.append(node("Conv", inputs, [made], name=f"Conv_{made}", **attributes))
        self.now = made
        return self

    def norm(self, rng, channels, spread=1.0):
        return self.add(
            "BatchNormalization", rng.normal(0, 1, channels), rng.normal(0, 1, channels),
            rng.normal(0, spread, channels), rng.uniform(0.3, 2, channels) * spread**2,
        )  # fmt: skip

    def model(self):
        last = self.nodes[-1]
        last.output[0] = "y"
        graph = helper.make_graph(
            self.nodes, "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *self.shape])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in self.inits.items()],
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(BREVITAS, 1)]
        made = helper.make_model(graph, opset_imports=opsets)
        made.ir_version = 8
        return made


def random_scale(rng):
    """A power of two, or any number."""
    return (
        float(2.0 ** rng.integers(-4, 1)) if rng.random() < 0.4 else float(rng.uniform(0.05, 1.5))
    )


def max_pooling(rng, built, size):
    """Add a pooling that takes the largest; returns the size of its result."""
    window = [int(rng.integers(1, min(3, n) + 1)) for n in size]
    strides = [int(rng.integers(1, 3)) for _ in size]
    built.add("MaxPool", kernel_shape=window, strides=strides)
    return [(n - k) // s + 1 for n, k, s in zip(size, window, strides, strict=True)]


def random_qonnx(rng):
    """A QONNX graph as Brevitas writes it: dense layers or convolutions, with everything that lies between them."""
    image = rng.random() < 0.5
    shape = (
        [int(n) for n in (rng.integers(1, 4), *rng.integers(3, 7, 2))]
        if image
        else [int(rng.integers(2, 12))]
    )
    built = Builder(shape)
    if rng.random() < 0.3:
        built.add("Mul", 2.0).add("Sub", 1.0)
    binary = rng.random() < 0.3
    if binary:
        built.bipolar()
    else:
        built.quant(random_scale(rng), int(rng.integers(2, 6)), signed=int(rng.random() < 0.5))
    channels, size = (shape[0], shape[1:]) if image else (shape[0], None)
    depth = int(rng.integers(1, 4))
    for number in range(depth):
        outputs, bits = int(rng.integers(1, 7)), 1 if binary else int(rng.integers(1, 5))
        spread = 1.0
        if size is not None and (number < depth - 1 or rng.random() < 0.3) and min(size) >= 3:
            row = len(size) == 1
            window = [int(rng.integers(1, 4)) for _ in size]
            far = [
                int(rng.integers(1, 3)) if k * 2 <= n else 1
                for k, n in zip(window, size, strict=True)
            ]
            extent = [(k - 1) * d + 1 for k, d in zip(window, far, strict=True)]
            pads = (
                [int(rng.integers(0, e)) for e in extent * 2]
                if rng.random() < 0.5
                else [0] * 2 * len(size)
            )
            strides = [int(rng.integers(1, 3)) for _ in size]
            groups = channels if rng.random() < 0.3 and not binary else 1
            outputs = outputs * groups if groups > 1 else outputs
            if groups > 1 and outputs > 8:
                outputs, groups = 4, 1
            weights = rng.normal(0, 1, (outputs, channels // groups, *window))
            each = (outputs, 1, 1) if row else (outputs, 1, 1, 1)
            scale = rng.uniform(0.1, 1, each) if rng.random() < 0.4 else random_scale(rng)
            if binary:
                pads = [0] * 2 * len(size)
                window_fits = all(e <= n for e, n in zip(extent, size, strict=True))
                far = far if window_fits else [1] * len(size)
                extent = [(k - 1) * d + 1 for k, d in zip(window, far, strict=True)]
            built.conv(weights, scale, bits, rng.normal(0, 1, outputs) if rng.random() < 0.5 else None,
                       kernel_shape=window, pads=pads, strides=strides, dilations=far, group=groups)  # fmt: skip
            before, after = pads[: len(size)], pads[len(size) :]
            size = [
                (n + b + a - e) // s + 1
                for n, b, a, e, s in zip(size, before, after, extent, strides, strict=True)
            ]
            spread = np.sqrt(channels * np.prod(window))
        else:
            if size is not None:
                if rng.random() < 0.25 and number:
                    built.add("GlobalAveragePool")
                    size = [1] * len(size)
                elif rng.random() < 0.25 and number and min(size) >= 2:
                    built.add("AveragePool", kernel_shape=[2] * len(size), strides=[1] * len(size))
                    size = [n - 1 for n in size]
                if rng.random() < 0.5:
                    built.add("Transpose", perm=[0, *range(2, 2 + len(size)), 1])
                built.add("Flatten") if rng.random() < 0.5 else built.add("Reshape", [1, -1])
                channels, size = channels * int(np.prod(size)), None
            weights = rng.normal(0, 1, (outputs, channels))
            scale = rng.uniform(0.1, 1, (outputs, 1)) if rng.random() < 0.4 else random_scale(rng)
            built.matmul(weights, scale, bits)
            if rng.random() < 0.4:
                built.add("Add", rng.normal(0, 1, outputs))
            spread = np.sqrt(channels)
        channels = outputs
        if number == depth - 1 and size is None and rng.random() < 0.6:
            if rng.random() < 0.4:
                built.norm(rng, outputs, spread)
            if rng.random() < 0.3:
                built.add("Softmax", axis=1)
            break
        if rng.random() < 0.7:
            built.norm(rng, outputs, spread)
        if binary:
            built.bipolar(random_scale(rng))
            if size is not None and min(size) >= 2 and rng.random() < 0.3:
                size = max_pooling(rng, built, size)
            continue
        follows = rng.random()
        signed = 1
        if follows < 0.4:
            built.add("Relu")
            signed = 0
        elif follows < 0.5:
            built.add("Tanh")
        elif follows < 0.6:
            built.add("Clip", np.float32(-1.0), np.float32(1.5))
        elif follows < 0.7:
            built.add("LeakyRelu", alpha=0.125)
        built.quant(
            random_scale(rng),
            int(rng.integers(2, 6)),
            signed=signed,
            narrow=signed and int(rng.random() < 0.5),
        )
        if rng.random() < 0.2:
            built.add("Relu")
        if rng.random() < 0.2:
            built.add("Mul", 0.5)
    return built.model()


def float_model(rng, image):
    """A float network as PyTorch exports it: a dense one, or two convolutions and a dense layer."""

    def draw(*shape):
        return rng.normal(0, 0.3, shape)

    if image:
        built = Builder([2, 8, 8], 17)
        built.add("Conv", draw(4, 2, 3, 3), draw(4), kernel_shape=[3, 3], pads=[1] * 4).add("Relu")
        built.add("Conv", draw(6, 4, 3, 3), draw(6), kernel_shape=[3, 3], strides=[2, 2]).add(
            "Relu"
        )
        return built.add("Flatten").add("Gemm", draw(3, 54), draw(3), transB=1).model()
    built = Builder([16], 17)
    return (
        built.add("Gemm", draw(12, 16), draw(12), transB=1)
        .add("Relu")
        .add("Gemm", draw(5, 12), draw(5), transB=1)
        .model()
    )


def quantised(model, rng, folder, *, per_channel, activations):
    """The file of a float model after onnxruntime's static quantisation to 8 bits."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rest = iter([{"x": rng.normal(0, 1, shape).astype(np.float32)} for _ in range(30)])

        def get_next(self):
            return next(self.rest, None)

    before, after = folder / "float.onnx", folder / "quantised.onnx"
    onnx.save(model, before)
    quantize_static(before, after, Reader(), quant_format=QuantFormat.QDQ, per_channel=per_channel,
                    activation_type=getattr(QuantType, activations), weight_type=QuantType.QInt8)  # fmt: skip
    return after


def save(model, folder, name="m.onnx"):
    onnx.save(model, folder / name)
    return folder / name
