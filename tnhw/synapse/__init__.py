"""The synapse: number formats, the interface of a rule, and the rules. All that the author of a rule needs."""

from .format import Format
from .rule import (
    RULES,
    Addend,
    Rule,
    at_least,
    gate,
    inversion,
    negate_if,
    normal_shares,
    ripples,
    scaled,
    signs,
)

from . import rules  # noqa: F401, I001  isort: skip  (registers them; last, as a rule may import what is above)

__all__ = [
    "Addend",
    "Format",
    "RULES",
    "Rule",
    "at_least",
    "gate",
    "inversion",
    "negate_if",
    "normal_shares",
    "ripples",
    "scaled",
    "signs",
]
