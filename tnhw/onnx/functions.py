"""The functions of the domain ``tnhw``: neurons and requantisation in standard ONNX operators.

They all compute in int32, which is exact in every runtime; parameters are stored in the smallest type that holds
them. A neuron sums over the last axis: x [..., inputs] with parameters [outputs, inputs] and bias [outputs] gives the
exact sums z [..., outputs].
"""

from ..errors import InputError

__all__ = ["DOMAIN", "FUNCTIONS", "OPSET", "VERSION", "neuron"]

DOMAIN, VERSION, OPSET = "tnhw", 1, 17
INT32, INT64, UINT32 = 6, 7, 12  # onnx.TensorProto

# 2**e of a small unsigned e.
_POWER = f"""
  one = Constant <value = uint32 {{{{1}}}}> ()
  {{e}}_bits = Cast <to = {UINT32}> ({{e}})
  {{e}}_raised = BitShift <direction = "LEFT"> (one, {{e}}_bits)
  {{e}}_power = Cast <to = {INT32}> ({{e}}_raised)
"""

_INT32 = f"  {{name}}32 = Cast <to = {INT32}> ({{name}})\n"
_ATTRIBUTE = (
    "  {name}64 = Constant <value_int : int = @{name}> ()\n"
    f"  {{name}}32 = Cast <to = {INT32}> ({{name}}64)\n"
)

# Terms [..., outputs, inputs] of x [..., inputs], summed.
_SPREAD = "  before_last = Constant <value_ints = [-2]> ()\n  spread = Unsqueeze (x, before_last)\n"
_TOTAL = """
  last = Constant <value_ints = [-1]> ()
  total = ReduceSum <keepdims = 0> (terms, last)
  z = Add (total, bias32)
"""
_PRODUCT = """
  columns = Transpose <perm = [1, 0]> (factor)
  total = MatMul (x, columns)
  z = Add (total, bias32)
"""


def _function(head, *body):
    return f'<domain: "{DOMAIN}", opset_import: ["" : {OPSET}]>\n{head}\n{{\n{"".join(body)}\n}}'


def _cast(*names):
    return "".join(_INT32.format(name=name) for name in names)


_RECTIFIED = "  above = Sub (spread, theta32)\n  rectified = Relu (above)\n"

