"""Formulas as Python functions, of integers of any width or of numpy arrays of numbers of at most 62 bits."""

import z3

from ...errors import Undecided

__all__ = ["compiled", "source"]


def compiled(expressions, variables):
    """A function that evaluates bit-vector expressions.

    Parameters
    ----------
    expressions : list of z3 expressions
    variables : list of str
        Names of the variables, in the order of the arguments. Memories are dicts.

    Returns
    -------
    callable
        Takes a value for each variable and returns a list of values, one for each expression; Booleans are 0 and 1.

    Raises
    ------
    Undecided
        If an operator has no Python form here.
    """
    space = {"where": _where}
    exec(source(expressions, variables), space)  # noqa: S102
    return space["run"]


def source(expressions, variables):
    """The text of the function that `compiled` makes, which does not depend on the names of the variables."""
    lines, names = [], {}
    number = {name: f"a[{k}]" for k, name in enumerate(variables)}

    def name_of(term):
        return names[term.get_id()]

    stack = [(e, False) for e in reversed(expressions)]
    keep = []
    while stack:
        term, ready = stack.pop()
        key = term.get_id()
        if key in names:
            continue
        if not ready:
            stack.append((term, True))
            stack.extend((child, False) for child in term.children())
            continue
        keep.append(term)
        names[key] = f"t{len(names)}"
        lines.append(
            f"    {names[key]} = {_code(term, [name_of(c) for c in term.children()], number)}"
        )
    body = "\n".join(lines)
    result = ", ".join(name_of(e) for e in expressions)
    return f"def run(*a):\n{body}\n    return [{result}]\n"


def _where(condition, a, b):
    if isinstance(condition, (int, bool)):
        return a if condition else b
    import numpy as np

    return np.where(condition, a, b)


def _signed(value, bits):
    return f"(({value} ^ {1 << (bits - 1)}) - {1 << (bits - 1)})"


def _code(term, c, number):
    kind = term.decl().kind()
    bits = term.size() if z3.is_bv(term) else 1
    mask = (1 << bits) - 1
    own = term.arg(0).size() if term.num_args() and z3.is_bv(term.arg(0)) else 1
    if z3.is_const(term) and kind == z3.Z3_OP_UNINTERPRETED:
        return number[term.decl().name()]
    if z3.is_bv_value(term):
        return str(term.as_long())
    simple = {
        z3.Z3_OP_TRUE: "1",
        z3.Z3_OP_FALSE: "0",
    }
    if kind in simple:
        return simple[kind]
    joined = {
        z3.Z3_OP_BADD: " + ", z3.Z3_OP_BMUL: " * ", z3.Z3_OP_BAND: " & ", z3.Z3_OP_BOR: " | ",
        z3.Z3_OP_BXOR: " ^ ", z3.Z3_OP_AND: " & ", z3.Z3_OP_OR: " | ", z3.Z3_OP_BSUB: " - ",
        z3.Z3_OP_XOR: " ^ ",
    }  # fmt: skip
    if kind in joined:
        if kind == z3.Z3_OP_BMUL:
            text = c[0]
            for other in c[1:]:
                text = f"(({text} * {other}) & {mask})"
            return text
        return f"({joined[kind].join(c)}) & {mask}"
    compare = {
        z3.Z3_OP_EQ: "==", z3.Z3_OP_DISTINCT: "!=", z3.Z3_OP_ULEQ: "<=", z3.Z3_OP_UGEQ: ">=",
        z3.Z3_OP_ULT: "<", z3.Z3_OP_UGT: ">",
    }  # fmt: skip
    if kind in compare:
        return f"({c[0]} {compare[kind]} {c[1]}) * 1"
    signed = {
        z3.Z3_OP_SLEQ: "<=", z3.Z3_OP_SGEQ: ">=", z3.Z3_OP_SLT: "<", z3.Z3_OP_SGT: ">",
    }  # fmt: skip
    if kind in signed:
        return f"({_signed(c[0], own)} {signed[kind]} {_signed(c[1], own)}) * 1"
    if kind == z3.Z3_OP_EXTRACT:
        high, low = term.params()
        return f"({c[0]} >> {low}) & {mask}"
    if kind == z3.Z3_OP_CONCAT:
        text, below = c[-1], term.arg(term.num_args() - 1).size()
        for k in range(term.num_args() - 2, -1, -1):
            text = f"{text} | ({c[k]} << {below})"
            below += term.arg(k).size()
        return text
    if kind == z3.Z3_OP_ITE:
        return f"where({c[0]}, {c[1]}, {c[2]})"
    if kind == z3.Z3_OP_NOT:
        return f"1 - {c[0]}"
    if kind == z3.Z3_OP_IMPLIES:
        return f"(1 - {c[0]}) | {c[1]}"
    if kind == z3.Z3_OP_BNOT:
        return f"{c[0]} ^ {mask}"
    if kind == z3.Z3_OP_BNEG:
        return f"(-{c[0]}) & {mask}"
    if kind == z3.Z3_OP_ZERO_EXT:
        return c[0]
    if kind == z3.Z3_OP_SIGN_EXT:
        return f"{_signed(c[0], own)} & {mask}"
    # A shift by the width or more gives zeros; the inner `where` keeps Python's integers from becoming huge.
    if kind == z3.Z3_OP_BSHL:
        return f"where({c[1]} < {bits}, ({c[0]} << where({c[1]} < {bits}, {c[1]}, 0)) & {mask}, 0)"
    if kind == z3.Z3_OP_BLSHR:
        return f"where({c[1]} < {bits}, {c[0]} >> where({c[1]} < {bits}, {c[1]}, 0), 0)"
    if kind == z3.Z3_OP_BASHR:
        return f"({_signed(c[0], own)} >> where({c[1]} < {bits}, {c[1]}, {bits - 1})) & {mask}"
    if kind == z3.Z3_OP_SELECT:
        return f"{c[0]}.get({c[1]}, 0)"
    if kind == z3.Z3_OP_STORE:
        return f"{{**{c[0]}, {c[1]}: {c[2]}}}"
    raise Undecided(f"the operator `{term.decl().name()}` cannot be evaluated in Python yet")
