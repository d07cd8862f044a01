"""The space of a search: what may differ between two networks, and the values of each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from ..data import Dataset
from ..errors import InputError
from ..support.config import nearest
from ..train.recipes import KINDS, Recipe, recipe_for

__all__ = ["DIMENSIONS", "Space", "space_for"]

#: Rules of the default space, in the order in which they are tried first. A MAC and a ternary network are always there to
#: compare with.
RULES = ("threshold", "mac", "threshold4", "gain", "shift", "ternary")
WIDTHS = (0.5, 0.75, 1.0, 1.5)  # of a hidden layer, relative to the data set's recipe
EPOCHS = (
    80  # at least, for networks without convolutions: a longer training costs nothing in hardware
)

#: What may be held or listed: fields of `Space`, with what messages call them and what they are.
DIMENSIONS = {
    "rules": ("rule", "kind of neuron"),
    "levels": ("levels", "levels of `threshold`"),
    "bits": ("bits", "bits of activations"),
    "weight_bits": ("weight_bits", "bits of a MAC weight"),
    "widths": ("width", "outputs of a hidden layer"),
    "hidden_layers": ("hidden_layers", "number of hidden layers"),
    "inject": ("inject", "MAC layers at the front"),
    "epochs": ("epochs", "passes through the data"),
    "rates": ("rate", "learning rate"),
}

#: Takes the name of a dimension, the number of its values, and whether they are in an order; returns an index.
Draw = Callable[[str, int, bool], int]


@dataclass(frozen=True)
class Space:
    """The values of each dimension.

    Attributes
    ----------
    rules : tuple of str
        Kinds of neurons, of `tnhw.train.recipes.KINDS`.
    levels, bits, weight_bits : tuple of int
        Levels of `threshold`, bits of activations between layers, bits of weights of `mac`.
    widths : tuple of tuple of int
        For each hidden layer that there may be, its numbers of outputs (of channels for a convolution).
    hidden_layers : tuple of int
        Numbers of hidden layers.
    inject : tuple of int
        Numbers of MAC layers at the front of networks of another rule.
    epochs : tuple of int
    rates : tuple of float
        Empty: the rate of the data set's recipe for the rule.
    """

    rules: tuple[str, ...]
    levels: tuple[int, ...]
    bits: tuple[int, ...]
    weight_bits: tuple[int, ...]
    widths: tuple[tuple[int, ...], ...]
    hidden_layers: tuple[int, ...]
    inject: tuple[int, ...]
    epochs: tuple[int, ...]
    rates: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """All values, for JSON."""
        return asdict(self)

    def recipe(self, dataset: Dataset, draw: Draw) -> Recipe:
        """The recipe that `draw` chooses.

        A dimension is drawn only where it has a meaning and more than one value. A number of levels that the activations
        cannot tell apart becomes the largest that they can.
        """

        def one(name: str, values: Sequence[Any], ordered: bool = True) -> Any:
            return values[draw(name, len(values), ordered) if len(values) > 1 else 0]

        kind = one("rule", self.rules, False)
        layers = one("hidden_layers", self.hidden_layers)
        widths = [one(f"width{n}", self.widths[n]) for n in range(layers)]
        changes: dict[str, Any] = {
            "bits": one("bits", self.bits),
            "epochs": one("epochs", self.epochs),
        }
        if kind == "threshold":
            most = 2 ** min(changes["bits"], dataset.bits)
            changes["levels"] = min(one("levels", self.levels), most)
        if kind == "mac":
            changes["weight_bits"] = one("weight_bits", self.weight_bits)
        else:
            changes["inject"] = min(one("inject", self.inject), layers)
        if self.rates:
            changes["rate"] = one("rate", self.rates)
        templates = _templates(dataset, layers)
        changes["hidden"] = tuple(
            f"{width}{rest}" for width, (_, rest) in zip(widths, templates, strict=True)
        )
        return recipe_for(dataset, kind, **changes)

    def first(self, dataset: Dataset, number: int) -> dict[str, int]:
        """Indices by name for trial `number`, or none of them if it is not one of the first.

        The first trials are the data set's own recipe for each rule, as near as the space has it, so that even a short
        search knows something of each rule.
        """
        if number >= len(self.rules):
            return {}
        known = recipe_for(dataset, self.rules[number])
        layers = _nearest(self.hidden_layers, len(known.hidden))
        templates = _templates(dataset, self.hidden_layers[layers])
        wanted = {
            "rule": number,
            "hidden_layers": layers,
            "bits": _nearest(self.bits, known.bits),
            "levels": len(self.levels) - 1,
            "weight_bits": _nearest(self.weight_bits, known.weight_bits),
            "inject": _nearest(self.inject, 0),
            "epochs": len(self.epochs) - 1,
        }
        if self.rates:
            wanted["rate"] = _nearest(self.rates, known.rate)
        for place, (width, _) in enumerate(templates):
            wanted[f"width{place}"] = _nearest(self.widths[place], width)
        return wanted

    def size(self, dataset: Dataset) -> int:
        """The number of different networks and trainings."""
        total = 0
        for kind, layers in product(self.rules, self.hidden_layers):
            count = math.prod(len(self.widths[n]) for n in range(layers))
            count *= len(self.epochs) * max(1, len(self.rates))
            inner: set[tuple[int, ...]] = set()
            for bits in self.bits:
                if kind == "mac":
                    inner |= {(bits, weight) for weight in self.weight_bits}
                    continue
                most = 2 ** min(bits, dataset.bits)
                levels = {min(one, most) for one in self.levels} if kind == "threshold" else {0}
                inner |= set(product((bits,), {min(one, layers) for one in self.inject}, levels))
            total += count * len(inner)
        return total


def _nearest(values: Sequence[float], wanted: float) -> int:
    """Index of the value that is nearest to another."""
    return min(range(len(values)), key=lambda n: abs(values[n] - wanted))


def _templates(dataset: Dataset, layers: int) -> list[tuple[int, str]]:
    """For each of so many hidden layers the outputs and the rest of its token in the data set's recipe."""
    tokens = recipe_for(dataset).hidden
    tokens = (tokens + tokens[-1:] * layers)[:layers]
    found = (re.fullmatch(r"(\d+)(.*)", token) for token in tokens)
    return [(int(match[1]), match[2]) for match in found if match]


