"""Small networks of every rule for the tests of training, and random data for them."""

import numpy as np
from torch import nn

from tnhw.train import neurons as N

SHAPE = (6, 7, 2)
KINDS = {
    "threshold": (N.ThresholdLinear, N.ThresholdConv2d, {}),
    "threshold-16": (N.ThresholdLinear, N.ThresholdConv2d, {"levels": 16}),
    "threshold-min-2": (N.ThresholdLinear, N.ThresholdConv2d, {"min_level": 2}),
    "gain": (N.ThresholdLinear, N.ThresholdConv2d, {"gain": True}),
    "ternary": (N.TernaryLinear, N.TernaryConv2d, {}),
    "shift": (N.ShiftLinear, N.ShiftConv2d, {}),
    "mac": (N.MacLinear, N.MacConv2d, {}),
    "mac-8": (N.MacLinear, N.MacConv2d, {"weight_bits": 8}),
    "addernet": (N.AdderLinear, N.AdderConv2d, {}),
}


def dense(kind, complement=False):
    """Two dense layers, 20 to 12 to 10, and the shape of an input."""
    linear, _, options = KINDS[kind]
    last = linear(12, 10, output_bits=None, **options)
    return nn.Sequential(linear(20, 12, complement=complement, **options), last), (20,)


def conv(kind, complement=False):
    """Two convolutions and a dense layer, and the shape of an input."""
    linear, conv2d, options = KINDS[kind]
    padding = 0 if kind == "addernet" else 1
    spots = 2 * 3 if kind == "addernet" else 3 * 4
    return nn.Sequential(
        conv2d(2, 5, 3, stride=2, padding=padding, complement=complement, **options),
        conv2d(5, 4, 1, complement=complement, **options),
        nn.Flatten(),
        linear(4 * spots, 10, output_bits=None, complement=complement, **options),
    ), SHAPE


def random_data(shape, rows, seed=0):
    """x [rows, prod(shape)] of u4, y [rows] of 0..9."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 16, (rows, int(np.prod(shape)))), rng.integers(0, 10, rows)
