"""Geometry of layers, and layers worked out by hand."""

import numpy as np
import pytest

from tnhw.errors import InputError
from tnhw.network import Layer
from tnhw.network.layer import LayerKeys
from tnhw.synapse import Format


def layer(shape, arrays, number="u4", **keys):
    keys = {"name": "a", "kind": "conv", "rule": "mac", "parameter": "s4", "outputs": 1} | keys
    for key in ("parameter", "output"):
        if isinstance(keys.get(key), str):
            keys[key] = Format.parse(keys[key])
    return Layer(LayerKeys(**keys), Format.parse(number), shape, arrays)


# ---- By hand ----


def test_window_on_an_image_of_two_by_two():
    """1*1 + 2*2 + 3*3 + 4*4 = 30, and the bias."""
    weight = np.array([[[[1], [2]], [[3], [4]]]])
    made = layer((2, 2, 1), {"weight": weight, "bias": np.array([7])}, kernel=[2, 2])
    assert made.out_shape == (1, 1, 1)
    assert made.golden([[1, 2, 3, 4]]).tolist() == [[[[37]]]]


def test_padding():
    """A window of ones adds what lies in the image: corners alone, then pairs, then all."""
    made = layer(
        (2, 2, 1), {"weight": np.ones((1, 2, 2, 1), int)}, kernel=[2, 2], padding=1
    )  # fmt: skip
    expected = [[1, 3, 2], [4, 10, 6], [3, 7, 4]]
    assert made.golden([[1, 2, 3, 4]])[0, :, :, 0].tolist() == expected


def test_padding_of_a_complement():
    """No term outside of the image, neither for x nor for ~x."""
    weight = np.zeros((1, 2, 2, 2), int)
    weight[..., 1] = 1  # the complements, 15 - x
    made = layer((2, 2, 1), {"weight": weight}, kernel=[2, 2], padding=1, complement=True)
    expected = [[14, 27, 13], [26, 50, 24], [12, 23, 11]]
    assert made.golden([[1, 2, 3, 4]])[0, :, :, 0].tolist() == expected


def test_stride():
    """Every second window, and none beyond the edge."""
    made = layer((3, 4, 1), {"weight": np.ones((1, 1, 1, 1), int)}, kernel=[1, 1], stride=2)
    assert made.out_shape == (2, 2, 1)
    assert made.golden([range(12)])[0, :, :, 0].tolist() == [[0, 2], [8, 10]]


def test_channels_come_last():
    """2 pixels of 3 channels, weights that name the channel."""
    weight = np.array([[[[1, 0, 0]]], [[[0, 0, 1]]]])
    made = layer((1, 2, 3), {"weight": weight}, kernel=[1, 1], outputs=2)
    assert made.golden([[1, 2, 3, 4, 5, 6]]).tolist() == [[[[1, 3], [4, 6]]]]


def test_complement_of_a_dense_layer():
    """All x, then all complements; a signed complement is -1 - x."""
    weight = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    keys = {"kind": "dense", "outputs": 3, "complement": True}
    assert layer((1, 1, 2), {"weight": weight}, **keys).golden([[3, 5]]).ravel().tolist() == [
        3,
        12,
        10,
    ]
    made = layer((1, 1, 2), {"weight": weight}, "s4", **keys)
    assert made.golden([[-8, 5]]).ravel().tolist() == [-8, 7, -6]


def test_complement_of_a_convolution():
    """At every tap the channels, then their complements."""
    weight = np.zeros((1, 1, 2, 4), int)
    weight[0, 0, 1, 2] = 1  # the complement of the first channel of the second pixel
    made = layer((1, 2, 2), {"weight": weight}, kernel=[1, 2], complement=True)
    assert made.golden([[1, 2, 3, 4]]).ravel().tolist() == [12]


@pytest.mark.parametrize(
    ("z", "shift", "output", "y"),
    [(-3, 1, "s4", -1), (-1, 1, "s4", 0), (1, 1, "s4", 1), (3, 1, "s4", 2), (-5, 2, "s4", -1),
     (-6, 2, "s4", -1), (-7, 2, "s4", -2), (6, 2, "u4", 2), (-9, 0, "u4", 0), (40, 0, "u4", 15),
     (-40, 1, "s4", -8), (3, -2, "u4", 12), (5, -2, "u4", 15)],
)  # fmt: skip
def test_requantise(z, shift, output, y):
    """Ties go up: -1.5 is -1, -0.5 is 0, 0.5 is 1; then the nearest value that fits."""
    arrays = {"weight": np.zeros((1, 1), int), "bias": np.array([z])}
    made = layer((1, 1, 1), arrays, kind="dense", output=output, shift=shift)
    assert made.golden([[0]]).ravel().tolist() == [y]