def space_for(dataset: Dataset, given: Mapping[str, Sequence[Any]]) -> Space:
    """The space for a data set, with the dimensions that were given.

    Parameters
    ----------
    dataset : Dataset
    given : dict
        Values by the keys of `DIMENSIONS`; `widths` are those of every hidden layer.

    Raises
    ------
    InputError
        If a value is not valid.
    """
    recipe = recipe_for(dataset)
    images = any("c" in token for token in recipe.hidden)
    own = len(recipe.hidden)
    counts: tuple[int, ...] = (own,) if images else tuple(range(max(1, own - 1), own + 2))
    chosen: dict[str, Any] = {
        "rules": RULES,
        "levels": tuple(k for k in (8, 16) if k <= 2**dataset.bits) or (2**dataset.bits,),
        "bits": (3, 4),
        "weight_bits": (3, 4),
        "hidden_layers": counts,
        "inject": (0, 1),
        "epochs": (recipe.epochs if images else max(EPOCHS, recipe.epochs),),
        "rates": (),
    } | {key: tuple(values) for key, values in given.items()}
    _check(chosen, dataset)
    if images and chosen["hidden_layers"] != (own,):
        raise InputError(
            f"`hidden_layers`: the layers of {dataset.name} are convolutions, whose number is held at {own}; leave it out"
        )
    templates = _templates(dataset, max(chosen["hidden_layers"]))
    widths = chosen.pop("widths", None)
    chosen["widths"] = tuple(
        widths or tuple(dict.fromkeys(max(2, round(width * part)) for part in WIDTHS))
        for width, _ in templates
    )
    return Space(**chosen)


def _check(chosen: Mapping[str, Any], dataset: Dataset) -> None:
    """Raise InputError for the first value that no network could have."""
    for kind in chosen["rules"]:
        if kind not in KINDS:
            raise InputError(f"there is no rule {kind!r}; {nearest(kind, KINDS)}")
    bounds = {
        "levels": (1, 2**dataset.bits),
        "bits": (1, 8),
        "weight_bits": (2, 8),
        "widths": (1, 9999),
        "hidden_layers": (1, 8),
        "inject": (0, 9),
        "epochs": (1, 100_000),
    }
    for key, values in chosen.items():
        name, meaning = DIMENSIONS[key]
        if len(set(values)) < len(values):
            raise InputError(f"`{name}`: a value is there twice; leave one out")
        if not values and key != "rates":
            raise InputError(f"`{name}`: give at least one value")
        low, high = bounds.get(key, (0, math.inf))
        for value in () if key == "rules" else values:
            whole = key == "rates" or (isinstance(value, int) and not isinstance(value, bool))
            if not whole or not low <= value <= high or (key == "rates" and not 0 < value < 10):
                what = "above 0 and below 10" if key == "rates" else f"integers of {low} to {high}"
                raise InputError(f"`{name}` ({meaning}) must be {what}, not {value!r}")
    for levels in chosen["levels"]:
        if levels & (levels - 1):
            raise InputError(f"`levels` must be powers of two, not {levels}")
