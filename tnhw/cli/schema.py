"""JSON Schema of the TOML files that people write, for editors and for `tnhw init`.

Everything comes from the pydantic models and their docstrings, so that it cannot go stale.
"""

import inspect
import re

from pydantic.json_schema import GenerateJsonSchema

from ..errors import InputError
from ..synapse import Format

__all__ = ["KINDS", "described", "property_of", "schema"]

DRAFT = "http://json-schema.org/draft-07/schema#"
KINDS = ("kernel", "board")


class _Generate(GenerateJsonSchema):
    """The generator of pydantic, but with formats as the strings that people write."""

    schema_dialect = DRAFT

    def dataclass_schema(self, schema):
        if schema["cls"] is not Format:
            return super().dataclass_schema(schema)
        return {"type": "string", "pattern": "^[us]([1-9]|[1-5][0-9]|6[0-4])$"}


def schema(kind):
    """JSON Schema (draft 7) of a kernel or board TOML: a dict.

    Parameters
    ----------
    kind : str
        One of `KINDS`.

    Raises
    ------
    InputError
        For another `kind`.
    """
    if kind not in KINDS:
        raise InputError(f"there are schemas of {' and '.join(KINDS)}, not of {kind!r}")
    if kind == "kernel":
        made = _kernel_schema()
    else:
        from ..boards import Board

        made = _schema(Board)
        made["required"].remove("name")  # the file's name
    return {"$schema": DRAFT, "title": f"tnhw {kind}", **made}


def _kernel_schema():
    """Schema of a kernel, with the names of all rules and architectures, and the keys that only one of them has."""
    from ..kernel import ARCHITECTURES, Kernel, own_keys
    from ..kernel.keys import forms
    from ..synapse import RULES

    made = _schema(Kernel)
    properties = made["properties"]
    properties["rule"]["enum"] = sorted(RULES)
    properties["architecture"]["enum"] = sorted(ARCHITECTURES)
    form = properties["form"]
    properties["form"] = {"default": form.pop("default"), "enum": forms(), **form}
    for (kind, name), model in own_keys.declared().items():
        own = _schema(model)
        made["definitions"] |= own["definitions"]
        for key, keys in own["properties"].items():
            text = f"Of {kind} {name}: {keys.get('description', '')}".strip()
            properties[key] = keys | {"description": text}
    return made


def _schema(model):
    made = model.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_Generate)
    made.pop("title")
    made["definitions"] = made.pop("$defs", {})
    made["description"] = (inspect.getdoc(model) or model.__name__).splitlines()[0]
    for entry in [made, *made["definitions"].values()]:
        if "properties" in entry:
            entry["properties"] = {k: _plain_keys(v) for k, v in entry["properties"].items()}
    for entry in made["definitions"].values():
        _describe_table(entry)
    for key, text in described(model).items():
        if "definitions" not in str(made["properties"][key]) or not text.startswith("See "):
            made["properties"][key]["description"] = text
    return made


def _describe_table(entry):
    """Give each key of a table its text from the section ``Attributes`` of the table's docstring."""
    if text := entry.get("description"):
        entry["description"] = _plain(text.partition("\nAttributes\n")[0].strip())
        for key, about in _attributes(text).items():
            entry["properties"][key]["description"] = _plain(about)


def _plain_keys(keys):
    """A property without `null`, which TOML cannot write; a reference has no other keys next to it, which
    draft 7 would ignore."""
    choices = [choice for choice in keys.pop("anyOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        keys |= choices[0]
    elif choices:
        keys["anyOf"] = choices
    if keys.get("default", 0) is None:
        del keys["default"]
    keys.pop("title", None)
    if "$ref" in keys:
        keys["allOf"] = [{"$ref": keys.pop("$ref")}]
    return keys


def described(model):
    """Description of each key, from the sections ``Attributes`` of the docstrings of the model and its bases.

    Returns
    -------
    dict of str to str
        Plain text, without marks of reStructuredText.
    """
    found = {}
    for one in reversed(model.__mro__):
        found |= _attributes(one.__doc__ or "")  # there are no docstrings under -OO
    return {key: _plain(text) for key, text in found.items() if key in model.model_fields}


def _attributes(docstring):
    """Names and texts of the sections of a docstring whose headings begin with ``Attributes``."""
    lines = iter(inspect.cleandoc(docstring).splitlines())
    for line in lines:
        if line.startswith("Attributes"):
            break
    next(lines, None)
    found, names = {}, []
    for line in lines:
        if line.startswith(" "):
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
        elif line:
            names = [name.strip() for name in line.split(" : ")[0].split(",")]
            found |= dict.fromkeys(names, "")
    return found


def _plain(text):
    text = re.sub(r":\w+:`([^`]*)`", r"\1", text)
    return re.sub(r"`+([^`]*)`+", r"\1", text)


def property_of(whole, keys):
    """A property of the schema `whole` with its reference resolved: a dict."""
    found = dict(keys)
    for entry in found.pop("allOf", []):
        found = whole["definitions"][entry["$ref"].rpartition("/")[2]] | found
    return found
