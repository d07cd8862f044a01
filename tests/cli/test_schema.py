"""JSON Schemas: they take every file that travels with tnhw, and refuse what the models refuse."""

import pytest

from tnhw.boards import Board
from tnhw.cli.schema import KINDS, described, schema
from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.support.config import read_toml
from tnhw.support.data_files import folder

MODELS = {"kernel": Kernel, "board": Board}
FOLDERS = {"kernel": "kernels", "board": "boards"}


def check(kind, value):
    """By a validator that shares nothing with pydantic; FuseSoC brings it."""
    fastjsonschema = pytest.importorskip("fastjsonschema")
    try:
        fastjsonschema.compile(schema(kind))(value)
    except fastjsonschema.JsonSchemaException as error:
        return error.message
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_takes_every_file(kind):
    files = sorted(folder(FOLDERS[kind]).glob("*.toml"))
    assert files
    for file in files:
        assert check(kind, read_toml(file)) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rule": "treshold"}, "data.rule must be one of"),
        ({"input": "s65"}, "data.input must match pattern"),
        ({"inputs": 0}, "data.inputs must be bigger than or equal to 1"),
        ({"gain": 1}, "data.gain must be boolean"),
        ({"outptus": 1}, "must not contain {'outptus'}"),
    ],
)
def test_refuses(change, fault):
    keys = read_toml(folder("kernels") / "threshold16.toml") | change
    assert fault in check("kernel", keys)
    with pytest.raises(InputError):
        Kernel(**keys)


@pytest.mark.parametrize("key", ["name", "rule", "inputs", "input"])
def test_missing(key):
    keys = read_toml(folder("kernels") / "threshold16.toml")
    del keys[key]
    assert key in check("kernel", keys)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_described(kind):
    """By the section `Attributes` of the docstring, without marks of reStructuredText."""
    texts = described(MODELS[kind])
    assert set(texts) == set(MODELS[kind].model_fields)
    assert all(text and "`" not in text for text in texts.values())


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_tables_are_described(kind):
    """By the docstring of the table, of which the table itself has the text before ``Attributes``."""
    tables = schema(kind)["definitions"]
    assert all("Attributes" not in table.get("description", "") for table in tables.values())
    if kind == "board":
        assert tables["LedKeys"]["properties"]["high"]["description"].startswith(
            "A pin that must be"
        )


def test_no_null():
    """TOML has none."""
    assert all("null" not in str(schema(kind)) for kind in KINDS)


def test_unknown_kind():
    with pytest.raises(InputError, match="schemas of kernel and board, not of 'model'"):
        schema("model")
