import numpy as np
import pytest

from tnhw.errors import InputError
from tnhw.synapse import Format


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("u1", 0, 1), ("s1", -1, 0), ("u4", 0, 15), ("s8", -128, 127), ("u64", 0, 2**64 - 1),
     ("s64", -(2**63), 2**63 - 1)],
)  # fmt: skip
def test_init(text, low, high):
    number = Format.parse(text)
    assert (number.min, number.max, str(number)) == (low, high, text)
    assert (number.shape.width, number.shape.signed) == (number.bits, number.signed)


@pytest.mark.parametrize(
    "text",
    ["", "u", "8", "u0", "s0", "u04", "U4", "u4 ", " u4", "f8", "u-1", "u4.5", "u100", 4, None],
)
def test_parse_wrong(text):
    with pytest.raises(InputError, match="a format is written `u` or `s` and a width from 1 to 64"):
        Format.parse(text)


@pytest.mark.parametrize("bits", [0, -1, 65, 1000])
def test_init_wrong_bits(bits):
    with pytest.raises(InputError, match=f"must be 1 to 64 bits, not {bits}$"):
        Format(bits)


@pytest.mark.parametrize("bits", [4.0, "4", True, None])
def test_init_wrong_type(bits):
    with pytest.raises(InputError, match="the width of a format must be an integer, not"):
        Format(bits)


def test_of_interval_is_smallest():
    for low in range(-20, 21):
        for high in range(low, 21):
            found = Format.of_interval(low, high)
            assert found.min <= low <= high <= found.max
            assert found.signed == (low < 0)
            if found.bits > 1:
                smaller = Format(found.bits - 1, found.signed)
                assert not (smaller.min <= low and high <= smaller.max)


def test_of_interval_wrong():
    with pytest.raises(InputError, match=r"the interval 2 \.\. 1 is empty"):
        Format.of_interval(2, 1)


@pytest.mark.parametrize("text", ["u1", "s1", "u3", "s3"])
def test_encode_and_decode(text):
    number = Format.parse(text)
    patterns = [number.encode(value) for value in range(number.min, number.max + 1)]
    assert sorted(patterns) == list(range(2**number.bits))
    for pattern in patterns:
        assert number.encode(number.decode(pattern)) == pattern
        assert number.decode(pattern + (5 << number.bits)) == number.decode(pattern)
    for value in (number.min - 1, number.max + 1):
        with pytest.raises(InputError, match=rf"{value} does not fit {text} \({number.min} \.\. "):
            number.encode(value)


def test_twos_complement():
    assert Format.parse("s4").encode(-1) == 0b1111
    assert Format.parse("s4").decode(0b1000) == -8


def test_holds():
    number = Format.parse("s4")
    assert number.holds([]) and number.holds([-8, 7]) and number.holds(0)
    assert not number.holds([-9, 0]) and not number.holds([0, 8])


def test_clamp():
    assert Format.parse("s4").clamp(np.array([-100, -8, 0, 7, 8])).tolist() == [-8, -8, 0, 7, 7]
    assert Format.parse("u4").clamp(np.array([-1, 16])).tolist() == [0, 15]


@pytest.mark.parametrize(
    ("text", "numpy"), [("u1", "uint8"), ("s9", "int16"), ("u32", "uint32"), ("s33", "int64")]
)
def test_numpy(text, numpy):
    assert Format.parse(text).numpy == np.dtype(numpy)
