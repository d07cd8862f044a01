"""TOML files to begin with."""

import re
import tomllib

import pytest

from tnhw.boards import Board, load_board
from tnhw.cli.template import board_template, kernel_template, schema_files
from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.synapse import RULES


def keys_of(text):
    """Keys that stand in a text, as values or behind a comment sign."""
    return re.findall(r"^(?:# )?(\w+) = ", text, re.M)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_kernel_loads(rule, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(kernel_template("mine", rule))
    kernel = Kernel.from_toml(file)
    assert (kernel.name, kernel.rule) == ("mine", rule)


def test_kernel_mentions_every_key():
    text = kernel_template("mine")
    assert sorted(keys_of(text)) == sorted(Kernel.model_fields)
    assert text.startswith("#:schema ./tnhw-kernel.schema.json\n")
    assert all(f"./{name}" in text or "board" in name for name in schema_files())


def test_kernel_without_comment_signs():
    """Every line that is commented out is TOML, with the default where there is one."""
    values = tomllib.loads(re.sub(r"^# (?=\w+ = )", "", kernel_template("mine"), flags=re.M))
    for key, field in Kernel.model_fields.items():
        if key in ("outputs", "storage", "architecture") or field.is_required():
            continue
        if field.default is not None:
            assert values[key] == field.default, key
    only_defaults = {"parameters": None, "beat": None}
    Kernel(**{**values, **only_defaults})


def test_kernel_says_what_is_allowed():
    text = kernel_template("mine").replace("\n# ", " ")
    for name in RULES:
        assert f'"{name}"' in text
    assert "(1 to 65536)" in text
    assert '"latch"' in text


def test_board_loads(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(board_template("mine", "icebreaker"))
    board, like = load_board(file), load_board("icebreaker")
    same = set(Board.model_fields) - {"name", "title"}
    assert board.name == "mine"
    assert all(getattr(board, key) == getattr(like, key) for key in same)


def test_board_mentions_every_key():
    text = board_template("mine")
    headed = re.findall(r"^(?:# )?\[(\w+)\]", text, re.M)
    assert set(Board.model_fields) <= set(keys_of(text)) | set(headed)
    assert {"rx", "tx", "baud", "attributes"} <= set(keys_of(text[text.index("[uart]") :]))


def test_tables_within_tables(tmp_path):
    """Attributes of pins that the like board has are kept."""
    like = tmp_path / "like.toml"
    head, rest = board_template("mine").split("[uart]\n")
    rest = rest.replace('resource = "uart"', 'rx = "4"\ntx = "2"', 1)
    rest = rest.replace("# attributes = {  }", 'attributes = { IO_STANDARD = "SB_LVCMOS" }', 1)
    like.write_text(f"{head}[uart]\n{rest}")
    file = tmp_path / "own.toml"
    file.write_text(board_template("own", str(like)))
    assert load_board(file).uart == load_board(like).uart
    assert load_board(file).uart.attributes == {"IO_STANDARD": "SB_LVCMOS"}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: kernel_template("no good"), "no good"),
        (lambda: kernel_template("mine", "treshold"), "did you mean `threshold`"),
        (lambda: board_template("mine", "icebraker"), "icebreaker"),
    ],
)
def test_wrong(make, text):
    with pytest.raises(InputError, match=text):
        make()
