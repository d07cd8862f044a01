"""Conversions of z3 values: Booleans, bit vectors, widths, memories."""

import z3

__all__ = ["as_bits", "as_bool", "equal", "resized"]


def as_bits(value):
    """A Boolean as a vector of one bit; a vector as it is."""
    if not z3.is_bool(value):
        return value
    if z3.is_eq(value) and z3.is_bv_value(value.arg(1)) and value.arg(1).size() == 1:
        return value.arg(0) if value.arg(1).as_long() else ~value.arg(0)
    return z3.If(value, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def as_bool(value):
    """A vector of one bit as a Boolean; a Boolean as it is."""
    return value if z3.is_bool(value) else value == 1


def resized(value, width):
    """An unsigned vector cut or extended with zeros to `width` bits."""
    if value.size() > width:
        return z3.Extract(width - 1, 0, value)
    return z3.ZeroExt(width - value.size(), value)


def equal(a, b):
    """The condition that two registers are equal, or that two memories are equal at an arbitrary address."""
    if not z3.is_array(a):
        return a == b
    address = z3.BitVec("any address", a.sort().domain().size())
    return z3.Select(a, address) == z3.Select(b, address)
