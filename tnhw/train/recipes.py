"""Recipes: which network, and how it is fitted.

`TUNED` has the results of `tnhw train DATASET --tune`: for every rule the best setting of the same grid, by
validation data alone.
"""

import math
import re
from dataclasses import asdict, dataclass, fields, replace

import torch

from ..data import datasets
from ..errors import InputError
from ..support.config import nearest
from . import neurons as N
from .augmenting import shifts_and_flips
from .settings import Settings

__all__ = ["KINDS", "RECIPES", "TUNED", "Recipe", "build", "recipe_for"]

KINDS = {
    "threshold": {"rule": "threshold"},
    "threshold4": {"rule": "threshold", "min_level": 2},
    "gain": {"rule": "threshold", "gain": True},
    "gain-complement": {"rule": "threshold", "gain": True, "complement": True},
    "ternary": {"rule": "ternary"},
    "shift": {"rule": "shift"},
    "mac": {"rule": "mac"},
    "mac8": {"rule": "mac", "weight_bits": 8},
    "addernet": {"rule": "addernet"},
}  # fmt: skip
LAYERS = {
    "threshold": (N.ThresholdLinear, N.ThresholdConv2d),
    "ternary": (N.TernaryLinear, N.TernaryConv2d),
    "shift": (N.ShiftLinear, N.ShiftConv2d),
    "mac": (N.MacLinear, N.MacConv2d),
    "addernet": (N.AdderLinear, N.AdderConv2d),
}
LATER = ("schedule", "warm_up", "average", "decay", "patience", "shifts", "flips")
OPTIONS = {"threshold": ("levels", "min_level", "gain"), "mac": ("weight_bits",)}


@dataclass(frozen=True)
class Recipe:
    """A network and how it is fitted.

    Attributes
    ----------
    dataset, rule : str
        Name of the data set, or of the file of the user's own; rule of the synapses.
    hidden : tuple of str
        All layers but the last: ``32`` is dense with 32 outputs, ``8c3s2p1`` a convolution with 8 channels, a window
        of 3 x 3, stride 2 and padding 1.
    bits : int
        Bits of activations between layers.
    levels, min_level, gain : int, int, bool
        For the rule ``threshold``; see `tnhw.train.synapses`.
    weight_bits : int
        Bits of MAC weights.
    complement : bool
        Whether the first layer also takes the complement of its inputs.
    inject : int
        How many layers at the front are MAC layers (*Multiplication Injection*).
    epochs, rate, batch, freeze, prune, noise, schedule, warm_up, average, decay, patience :
        See `tnhw.train.Settings`.
    target, logit : float
        Standard deviation of the scaled sums of hidden layers (and of a last layer that gives a
        vector), and of the logits at the start.
    spread : float
        Real parameters start uniform in +-spread.
    shifts, flips : int, bool
        Whether images are shifted by up to so many pixels, and mirrored, in training; see `tnhw.train.shifts_and_flips`.
    """

    dataset: str
    rule: str = "threshold"
    hidden: tuple[str, ...] = ("32",)
    bits: int = 4
    levels: int = 8
    min_level: int = 1
    gain: bool = False
    weight_bits: int = 4
    complement: bool = False
    inject: int = 0
    epochs: int = 60
    rate: float = Settings.rate
    batch: int = Settings.batch
    freeze: float = Settings.freeze
    prune: float = Settings.prune
    noise: int = Settings.noise
    target: float = 0.3
    logit: float = 2.0
    spread: float = 1.0
    schedule: str = Settings.schedule
    warm_up: float = Settings.warm_up
    average: float = Settings.average
    decay: float = Settings.decay
    patience: int | None = Settings.patience
    shifts: int = 0
    flips: bool = False

    def to_dict(self):
        """All attributes, for JSON; those of `LATER` only where they are not at their default, so that they change no older
        recipe."""
        plain = {one.name: one.default for one in fields(self)}
        found = asdict(self) | {"hidden": list(self.hidden)}
        return {
            key: value for key, value in found.items() if key not in LATER or value != plain[key]
        }

    @property
    def augment(self):
        """What changes images in training, or None."""
        return shifts_and_flips(self.shifts, self.flips) if self.shifts or self.flips else None

    def settings(self, seed, loss):
        """The settings of a fit with this recipe."""
        own = {one.name for one in fields(self)}
        shared = [one.name for one in fields(Settings) if one.name in own]
        return Settings(seed=seed, loss=loss, **{name: getattr(self, name) for name in shared})

    @classmethod
    def from_dict(cls, settings):
        """The recipe of what `to_dict` gave."""
        return cls(**settings | {"hidden": tuple(settings["hidden"])})


