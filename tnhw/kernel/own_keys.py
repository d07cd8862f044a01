"""Keys of a kernel's TOML file that belong to one rule or one architecture.

A rule or an architecture declares them in a class `Keys` inside its own class::

    class Mine(Rule):
        class Keys(Record):
            steps: Annotated[int, Field(ge=1, le=8)] = 4

        steps: int = 4

In the file they are written among the other keys (``steps = 2``). A rule gets the keys that are given as fields of
the same names; an architecture finds its keys in ``kernel.architecture_keys``. In a kernel of another rule or
architecture they are an error. Keys at their defaults are neither in the manifest nor in the identity that a board
checks, so a new key changes no existing kernel.
"""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..gates.kernels import ARCHITECTURES
from ..support.config import Record, nearest, validate
from ..synapse import RULES
from .keys import Keys

__all__ = ["changed", "declared", "given", "read", "refuse_unknown"]


def declared() -> dict[tuple[str, str], type[Record]]:
    """Records of all rules and architectures that have such keys, by ("rule", name) or ("architecture", name)."""
    owners = [("rule", name, rule.Keys) for name, rule in RULES.items()]
    owners += [("architecture", name, one.Keys) for name, one in ARCHITECTURES.items()]
    return {(kind, name): keys for kind, name, keys in owners if keys is not None}


def read(keys: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Record]]:
    """Split the keys of a kernel into those of every kernel, and those of its rule and its architecture.

    Parameters
    ----------
    keys : dict
        All keys that were given.
    where : str
        Beginning of error messages.

    Returns
    -------
    dict
        The keys of every kernel.
    dict of str to Record
        Under ``rule`` and ``architecture`` the keys that belong to these, if they have any.

    Raises
    ------
    InputError
        If one of the latter has a wrong value.
    """
    rest: dict[str, Any] = dict(keys)
    own: dict[str, Record] = {}
    for (kind, name), model in _owners(keys):
        values = {key: rest.pop(key) for key in model.model_fields if key in rest}
        if taken := sorted(set(model.model_fields) & set(Keys.model_fields)):
            raise InputError(
                f"{kind} `{name}` declares the key `{taken[0]}`, which every kernel has: rename it"
            )
        own[kind] = validate(model, values, where)
    return rest, own


def refuse_unknown(keys: dict[str, Any], where: str) -> None:
    """Check that a kernel with this rule and architecture has all these keys.

    Raises
    ------
    InputError
        If there is an unknown key; the message suggests one, or says to what the key belongs.
    """
    known = {*Keys.model_fields, *(key for _, model in _owners(keys) for key in model.model_fields)}
    for key in sorted(set(keys) - known):
        for (kind, name), model in declared().items():
            if key in model.model_fields:
                raise InputError(f"{where}: `{key}` is a key of {kind} `{name}`: leave it out")
        raise InputError(f"{where}: unknown key `{key}`: {nearest(key, known)}")


def _owners(keys):
    """The entries of `declared` for the rule and the architecture of a kernel."""
    usual = Keys.model_fields["architecture"].default
    named = [("rule", keys.get("rule")), ("architecture", keys.get("architecture", usual))]
    return [(owner, model) for owner, model in declared().items() if owner in named]


def given(own: dict[str, Record]) -> dict[str, Any]:
    """Those keys of rule and architecture that were given, with their values."""
    return {key: getattr(record, key) for record in own.values() for key in record.model_fields_set}


def changed(own: dict[str, Record]) -> dict[str, Any]:
    """Those keys of rule and architecture that are not at their defaults, with their values."""
    return {
        key: getattr(record, key)
        for record in own.values()
        for key, field in type(record).model_fields.items()
        if getattr(record, key) != field.default
    }
