"""Commented TOML files to start from: every key with what it means and what values it may have.

Keys, defaults, ranges and descriptions come from `tnhw.cli.schema`; only the example values are here.
"""

import json
from itertools import product

from ..boards import load_board
from ..errors import InputError
from ..kernel.names import check_design_name, check_name
from ..support.config import nearest
from ..synapse import RULES, Format
from .schema import property_of, schema

__all__ = ["board_template", "kernel_template", "schema_files"]

SCHEMA_FILE = "tnhw-{}.schema.json"
WIDTH = 96

#: Example values of keys without a default.
EXAMPLES = {
    "parameter": "s8",
    "bias": "s12",
    "output": "s8",
    "parameters": "weights.npz",
    "beat": 4,
}

HEAD = """\
#:schema ./{schema}
# {title}
# A line that begins with "#" and a key shows the default, or an example where there is none: remove
# the "#" to use it. Comments above a key say what it means and what it may be.
"""


def kernel_template(name, rule="threshold"):
    """Text of a kernel TOML for a rule. The file can be loaded as it is, and mentions every key.

    Raises
    ------
    InputError
        If the name or the rule is not valid.
    """
    from ..kernel import Kernel  # noqa: F401  (fills RULES)

    check_design_name(name)
    if rule not in RULES:
        raise InputError(f"there is no rule {rule!r}; {nearest(rule, RULES)}")
    values = {"name": name, "rule": rule, "architecture": "parallel", "inputs": 16, "outputs": 1}
    values |= _formats(rule) | {"storage": "ports"}
    title = "A kernel of tnhw: y_j = bias_j + sum over i of term(x_i, p_ij)."
    return _text("kernel", title, values)


def board_template(name, like="icebreaker"):
    """Text of a board TOML with the values of another board.

    Raises
    ------
    InputError
        If the name is not valid, or there is no board `like`.
    """
    check_name(name)
    board = load_board(like)
    values = board.model_dump(exclude_unset=True) | {"name": name, "title": f"{name} ({like}-like)"}
    return _text("board", "A board for tnhw: a platform of Amaranth, and what the harness uses of it.",
                 values)  # fmt: skip


def schema_files():
    """File name to text of every JSON Schema."""
    kinds = ("kernel", "board")
    return {SCHEMA_FILE.format(kind): json.dumps(schema(kind), indent=1) + "\n" for kind in kinds}


def _formats(rule):
    """Keys `input` and `parameter` with formats that the rule takes."""
    for x, parameter in product(("s8", "u8", "u1"), ("s8", "u3", "u8", None)):
        try:
            RULES[rule](Format.parse(x), parameter and Format.parse(parameter))
        except InputError:
            continue
        return {"input": x} | ({"parameter": parameter} if parameter else {})
    return {"input": "s8"}


def _text(kind, title, values):
    whole = schema(kind)
    lines = HEAD.format(schema=SCHEMA_FILE.format(kind), title=title).splitlines()
    tables = []
    for key, keys in whole["properties"].items():
        found = property_of(whole, keys)
        if found.get("type") == "object":
            tables.append((key, found))
        else:
            lines += ["", *_key(key, found, values)]
    for key, found in tables:
        given = key in values or key in whole.get("required", [])
        lines += ["", *_comment(found.get("description", "")), f"{'' if given else '# '}[{key}]"]
        for inner, keys in found.get("properties", {}).items():
            own = property_of(whole, keys)
            lines += _key(inner, own, values.get(key) or {})
    return "\n".join(lines) + "\n"


def _key(key, keys, values):
    """Lines of a key: its description, what is allowed, and its value or, as a comment, an example."""
    allowed = _allowed(keys)
    text = " ".join(filter(None, [keys.get("description", ""), allowed and f"({allowed})"]))
    if key in values:
        return [*_comment(text), f"{key} = {_toml(values[key])}"]
    return [*_comment(text), f"# {key} = {_toml(_example(key, keys))}"]


def _example(key, keys):
    if "default" in keys:
        return keys["default"]
    if key in EXAMPLES:
        return EXAMPLES[key]
    return {"integer": keys.get("minimum", 0), "boolean": False, "array": [], "object": {}}.get(
        keys.get("type"), ""
    )


def _allowed(keys):
    if "enum" in keys:
        return "one of " + ", ".join(_toml(value) for value in keys["enum"])
    if keys.get("pattern", "").startswith("^[us]"):
        return 'a format: "u1" to "u64" unsigned, "s1" to "s64" signed'
    if "minimum" in keys and "maximum" in keys:
        return f"{keys['minimum']} to {keys['maximum']}"
    if "minimum" in keys:
        return f"at least {keys['minimum']}"
    return {"boolean": "true or false"}.get(keys.get("type"), "")


def _comment(text):
    lines, words = [], text.split()
    for word in words:
        if not lines or len(lines[-1]) + len(word) >= WIDTH:
            lines.append("#")
        lines[-1] += f" {word}"
    return lines


def _toml(value):
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(own)}' for key, own in value.items())} }}"
    return str(value) if isinstance(value, Format) else json.dumps(value, ensure_ascii=False)
