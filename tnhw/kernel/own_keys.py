"""Keys of a kernel's TOML file that only its rule or its architecture has.

A rule or an architecture declares them as a record of its own, the class `Keys` inside it::

    class Mine(Rule):
        class Keys(Record):
            steps: Annotated[int, Field(ge=1, le=8)] = 4

        steps: int = 4

In the file they are written among the other keys (``steps = 2``). A rule gets those that are given as fields of the same
names; an architecture finds its own in ``kernel.architecture_keys``. A kernel of another rule or architecture refuses
them. At their defaults they are neither in the manifest nor in the identity that a board checks, so that a new key
changes no existing kernel.
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
    """All rules and architectures that have keys of their own: ("rule", name) to their records."""
    owners = [("rule", name, rule.Keys) for name, rule in RULES.items()]
    owners += [("architecture", name, one.Keys) for name, one in ARCHITECTURES.items()]
    return {(kind, name): keys for kind, name, keys in owners if keys is not None}


def read(keys: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Record]]:
    """Take the own keys of a kernel's rule and architecture out of its keys.

    Parameters
    ----------
    keys : dict
        All keys that were given.
    where : str
        What an error message begins with.

    Returns
    -------
    dict
        The other keys.
    dict of str to Record
        ``rule`` and ``architecture`` to their own keys, where they have any.

    Raises
    ------
    InputError
        If one of them has a wrong value.
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
    """Refuse a key that no kernel has, or none of this rule and architecture.

    Raises
    ------
    InputError
        Names the nearest key, or whose it is.
    """
    known = {*Keys.model_fields, *(key for _, model in _owners(keys) for key in model.model_fields)}
    for key in sorted(set(keys) - known):
        for (kind, name), model in declared().items():
            if key in model.model_fields:
                raise InputError(f"{where}: `{key}` is a key of {kind} `{name}`: leave it out")
        raise InputError(f"{where}: unknown key `{key}`: {nearest(key, known)}")


def _owners(keys):
    """Of `declared` the entries of a kernel's rule and of its architecture."""
    usual = Keys.model_fields["architecture"].default
    named = [("rule", keys.get("rule")), ("architecture", keys.get("architecture", usual))]
    return [(owner, model) for owner, model in declared().items() if owner in named]


def given(own: dict[str, Record]) -> dict[str, Any]:
    """Own keys that were given, with their values."""
    return {key: getattr(record, key) for record in own.values() for key in record.model_fields_set}


def changed(own: dict[str, Record]) -> dict[str, Any]:
    """Own keys that are not at their defaults, with their values."""
    return {
        key: getattr(record, key)
        for record in own.values()
        for key, field in type(record).model_fields.items()
        if getattr(record, key) != field.default
    }
