"""Checks of a kernel's keys that concern more than one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InputError
from ..gates.kernels import ARCHITECTURES
from ..support.config import nearest
from ..synapse import RULES
from .keys import Keys
from .names import check_design_name

if TYPE_CHECKING:
    from .kernel import Kernel

__all__ = ["check_interval", "check_keys"]

MAX_PARALLEL_SYNAPSES = 16384
# NumPy computes modulo 2^64. Within these limits the difference of x and a parameter, times a gain, is exact, and so
# are the constants that inversions need. `check_interval` limits everything that is summed.
MAX_BITS = {"input": 60, "parameter": 60, "output": 63}


def check_keys(keys: Keys) -> None:
    """Check that keys go together.

    Raises
    ------
    InputError
        For the first key that does not fit: which it is, and what to do about it.
    """
    check_design_name(keys.name)
    _names_and_formats(keys)
    _of_storage_and_signs(keys)
    _of_streams(keys)
    _of_architecture(keys)
    if keys.form != "auto" and not RULES[keys.rule].forms:
        raise InputError(f"rule `{keys.rule}` has no forms: leave `form` out")


def _names_and_formats(keys: Keys) -> None:
    for key, number in (
        ("input", keys.input),
        ("parameter", keys.parameter),
        ("output", keys.output),
    ):
        if number is not None and number.bits > MAX_BITS[key]:
            raise InputError(
                f"`{key}` must have at most {MAX_BITS[key]} bits, not {number}: the golden model computes "
                "in 64"
            )
    for key, given, known in (
        ("rule", keys.rule, RULES),
        ("architecture", keys.architecture, ARCHITECTURES),
    ):
        if given not in known:
            raise InputError(
                f"`{key}` must be one that tnhw has, not {given!r}; " + nearest(given, known)
            )
    if keys.shift and keys.output is None:
        raise InputError("`shift` needs `output`, the format of the shifted result")


def _of_storage_and_signs(keys: Keys) -> None:
    if keys.folded and keys.storage != "ports":
        raise InputError(
            '`bias = "folded"` is for storage `ports`: with others tnhw adds the remainders to the bias itself'
        )
    if keys.sign == "static" and keys.storage != "constant" and keys.excitatory is None:
        raise InputError(
            '`sign = "static"` needs storage `constant`, or `excitatory`, the number of inputs that add'
        )
    if keys.sign == "runtime" and keys.storage == "constant":
        raise InputError("storage `constant` fixes the signs: leave `sign` out")
    if keys.excitatory is None:
        return
    if keys.excitatory > keys.inputs:
        raise InputError(
            f"`excitatory` must be at most {keys.inputs}, all inputs, not {keys.excitatory}"
        )
    if keys.sign == "runtime":
        raise InputError("`excitatory` fixes the signs: leave `sign` out")
    if keys.storage == "constant":
        raise InputError(
            "storage `constant` takes the signs of its parameters: leave `excitatory` out"
        )
    if keys.architecture == "serial":
        raise InputError(
            "`excitatory` is for architectures that sum all inputs at once: leave it out for `serial`"
        )


def _of_streams(keys: Keys) -> None:
    if keys.interface == "axi-stream" and keys.storage == "ports":
        raise InputError("storage `ports` has plain streams only: leave `interface` out")
    if (keys.interface, keys.architecture, keys.storage) == ("axi-stream", "tile", "memory"):
        raise InputError(
            "architecture `tile` takes all parameters in one plain beat: leave `interface` out"
        )
    if keys.beat is not None and keys.interface != "axi-stream":
        raise InputError('`beat` is for `interface = "axi-stream"`')
    if keys.beat is not None and keys.beat > max(keys.inputs, keys.outputs):
        raise InputError(
            f"`beat` must be at most {max(keys.inputs, keys.outputs)}, all elements, not {keys.beat}"
        )


def _of_architecture(keys: Keys) -> None:
    """Check the keys that only one architecture or one kind of arithmetic reads."""
    if keys.adder == "prefix" and keys.arithmetic != "heap":
        raise InputError('`adder = "prefix"` is for arithmetic `heap`: leave `adder` out')
    if keys.sharing == "none" and (keys.architecture, keys.arithmetic) != ("tile", "heap"):
        raise InputError(
            "`sharing` is for architecture `tile`, arithmetic `heap`, storage `constant`: leave it out"
        )
    if keys.registers == "latch" and (keys.architecture, keys.storage) != ("tile", "memory"):
        raise InputError('`registers = "latch"` is for architecture `tile`, storage `memory`')
    wanted = ("serial", "heap", "ports", False)
    given = (keys.architecture, keys.arithmetic, keys.storage, keys.folded)
    if keys.gating == "predicate" and given != wanted:
        raise InputError(
            '`gating = "predicate"` is for architecture `serial`, arithmetic `heap`, storage `ports` '
            "and a bias that is not folded"
        )
    if keys.architecture != "serial" and keys.inputs * keys.outputs > MAX_PARALLEL_SYNAPSES:
        raise InputError(
            f"`inputs` x `outputs` = {keys.inputs * keys.outputs} is more than architecture "
            f"`{keys.architecture}` takes ({MAX_PARALLEL_SYNAPSES}); use `serial`"
        )


def check_interval(kernel: Kernel) -> None:
    """Check that the golden model can compute the sums of a kernel in 64 bits.

    Raises
    ------
    InputError
        If it cannot; the message says how many bits the result needs.
    """
    ends = list(kernel.synapse.interval())
    if max(abs(int(end)) for end in ends) < 1 << 63:  # else numpy cannot sum them
        ends += kernel.sum_interval
    widened = max(0, -kernel.shift) if kernel.output is not None else 0
    largest = max(abs(int(end)) for end in ends) + kernel.half
    if largest << widened >= 1 << 62:
        raise InputError(
            f"the result needs {largest.bit_length() + 1 + widened} bits, more than the 63 of the "
            "golden model; use narrower formats or fewer inputs"
        )
