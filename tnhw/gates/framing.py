"""What the AXI4-Stream ports of kernels and of networks have in common."""

from __future__ import annotations

from math import ceil
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out

from ..synapse import Format

__all__ = ["drop_rest", "members", "whole_bytes"]


def whole_bytes(number: Format) -> int:
    """Bytes that an element takes in a beat."""
    return ceil(number.bits / 8)


def members(vector: int, result: int, load: int) -> dict[str, Any]:
    """The ports of hardware with AXI4-Stream.

    Parameters
    ----------
    vector, result, load
        Bits of a beat's data, of vectors, of results, and of loads of parameters: 0 if there are no loads.

    Returns
    -------
    dict
        s_axis_t{data, valid, last} : In, s_axis_tready : Out
            Vectors.
        m_axis_t{data, valid, last} : Out, m_axis_tready : In
            Results.
        s_axis_param_t{data, valid, last} : In, s_axis_param_tready : Out
            Loads.
        error : Out(1)
            High for one cycle after a wrong `tlast`.
    """
    found = {"error": Out(1), **_stream("s_axis_t", vector, In, Out)}
    found |= _stream("m_axis_t", result, Out, In)
    return found | (_stream("s_axis_param_t", 8 * ceil(load / 8), In, Out) if load else {})


def _stream(prefix, width, forward, backward):
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
