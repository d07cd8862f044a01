"""Boolean functions in Liberty's notation, converted to Verilog and to truth tables."""

import re
from functools import cache
from itertools import product

from ..errors import InputError

__all__ = ["truth", "verilog"]

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[!'&*|+^()])")


@cache
def verilog(function):
    """The Verilog expression of a Liberty function: ``!A (B+C)'`` becomes ``(~A & ~(B | C))``.

    Raises
    ------
    InputError
        If the function cannot be read.
    """
    tokens, at, text = [], 0, function.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise InputError(f"the Liberty function {function!r} cannot be read")
        tokens.append(match[1])
        at = match.end()
    place = 0

    def peek():
        return tokens[place] if place < len(tokens) else ""

    def either():
        nonlocal place
        found = both()
        while peek() in ("|", "+"):
            place += 1
            found = f"({found} | {both()})"
        return found

    def both():
        nonlocal place
        found = differ()
        while peek() not in ("", ")", "|", "+"):
            if peek() in ("&", "*"):
                place += 1
            found = f"({found} & {differ()})"
        return found

    def differ():
        nonlocal place
        found = one()
        while peek() == "^":
            place += 1
            found = f"({found} ^ {one()})"
        return found

    def one():
        nonlocal place
        token = peek()
        place += 1
        if token == "!":
            found = f"~{one()}"
        elif token == "(":
            found = either()
            if peek() != ")":
                raise InputError(f"the Liberty function {function!r} lacks a parenthesis")
            place += 1
        elif token in ("", ")", "&", "|", "*", "+", "^", "'"):
            raise InputError(f"the Liberty function {function!r} cannot be read")
        else:
            found = f"1'b{token}" if token in "01" else token
        while peek() == "'":
            place += 1
            found = f"~{found}"
        return found

    found = either()
    if place != len(tokens):
        raise InputError(f"the Liberty function {function!r} cannot be read")
    return found


def truth(function, inputs):
    """Truth table of a Liberty function: a tuple of 0 and 1, whose index has the first input in its lowest bit."""
    text = verilog(function).replace("1'b", "")  # the rest is also Python
    code = compile(text, "function", "eval")
    rows = []
    for values in product((0, 1), repeat=len(inputs)):
        names = dict(zip(reversed(list(inputs)), values, strict=True))
        rows.append(eval(code, {"__builtins__": {}}, names) & 1)
    return tuple(rows)
