"""What z3 expressions are made of: their terms, and the variables and bits that they read.

Making a Python object of z3 for every term takes long. So terms are walked as handles of z3's C interface,
and objects are made only of those that are asked for. The caller keeps the expression alive, and with it all its terms.
"""

from collections.abc import Iterator
from typing import Any

import z3
from z3 import z3core

__all__ = ["support", "terms"]


def terms(expression: z3.ExprRef, *kinds: int) -> Iterator[z3.ExprRef]:
    """All subexpressions of an expression, each of them once; with `kinds` only those of these operators."""
    context, wanted = expression.ctx_ref(), set(kinds)
    seen, stack = set(), [expression.as_ast()]
    while stack:
        handle = stack.pop()
        if handle.value not in seen:
            seen.add(handle.value)
            stack.extend(_arguments(context, handle))
            if not wanted or _operator(context, handle) in wanted:
                yield z3.z3._to_expr_ref(handle, expression.ctx)


def support(*expressions: z3.ExprRef) -> dict[str, tuple[z3.ExprRef, set[int]]]:
    """Bits that expressions read: dict of variable name to (z3 constant, set of bit numbers).

    Where an expression extracts bits of a variable, only those count; a Boolean has bit 0.
    """
    found: dict[str, tuple[z3.ExprRef, set[int]]] = {}
    context = expressions[0].ctx_ref() if expressions else None
    seen, stack = set(), [expression.as_ast() for expression in expressions]
    while stack:
        handle = stack.pop()
        if handle.value in seen:
            continue
        seen.add(handle.value)
        arguments = _arguments(context, handle)
        if _is_variable(context, handle):
            variable = z3.z3._to_expr_ref(handle, expressions[0].ctx)
            bits = range(variable.size()) if z3.is_bv(variable) else range(1)
        elif _operator(context, handle) == z3.Z3_OP_EXTRACT and _is_variable(context, arguments[0]):
            variable = z3.z3._to_expr_ref(arguments[0], expressions[0].ctx)
            high, low = z3.z3._to_expr_ref(handle, expressions[0].ctx).params()
            bits = range(low, high + 1)
        else:
            stack.extend(arguments)
            continue
        found.setdefault(variable.decl().name(), (variable, set()))[1].update(bits)
    return found


def _arguments(context: Any, handle: Any) -> list[Any]:
    count = z3core.Z3_get_app_num_args(context, handle)
    return [z3core.Z3_get_app_arg(context, handle, k) for k in range(count)]


def _operator(context: Any, handle: Any) -> int:
    return z3core.Z3_get_decl_kind(context, z3core.Z3_get_app_decl(context, handle))


def _is_variable(context: Any, handle: Any) -> bool:
    return (
        _operator(context, handle) == z3.Z3_OP_UNINTERPRETED
        and z3core.Z3_get_app_num_args(context, handle) == 0
    )