#: The text of each function in ONNX's own syntax, by name.
FUNCTIONS = {
    "ThresholdNeuron": _function(
        "ThresholdNeuron (x, theta, sign, bias) => (z)",
        _cast("theta", "sign", "bias"), _SPREAD, _RECTIFIED,
        "  terms = Mul (rectified, sign32)\n", _TOTAL,
    ),
    "ThresholdGainNeuron": _function(
        "ThresholdGainNeuron (x, theta, sign, gain, bias) => (z)",
        _cast("theta", "sign", "bias"), _POWER.format(e="gain"), _SPREAD, _RECTIFIED,
        "  factor = Mul (sign32, gain_power)\n  terms = Mul (rectified, factor)\n", _TOTAL,
    ),
    "TernaryNeuron": _function(
        "TernaryNeuron (x, sign, bias) => (z)",
        _cast("sign", "bias"), "  factor = Identity (sign32)\n", _PRODUCT,
    ),
    "ShiftNeuron": _function(
        "ShiftNeuron (x, exponent, sign, bias) => (z)",
        _cast("sign", "bias"), _POWER.format(e="exponent"),
        "  factor = Mul (sign32, exponent_power)\n", _PRODUCT,
    ),
    "MacNeuron": _function(
        "MacNeuron (x, weight, bias) => (z)",
        _cast("weight", "bias"), "  factor = Identity (weight32)\n", _PRODUCT,
    ),
    "AdderNetNeuron": _function(
        "AdderNetNeuron (x, weight, bias) => (z)",
        _cast("weight", "bias"), _SPREAD,
        "  apart = Sub (spread, weight32)\n  distance = Abs (apart)\n  terms = Neg (distance)\n", _TOTAL,
    ),
    # Bits of x and weight stand for -1 and +1.
    "BinaryNeuron": _function(
        "BinaryNeuron (x, weight, bias) => (z)",
        _cast("weight", "bias"), """  two = Constant <value = int32 {2}> ()
  one = Constant <value = int32 {1}> ()
  twice = Mul (weight32, two)
  factor = Sub (twice, one)
  columns = Transpose <perm = [1, 0]> (factor)
  doubled = Mul (x, two)
  signs = Sub (doubled, one)
  total = MatMul (signs, columns)
  z = Add (total, bias32)""",
    ),
    # low + number of the steps that are at most z, or high - number where `falling` is 1; z [..., outputs], steps
    # [outputs, steps].
    "Staircase": _function(
        "Staircase <low, high> (z, steps, falling) => (y)",
        _ATTRIBUTE.format(name="low"), _ATTRIBUTE.format(name="high"), _cast("steps", "falling"),
        f"""  last = Constant <value_ints = [-1]> ()
  spread = Unsqueeze (z, last)
  reached = GreaterOrEqual (spread, steps32)
  ones = Cast <to = {INT32}> (reached)
  count = ReduceSum <keepdims = 0> (ones, last)
  two = Constant <value = int32 {{2}}> ()
  one = Constant <value = int32 {{1}}> ()
  twice = Mul (falling32, two)
  direction = Sub (one, twice)
  climbed = Mul (count, direction)
  range = Sub (high32, low32)
  above = Mul (falling32, range)
  begin = Add (above, low32)
  y = Add (begin, climbed)""",
    ),
    # floor((z * multiplier + offset) / divisor), clamped, in int64. A quotient is truncated towards zero: `base`
    # divisors more keep what is divided positive.
    "Scale": _function(
        "Scale <divisor, base, low, high> (z, multiplier, offset) => (y)",
        "".join(f"  {name}64 = Constant <value_int : int = @{name}> ()\n"
                for name in ("divisor", "base", "low", "high")),
        f"""  wide = Cast <to = {INT64}> (z)
  wide_multiplier = Cast <to = {INT64}> (multiplier)
  wide_offset = Cast <to = {INT64}> (offset)
  product = Mul (wide, wide_multiplier)
  total = Add (product, wide_offset)
  raised = Mul (base64, divisor64)
  positive = Add (total, raised)
  quotient = Div (positive, divisor64)
  shifted = Sub (quotient, base64)
  lowest = Max (shifted, low64)
  clamped = Min (lowest, high64)
  y = Cast <to = {INT32}> (clamped)""",
    ),
    # floor((z * multiplier + half) / divisor), clamped. A quotient is truncated towards zero: an offset of
    # 2**30, a multiple of the divisor, keeps what is divided positive.
    "Requantise": _function(
        "Requantise <multiplier, divisor, low, high> (z) => (y)",
        *(_ATTRIBUTE.format(name=name) for name in ("multiplier", "divisor", "low", "high")),
        """  two = Constant <value = int32 {2}> ()
  offset = Constant <value = int32 {1073741824}> ()
  larger = Mul (z, multiplier32)
  half = Div (divisor32, two)
  rounded = Add (larger, half)
  positive = Add (rounded, offset)
  quotient = Div (positive, divisor32)
  offset_quotient = Div (offset, divisor32)
  shifted = Sub (quotient, offset_quotient)
  y = Clip (shifted, low32, high32)""",
    ),
    # x and top - x, one after the other.
    "WithComplement": _function(
        "WithComplement <top> (x) => (both)",
        _ATTRIBUTE.format(name="top"),
        "  complement = Sub (top32, x)\n  both = Concat <axis = -1> (x, complement)",
    ),
    # Windows of an image x [n, height, width, channels]: [n, positions, taps * channels].
    "Windows": _function(
        "Windows <pads, channels, fan_in> (x, taps) => (windows)",
        """  around = Constant <value_ints : ints = @pads> ()
  padded = Pad (x, around)
  each = Constant <value_ints = [0, -1]> ()
  width = Constant <value_ints : ints = @channels> ()
  shape = Concat <axis = 0> (each, width)
  pixels = Reshape (padded, shape)
  chosen = Gather <axis = 1> (pixels, taps)
  own = Constant <value_ints : ints = @fan_in> ()
  end = Concat <axis = 0> (each, own)
  windows = Reshape (chosen, end)""",
    ),
}  # fmt: skip

_NEURONS = {
    ("threshold", False): ("ThresholdNeuron", ("theta", "sign")),
    ("threshold", True): ("ThresholdGainNeuron", ("theta", "sign", "gain")),
    ("ternary", False): ("TernaryNeuron", ("sign",)),
    ("shift", False): ("ShiftNeuron", ("exponent", "sign")),
    ("mac", False): ("MacNeuron", ("weight",)),
    ("binary", False): ("BinaryNeuron", ("weight",)),
    ("addernet", False): ("AdderNetNeuron", ("weight",)),
}


def neuron(rule, gain):
    """Name of the function for a rule, and the arrays that it takes, in order; InputError if there is none."""
    if (rule, gain) not in _NEURONS:
        raise InputError(
            f"the rule `{rule}` has no ONNX function; known are "
            + ", ".join(sorted({name for name, _ in _NEURONS}))
        )
    return _NEURONS[rule, gain]
