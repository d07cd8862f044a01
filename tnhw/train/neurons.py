"""Layers by rule: dense and convolutional, with the options of their synapses."""

from ..errors import InputError
from .layers import Conv2d, Linear
from .synapses import Gain, Threshold
from .weights import Adder, Mac, Shift, Ternary

__all__ = [
    "AdderConv2d", "AdderLinear", "MacConv2d", "MacLinear", "ShiftConv2d", "ShiftLinear",
    "TernaryConv2d", "TernaryLinear", "ThresholdConv2d", "ThresholdLinear",
]  # fmt: skip


class ThresholdLinear(Linear):
    """Threshold synapses, with the options `levels`, `min_level` and `spread`; with ``gain=True`` each synapse has a
    level and a gain."""

    def __init__(
        self, inputs, outputs, *, gain=False, levels=8, min_level=1, spread=1.0, **options
    ):
        super().__init__(_threshold(gain, levels, min_level, spread), inputs, outputs, **options)


class ThresholdConv2d(Conv2d):
    """Threshold synapses, with the options of `ThresholdLinear`."""

    def __init__(
        self,
        channels,
        outputs,
        kernel=3,
        *,
        gain=False,
        levels=8,
        min_level=1,
        spread=1.0,
        **options,
    ):
        super().__init__(
            _threshold(gain, levels, min_level, spread), channels, outputs, kernel, **options
        )


def _threshold(gain, levels, min_level, spread):
    if gain:
        if min_level != 1:
            raise InputError("`min_level` is for thresholds without gain")
        return Gain(spread=spread, levels=levels)
    return Threshold(spread=spread, levels=levels, min_level=min_level)


class TernaryLinear(Linear):
    """Ternary synapses."""

    def __init__(self, inputs, outputs, *, spread=1.0, **options):
        super().__init__(Ternary(spread=spread), inputs, outputs, **options)


class TernaryConv2d(Conv2d):
    """Ternary synapses."""

    def __init__(self, channels, outputs, kernel=3, *, spread=1.0, **options):
        super().__init__(Ternary(spread=spread), channels, outputs, kernel, **options)


class ShiftLinear(Linear):
    """Power-of-two weights."""

    def __init__(self, inputs, outputs, *, spread=1.0, **options):
        super().__init__(Shift(spread=spread), inputs, outputs, **options)


class ShiftConv2d(Conv2d):
    """Power-of-two weights."""

    def __init__(self, channels, outputs, kernel=3, *, spread=1.0, **options):
        super().__init__(Shift(spread=spread), channels, outputs, kernel, **options)


class MacLinear(Linear):
    """Weights of `weight_bits` bits."""

    def __init__(self, inputs, outputs, *, weight_bits=4, spread=1.0, **options):
        super().__init__(Mac(spread=spread, weight_bits=weight_bits), inputs, outputs, **options)


class MacConv2d(Conv2d):
    """Weights of `weight_bits` bits."""

    def __init__(self, channels, outputs, kernel=3, *, weight_bits=4, spread=1.0, **options):
        super().__init__(
            Mac(spread=spread, weight_bits=weight_bits), channels, outputs, kernel, **options
        )


class AdderLinear(Linear):
    """AdderNet synapses."""

    def __init__(self, inputs, outputs, *, spread=1.0, input_bits=4, **options):
        super().__init__(
            Adder(spread=spread, bits=input_bits), inputs, outputs, input_bits=input_bits, **options
        )


class AdderConv2d(Conv2d):
    """AdderNet synapses."""

    def __init__(self, channels, outputs, kernel=3, *, spread=1.0, input_bits=4, **options):
        super().__init__(
            Adder(spread=spread, bits=input_bits), channels, outputs, kernel, input_bits=input_bits,
            **options,
        )  # fmt: skip
