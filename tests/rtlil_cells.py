"""What Yosys' cells do, as text of Python on unsigned integers: from the manual, cell by cell."""

__all__ = ["operator"]

_COMPARED = {"$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">="}
_JOINED = {"$and": "&", "$or": "|", "$xor": "^", "$add": "+", "$sub": "-", "$mul": "*"}


def operator(kind, at, width):
    """Text of a cell's output."""
    mask = (1 << width) - 1

    def signed(pin):
        text, bits, _ = at[pin]
        return f"(({text} ^ {1 << bits >> 1}) - {1 << bits >> 1})"

    def extended(pin, both):
        return signed(pin) if both and at[pin][1] else at[pin][0]

    a, a_width, a_signed = at["A"]
    if kind == "$mux":
        return f"{at['B'][0]} if {at['S'][0]} else {a}"
    if kind == "$not":
        return f"~{extended('A', a_signed)} & {mask}"
    if kind == "$neg":
        return f"-{extended('A', a_signed)} & {mask}"
    if kind in ("$reduce_or", "$reduce_bool"):
        return f"1 if {a} else 0"
    if kind == "$reduce_and":
        return f"1 if {a} == {(1 << a_width) - 1} else 0"
    if kind == "$reduce_xor":
        return f"({a}).bit_count() & 1"
    b, _, b_signed = at["B"]
    both = a_signed and b_signed
    if kind in _JOINED:
        return f"({extended('A', both)} {_JOINED[kind]} {extended('B', both)}) & {mask}"
    if kind in _COMPARED:
        return f"1 if {extended('A', both)} {_COMPARED[kind]} {extended('B', both)} else 0"
    if kind == "$shl" and not b_signed:
        return f"({extended('A', a_signed)} << {b}) & {mask}"
    if (kind == "$shr" and not (a_signed or b_signed)) or (kind == "$sshr" and not b_signed):
        return f"({extended('A', a_signed)} >> {b}) & {mask}"
    raise NotImplementedError(kind)