RECIPES = {
    "digits": {"hidden": ("32",), "epochs": 200, "noise": 2},
    "optdigits": {"hidden": ("32",), "epochs": 100, "noise": 2},
    "pendigits": {"hidden": ("64", "32", "32"), "epochs": 60},
    "letter": {"hidden": ("64", "64"), "epochs": 80},
    "mnist": {"hidden": ("8c3s2p1", "16c3s2p1"), "epochs": 8},
    "cifar10": {
        "hidden": ("32c3p1", "32c3s2p1", "64c3p1", "64c3s2p1"), "epochs": 40, "shifts": 4, "flips": True,
    },
    "denoise": {"hidden": ("64",), "epochs": 60},
}  # fmt: skip
TUNED = {
    ("optdigits", "gain"): {"rate": 0.03, "spread": 0.6},
    ("optdigits", "mac"): {"rate": 0.03, "spread": 0.6},
    ("optdigits", "threshold"): {"rate": 0.01, "spread": 1.0},
    ("optdigits", "ternary"): {"rate": 0.01, "spread": 1.0},
    ("optdigits", "shift"): {"rate": 0.01, "spread": 0.6},
    ("optdigits", "threshold4"): {"rate": 0.03, "spread": 0.6},
    ("optdigits", "gain-complement"): {"rate": 0.03, "spread": 1.0},
    ("pendigits", "mac"): {"rate": 0.03, "spread": 0.6},
    ("pendigits", "gain-complement"): {"rate": 0.03, "spread": 1.0},
    ("pendigits", "threshold"): {"rate": 0.03, "spread": 1.0},
    ("pendigits", "ternary"): {"rate": 0.03, "spread": 1.0},
    ("pendigits", "shift"): {"rate": 0.01, "spread": 0.6},
    ("pendigits", "gain"): {"rate": 0.03, "spread": 1.0},
    ("pendigits", "threshold4"): {"rate": 0.03, "spread": 1.0},
    ("digits", "threshold4"): {"rate": 0.1, "spread": 0.6},
    ("digits", "mac"): {"rate": 0.01, "spread": 0.6},
    ("digits", "gain"): {"rate": 0.03, "spread": 1.0},
    ("digits", "ternary"): {"rate": 0.03, "spread": 1.0},
    ("digits", "shift"): {"rate": 0.1, "spread": 1.0},
    ("denoise", "gain"): {"rate": 0.03, "spread": 1.0},
    ("denoise", "gain-complement"): {"rate": 0.03, "spread": 1.0},
    ("denoise", "mac"): {"rate": 0.1, "spread": 1.0},
    ("denoise", "threshold"): {"rate": 0.1, "spread": 1.0},
    ("denoise", "ternary"): {"rate": 0.1, "spread": 0.6},
    ("denoise", "shift"): {"rate": 0.1, "spread": 1.0},
}


def recipe_for(dataset, kind="threshold", **changes):
    """Default recipe of a data set and a kind of neuron (one of `KINDS`), with changed attributes.

    `dataset` is a name, or the record of a data set that has none, as of a file of the user's own. A data set without a recipe
    in `RECIPES` has that of `Recipe`.

    Raises
    ------
    InputError
        If the data set or the kind is not known, or `inject` exceeds the number of layers.
    """
    name = dataset if isinstance(dataset, str) else dataset.name
    if isinstance(dataset, str):
        datasets.find(dataset)
    if kind not in KINDS:
        raise InputError(f"there is no rule {kind!r}; {nearest(kind, KINDS)}")
    settings = RECIPES.get(name, {}) | KINDS[kind] | TUNED.get((name, kind), {})
    recipe = replace(Recipe(name, **settings), **changes)
    layers = len(recipe.hidden) + 1
    if not 0 <= recipe.inject <= layers:
        raise InputError(
            f"`inject` must be 0 to {layers}, the network's layers, not {recipe.inject}"
        )
    return recipe


def build(recipe, seed=0, dataset=None):
    """Untrained torch.nn.Sequential of a recipe; the same seed gives the same initial parameters.

    `dataset` is the record of the recipe's data set. Default: the one of that name.

    Raises
    ------
    InputError
        If a layer in `Recipe.hidden` is not valid, or does not fit its input.
    """
    dataset = dataset or datasets.find(recipe.dataset)
    torch.manual_seed(seed)
    vector = dataset.task == "vector"
    size = tuple(dataset.shape)
    model, bits = [], dataset.bits
    tokens = [*recipe.hidden, str(dataset.outputs)]
    for number, token in enumerate(tokens):
        last = number == len(tokens) - 1
        rule = "mac" if number < recipe.inject else recipe.rule
        options = {name: getattr(recipe, name) for name in OPTIONS.get(rule, ())}
        options |= {
            "spread": recipe.spread, "input_bits": bits, "output_bits": recipe.bits,
            "complement": recipe.complement and not number, "target": recipe.target,
        }  # fmt: skip
        if last and vector:
            options["output_bits"] = dataset.bits
        elif last:
            options |= {"output_bits": None, "target": recipe.logit}
        layer, size = _layer(LAYERS[rule], token, size, options)
        model.append(layer)
        bits = recipe.bits
    return torch.nn.Sequential(*model)


def _layer(classes, token, size, options):
    """The layer that a token of `Recipe.hidden` describes, for inputs of shape `size`, and the shape of its result."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})(?:c([1-9])(?:s([1-9]))?(?:p([0-9]))?)?", token)
    if not match:
        raise InputError(
            f"a layer is written `32` (dense) or `8c3s2p1` (8 channels, window 3 x 3, stride 2, "
            f"padding 1), not {token!r}"
        )
    outputs, kernel, stride, padding = (int(part) if part else None for part in match.groups())
    if not kernel:
        return classes[0](math.prod(size), outputs, **options), (outputs,)
    if len(size) != 3:
        raise InputError(f"`{token}`: a convolution needs an image, not {size[0]} features")
    stride, padding = stride or 1, padding or 0
    spots = [(extent + 2 * padding - kernel) // stride + 1 for extent in size[:2]]
    if min(spots) < 1:
        raise InputError(f"`{token}`: the window is larger than an image of {size[0]} x {size[1]}")
    layer = classes[1](size[2], outputs, kernel, stride=stride, padding=padding, **options)
    return layer, (*spots, outputs)
