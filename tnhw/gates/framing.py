"""What the AXI4-Stream ports of kernels and of networks have in common."""

from __future__ import annotations

from math import ceil
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out

from ..synapse import Format

__all__ = ["drop_rest", "sink", "source", "whole_bytes"]


def whole_bytes(number: Format) -> int:
    """Bytes that an element takes in a beat."""
    return ceil(number.bits / 8)


def sink(prefix: str, width: int) -> dict[str, Any]:
    """Ports of a stream that comes in, by name: data of `width` bits, valid, last and ready."""
    return _ports(prefix, width, In, Out)


def source(prefix: str, width: int) -> dict[str, Any]:
    """Ports of a stream that goes out; see `sink`."""
    return _ports(prefix, width, Out, In)


def _ports(prefix, width, forward, backward):
    return {
        f"{prefix}data": forward(width),
        f"{prefix}valid": forward(1),
        f"{prefix}last": forward(1),
        f"{prefix}ready": backward(1),
    }


def drop_rest(m: Module, dropping: Signal, wrong: Value, valid: Value, last: Value) -> None:
    """Set `dropping` after a last beat without `tlast`, until the next beat that has it."""
    with m.If(wrong | dropping & valid):
        m.d.sync += dropping.eq(~last)
