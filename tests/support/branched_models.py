"""QONNX graphs with branches at random: residual blocks, concatenations, poolings and groups beside each other."""

import numpy as np
from foreign_models import Builder, random_scale
from onnx import helper


class Branches(Builder):
    """A builder that can go back to an earlier tensor, and join two."""

    def join(self, op, *names, **attributes):
        made = self.name()
        self.nodes.append(
            helper.make_node(op, list(names), [made], name=f"{op}_{made}", **attributes)
        )
        self.now = made
        return self

    def at(self, name):
        self.now = name
        return self


def _quant(rng, built, scale, bits, signed):
    built.quant(scale, bits, signed=signed, narrow=int(signed and rng.random() < 0.3))


def _conv(rng, built, channels, outputs, *, window=3, stride=1, groups=1, rank=2):
    weights = rng.normal(0, 1, (outputs, channels // groups, *[window] * rank))
    each = (outputs, *[1] * (rank + 1))
    scale = rng.uniform(0.1, 1, each) if rng.random() < 0.3 else random_scale(rng)
    built.conv(
        weights, scale, int(rng.integers(2, 5)), kernel_shape=[window] * rank, pads=[window // 2] * 2 * rank,
        strides=[stride] * rank, group=groups,
    )  # fmt: skip
    if rng.random() < 0.5:
        built.norm(rng, outputs, np.sqrt(channels * window**rank / groups))


def _dense(rng, built, inputs, outputs):
    built.matmul(rng.normal(0, 1, (outputs, inputs)), random_scale(rng), int(rng.integers(1, 4)))
    if rng.random() < 0.5:
        built.norm(rng, outputs, np.sqrt(inputs))


def _scales(rng):
    """Two scales: mostly equal, or of a small ratio, or any."""
    first = random_scale(rng)
    which = rng.random()
    return first, first if which < 0.6 else first * 2 if which < 0.8 else random_scale(rng)


def _image_block(rng, built, channels, size, rank):
    """One block behind a quantised tensor with codes from 0; returns channels and size of its result."""
    source, kind = (
        built.now,
        rng.choice(["residual", "strided", "concat", "pool", "depthwise", "deep", "fork"]),
    )
    a, b = _scales(rng)
    bits = int(rng.integers(2, 4))
    if kind == "strided" and size >= 3:
        outputs = int(rng.integers(1, 5))
        _conv(rng, built, channels, outputs, stride=2, rank=rank)
        _quant(rng, built.add("Relu"), a, bits, 0)
        if rng.random() < 0.5:
            _conv(rng, built, outputs, outputs, rank=rank)
            _quant(rng, built, a, bits, 1)
        main = built.now
        _conv(rng, built.at(source), channels, outputs, window=1, stride=2, rank=rank)
        _quant(rng, built, b, bits, 1)
        built.join("Add", main, built.now)
        channels, size = outputs, (size + 1) // 2
    elif kind == "concat":
        outputs = int(rng.integers(1, 4))
        _conv(rng, built, channels, outputs, window=int(rng.choice([1, 3])), rank=rank)
        _quant(rng, built.add("Relu"), a, bits, 0)
        one = built.now
        _conv(rng, built.at(source), channels, outputs, window=1, rank=rank)
        _quant(rng, built.add("Relu"), a if rng.random() < 0.7 else a * 2, bits, 0)
        names = [one, built.now]
        if rng.random() < 0.3:
            names = names[::-1]
        built.join("Concat", *names, axis=1)
        channels = 2 * outputs
        if rng.random() < 0.5:
            return channels, size
    elif kind == "pool":
        _conv(rng, built, channels, channels, rank=rank)
        _quant(rng, built.add("Relu"), a, 2, 0)
        built.add("MaxPool", kernel_shape=[3] * rank, pads=[1] * 2 * rank, strides=[1] * rank)
        built.join("Sub" if rng.random() < 0.3 else "Add", built.now, source)
    elif kind == "fork":  # two quantisers of the same sums
        _conv(rng, built, channels, channels, rank=rank)
        sums = built.now
        _quant(rng, built.add("Relu"), a, bits, 0)
        one = built.now
        _quant(rng, built.at(sums), a, bits, 1)
        if rng.random() < 0.5:
            built.add("Relu")
        built.join("Add", one, built.now)
    else:
        groups = channels if kind == "depthwise" else 1
        for _ in range(3 if kind == "deep" else 1):
            _conv(rng, built, channels, channels, groups=groups, rank=rank)
            _quant(rng, built.add("Relu"), a, bits, 0)
        if rng.random() < 0.5:
            _conv(rng, built, channels, channels, window=1, rank=rank)
            _quant(rng, built, a, bits, 1)
        built.join("Add", built.now, source)
    _quant(rng, built.add("Relu"), random_scale(rng), int(rng.integers(2, 5)), 0)
    return channels, size


def _dense_block(rng, built, width):
    source, (a, b) = built.now, _scales(rng)
    outputs = width if rng.random() < 0.6 else int(rng.integers(1, 7))
    _dense(rng, built, width, outputs)
    _quant(rng, built.add("Relu"), a, int(rng.integers(2, 4)), 0)
    if outputs == width and rng.random() < 0.6:
        if rng.random() < 0.4:
            _dense(rng, built, width, width)
            _quant(rng, built, b, 3, 1)
        built.join(str(rng.choice(["Add", "Sub"])), built.now, source)
        width = outputs
    else:
        main = built.now
        _dense(rng, built.at(source), width, 3)
        _quant(rng, built.add("Relu"), a, 2, 0)
        built.join("Concat", main, built.now, axis=1)
        width = outputs + 3
        return width
    _quant(rng, built, random_scale(rng), int(rng.integers(2, 5)), 1)
    return width


def random_branches(rng, most=5):
    """A QONNX graph with one to three blocks that branch, of images, rows or vectors, and a dense layer behind them.

    Images have at most `most` rows.
    """
    rank = int(rng.choice([0, 1, 2, 2]))
    channels, size = int(rng.integers(1, 4)), int(rng.integers(min(3, most - 1), most + 1))
    built = Branches([channels, *[size] * rank] if rank else [channels * size])
    built.quant(random_scale(rng), int(rng.integers(2, 4)), signed=int(rng.random() < 0.2))
    if rng.random() < 0.7 and rank:
        outputs = int(rng.integers(1, 5))
        _conv(rng, built, channels, outputs, rank=rank)
        _quant(rng, built.add("Relu"), random_scale(rng), int(rng.integers(2, 4)), 0)
        channels = outputs
    width = channels * size
    for _ in range(int(rng.integers(1, 3))):
        if rank:
            channels, size = _image_block(rng, built, channels, size, rank)
        else:
            width = _dense_block(rng, built, width)
    if rank:
        if rng.random() < 0.3:
            built.add("GlobalAveragePool")
            size = 1
        built.add("Flatten")
        width = channels * size**rank
    outputs = int(rng.integers(2, 5))
    built.matmul(rng.normal(0, 1, (outputs, width)), random_scale(rng), int(rng.integers(1, 4)))
    return built.model()
