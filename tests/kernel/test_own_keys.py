"""Keys that one rule or one architecture brings, as a plug-in would: no other kernel knows them."""

import json
import pickle
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest
from pydantic import Field

from tnhw.cli.schema import schema
from tnhw.cli.template import kernel_template
from tnhw.errors import InputError
from tnhw.gates.kernels import Tile
from tnhw.kernel import ARCHITECTURES, Kernel
from tnhw.support.config import Record
from tnhw.synapse import RULES
from tnhw.synapse.rules.mac import Mac

BASE = {"name": "k", "inputs": 2, "input": "u4", "parameter": "s4"}


@pytest.fixture(autouse=True)
def added(monkeypatch):
    """A rule with a key `factor`, and an architecture with a key `corners`."""
    before = dict(RULES)

    @dataclass(frozen=True)
    class Scaled(Mac):
        name = "scaled"
        forms = (*Mac.forms, "twice")

        class Keys(Record):
            """What a scaled product has besides.

            Attributes
            ----------
            factor : int
                By how much each term is multiplied.
            """

            factor: Annotated[int, Field(ge=1, le=8)] = 1

        factor: int = 1

        def term(self, x, arrays):
            return super().term(x, arrays) * self.factor

        def interval(self, arrays=None):
            return tuple(end * self.factor for end in super().interval(arrays))

    class Rounded(Tile):
        class Keys(Record):
            corners: bool = False

    monkeypatch.setitem(ARCHITECTURES, "rounded", Rounded)
    yield
    RULES.clear()
    RULES.update(before)


def scaled(**keys):
    return Kernel(**BASE | {"rule": "scaled"} | keys)


def test_rule_gets_its_key():
    plain, doubled = scaled(), scaled(factor=2)
    p = {"weight": [[3, -4]]}
    assert plain.golden([[1, 2]], p).tolist() == [[-5]]
    assert doubled.golden([[1, 2]], p).tolist() == [[-10]]
    assert doubled.sum_format.bits == plain.sum_format.bits + 1
    assert doubled.rule_keys.factor == 2 and doubled.architecture_keys is None


def test_architecture_finds_its_key():
    made = Kernel(**BASE, rule="mac", architecture="rounded", corners=True)
    assert made.architecture_keys.corners and made.create().kernel is made
    assert made.rule_keys is None


def test_only_what_is_changed_is_told():
    """A new key at its default leaves manifests and identities as they are."""
    plain, given, doubled = scaled(), scaled(factor=1), scaled(factor=2)
    assert plain == given and list(plain.identity()) == list(given.identity())
    assert "factor" not in plain.facts()["kernel"]
    assert doubled.facts()["kernel"]["factor"] == 2 and "factor=2" in list(doubled.identity())
    assert plain != doubled and json.dumps(doubled.facts())


def test_copies_keep_it():
    made = scaled(factor=3)
    for copy in (pickle.loads(pickle.dumps(made)), made.with_keys(inputs=2), made.model_copy()):
        assert copy == made and copy.rule_keys.factor == 3
    assert made.with_keys(factor=1) == scaled()
    assert made.without_parameters().rule_keys.factor == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rule = "scaled"\nfactor = 9', "`factor` must be less than or equal to 8, not 9"),
        ('rule = "scaled"\nfactr = 2', "unknown key `factr`: did you mean `factor`"),
        ('rule = "mac"\nfactor = 2', "`factor` is a key of rule `scaled`: leave it out"),
        (
            'rule = "mac"\ncorners = true',
            "`corners` is a key of architecture `rounded`: leave it out",
        ),
        (
            'rule = ["mac"]\ncorners = true',
            "`corners` is a key of architecture `rounded`: leave it out",
        ),
        (
            'rule = "scaled"\nform = "thrice"',
            "`form` must be 'auto', 'twice'|`form` must be 'auto', 'product'",
        ),
    ],
)
def test_refused(text, said, tmp_path):
    path = tmp_path / "k.toml"
    path.write_text(f'name = "k"\ninputs = 2\ninput = "u4"\nparameter = "s4"\n{text}\n')
    with pytest.raises(InputError, match=f"k.toml: {said}"):
        Kernel.from_toml(path)


def test_file_with_own_keys(tmp_path):
    path = tmp_path / "k.toml"
    path.write_text(
        'name = "k"\nrule = "scaled"\narchitecture = "rounded"\ninputs = 2\ninput = "u4"\n'
        'parameter = "s4"\nform = "twice"\nfactor = 2\ncorners = true\n'
    )
    made = Kernel.from_toml(path)
    assert made.rule_keys.factor == 2 and made.architecture_keys.corners
    assert made.synapse.form == "twice"
    assert made == scaled(architecture="rounded", form="twice", factor=2, corners=True)


def test_declared_twice(monkeypatch):
    class Keys(Record):
        beat: int = 1

    monkeypatch.setattr(RULES["scaled"], "Keys", Keys)
    with pytest.raises(
        InputError, match="rule `scaled` declares the key `beat`, which every kernel has"
    ):
        scaled()


def test_schema_and_template():
    properties = schema("kernel")["properties"]
    assert properties["factor"]["maximum"] == 8
    assert (
        properties["factor"]["description"]
        == "Of rule scaled: By how much each term is multiplied."
    )
    assert properties["corners"]["description"] == "Of architecture rounded:"
    assert "twice" in properties["form"]["enum"] and "rounded" in properties["architecture"]["enum"]
    assert "# factor = 1" in kernel_template("k", "scaled")


def test_sums_of_numpy_agree():
    made, rng = scaled(factor=5, outputs=3), np.random.default_rng(0)
    p, x = made.random_parameters(rng), made.random_input(rng, 20)
    assert (made.golden(x, p) == 5 * (x @ p["weight"].T)).all()
