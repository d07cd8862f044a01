"""The synapse: number formats, the interface of rules, and the rules. The author of a rule needs nothing else."""

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
