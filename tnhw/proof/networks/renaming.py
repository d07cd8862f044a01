"""Values with their images counted from a given one, as text: equal for two states that differ in the images only."""

import hashlib

from .values import UNKNOWN, Floor, Form, Table

__all__ = ["renamed"]


def renamed(signal, image, names):
    """A signal as numbers and text, with images counted from `image`; `names` keeps what is known of its symbols."""
    return [(width, _value(value, image, names)) for width, value in signal]


def _value(value, image, names):
    if isinstance(value, Table):
        return _symbol(value.symbol, image, names), hashlib.sha256(
            value.values.tobytes()
        ).hexdigest()
    if isinstance(value, Form):
        return _form(value, image, names)
    return "unknown" if value is UNKNOWN else value


def _form(form, image, names):
    name = id(form)
    if name not in names:
        terms = sorted(
            (_symbol(s, image, names), hashlib.sha256(t.tobytes()).hexdigest())
            for s, t in form.terms.items()
        )
        parts = sorted((_part(p, image, names), n) for p, n in form.parts.items())
        text = repr((terms, parts)).encode()
        names[name] = hashlib.sha256(text).hexdigest(), form
    return names[name][0], form.constant


def _part(part, image, names):
    if isinstance(part, Floor):
        return repr(("floor", _form(part.form, image, names), part.shift))
    return repr(("largest", [_form(form, image, names) for form in part.forms]))


def _symbol(symbol, image, names):
    if symbol not in names:
        kind = symbol.name[0]
        if kind in ("x", "y"):
            names[symbol] = repr((kind, symbol.name[1] - image, *symbol.name[2:]))
        elif kind == "sum":
            names[symbol] = repr(("sum", _form(symbol.form, image, names)))
        else:
            names[symbol] = repr(
                ("largest of", [_form(form, image, names) for form in symbol.forms])
            )
    return names[symbol]