# ---- Geometry ----


@pytest.mark.parametrize(
    ("shape", "keys", "out"),
    [
        ((6, 5, 2), {"kernel": [3, 2]}, (4, 4)),
        ((6, 5, 2), {"kernel": [3, 3], "padding": 1}, (6, 5)),
        ((6, 5, 2), {"kernel": [3, 3], "padding": 2, "stride": 2}, (4, 4)),
        ((1, 1, 2), {"kernel": [3, 3], "padding": 1}, (1, 1)),
        ((5, 4, 2), {"kernel": [1, 1], "padding": 1, "stride": 3}, (3, 2)),
        ((5, 4, 2), {"kernel": [5, 4], "stride": 64}, (1, 1)),
    ],
)
def test_geometry(shape, keys, out):
    """floor((n + 2p - k) / s) + 1"""
    size = (1, *keys["kernel"], shape[2])
    made = layer(shape, {"weight": np.ones(size, int)}, **keys)
    assert made.out_shape == (*out, 1) and made.positions == out[0] * out[1]
    assert made.synapses == made.fan_in == keys["kernel"][0] * keys["kernel"][1] * shape[2]
    assert made.arrays["weight"].shape == size


W = {"weight": np.ones((1, 2, 2, 1), int)}


@pytest.mark.parametrize(
    ("shape", "arrays", "keys", "text"),
    [
        ((2, 2, 1), W, {"kernel": [3, 2]}, r"layer `a`: a window of \[3, 2\] does not fit into \[2, 2\]"),
        ((2, 2, 1), W, {}, "layer `a`: a convolution needs `kernel`, its height and width"),
        ((2, 2, 1), W, {"kernel": [2, 2], "padding": 2},
         r"layer `a`: `padding` must be less than the window \[2, 2\], not 2"),
        ((2, 2, 1), W, {"kind": "dense", "kernel": [2, 2]}, "layer `a`: a dense layer has no `kernel`: leave it out"),
        ((2, 2, 1), W, {"kind": "dense", "stride": 1}, "layer `a`: a dense layer has no `stride`"),
        ((2, 2, 1), W, {"kernel": [2, 1]},
         r"layer `a`: `weight` must have the shape \(1, 2, 1, 1\) = \[outputs, height, width, channels\], "
         r"not \(1, 2, 2, 1\)"),
        ((1, 1, 4), W, {"kind": "dense"},
         r"layer `a`: `weight` must have the shape \(1, 4\) = \[outputs, inputs\], not \(1, 2, 2, 1\)"),
        ((2, 2, 1), {}, {"kernel": [2, 2]}, "layer `a`: the array `weight` is missing"),
        ((2, 2, 1), W, {"kernel": [2, 2], "output": "s33"}, "layer `a`: `output` must have at most 32 bits, not s33"),
        ((2, 2, 1), W, {"kernel": [2, 2], "name": "wire"}, "layer `a`|`wire`"),
        ((2, 2, 1), W, {"kernel": [2, 2], "rule": "addernet", "padding": 1},
         "layer `a`: `padding` contributes no term, but rule `addernet` with these parameters has one for x = 0"),
        ((2, 2, 1), {"theta": -W["weight"], "sign": W["weight"]},
         {"kernel": [2, 2], "rule": "threshold", "padding": 1}, "layer `a`: `padding` .* has one for x = 0"),
        ((2, 2, 1), W, {"kernel": [2, 2], "shift": 3}, "layer `a`: `shift` needs `output`"),
    ],
)  # fmt: skip
def test_refused(shape, arrays, keys, text):
    with pytest.raises(InputError, match=text):
        layer(shape, arrays, **keys)


def test_padding_with_thresholds_below_zero_that_are_absent():
    arrays = {"theta": -W["weight"], "sign": 0 * W["weight"]}
    layer((2, 2, 1), arrays, kernel=[2, 2], rule="threshold", padding=1)
