"""What a function computes that is written for numpy, as expressions of C and of Python.

Rules say with numpy how parameters become words. A driver has to do the same without numpy; it is not written a second
time, but followed: the function is called with a `Traced` number in the place of each array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Traced", "constant"]

_BINARY = {
    "add": "+", "subtract": "-", "multiply": "*", "right_shift": ">>", "bitwise_and": "&",
    "bitwise_or": "|", "bitwise_xor": "^", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
_TRUTHS = {"<", "<=", ">", ">=", "==", "!="}


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A number that is known when the emitted program runs.

    Parameters
    ----------
    c, python : str
        The number as an operand in each language, in C of type ``int64_t``.
    truth : bool
        Whether it is a truth value.
    """

    def __init__(self, c: str, python: str, truth: bool = False) -> None:
        self.c, self.python, self.truth = c, python, truth

    def astype(self, _: Any) -> Traced:
        return Traced(self.c, f"int({self.python})" if self.truth else self.python)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **_: Any) -> Any:
        if method != "__call__":
            return NotImplemented
        operands = [constant(value) for value in inputs]
        name = ufunc.__name__
        if name == "negative":
            return _each(lambda a: f"(-{a})", operands)
        if name == "invert" and operands[0].truth:
            (one,) = operands
            return Traced(f"(!{one.c})", f"(not {one.python})", True)
        if name == "invert":
            return _each(lambda a: f"(~{a})", operands)
        if name == "left_shift":  # in C, one of a negative number is undefined
            one, by = operands
            if by.c == "0":
                return one
            return Traced(f"({one.c} * ((int64_t)1 << {by.c}))", f"({one.python} << {by.python})")
        if name not in _BINARY:
            return NotImplemented
        sign = _BINARY[name]
        both = sign == "&" and all(operand.truth for operand in operands)
        return _each(lambda a, b: f"({a} {sign} {b})", operands, sign in _TRUTHS or both)

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> Any:
        if function is np.shape:
            return ()
        if function is np.zeros_like:
            return constant(0)
        if function is np.where and len(inputs) == 3 and not options:
            return _where(*inputs)
        return NotImplemented


def constant(value: Any) -> Traced:
    """A number that is known now; a `Traced` one stays what it is."""
    if isinstance(value, Traced):
        return value
    number = int(value)
    c = str(number) if abs(number) < 1 << 31 else f"INT64_C({number})"
    return Traced(f"({c})" if number < 0 else c, f"({number})" if number < 0 else str(number))


def _each(text: Callable[..., str], operands: list[Traced], truth: bool = False) -> Traced:
    return Traced(
        text(*(one.c for one in operands)), text(*(one.python for one in operands)), truth
    )


def _where(condition: Any, yes: Any, no: Any) -> Traced:
    if not isinstance(condition, Traced):
        return constant(yes if condition else no)
    a, b = constant(yes), constant(no)
    return Traced(
        f"({condition.c} ? {a.c} : {b.c})", f"({a.python} if {condition.python} else {b.python})"
    )
