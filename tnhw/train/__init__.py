"""Training of networks: quantisation-aware layers for PyTorch, the recipe, and export to integers.

Only this package imports torch, and only when something of it is used::

    from torch import nn
    from tnhw.train import ThresholdLinear, export, fit

    model = nn.Sequential(ThresholdLinear(64, 32), ThresholdLinear(32, 10, output_bits=None))
    fit(model, x, y, epochs=60)
    export(model, "digits").save("digits.npz")
"""

import importlib

from ..errors import ToolMissing

_HOME = {
    "neurons": (
        "AdderConv2d", "AdderLinear", "MacConv2d", "MacLinear", "ShiftConv2d", "ShiftLinear",
        "TernaryConv2d", "TernaryLinear", "ThresholdConv2d", "ThresholdLinear",
    ),
    "converting": ("Conversion", "convert"),
    "exporting": ("export",),
    "augmenting": ("shifts_and_flips",),
    "batches": ("as_input",),
    "checkpoints": ("Checkpoint",),
    "evaluating": ("evaluate",),
    "fitting": ("fit",),
    "recipes": ("Recipe", "build", "recipe_for"),
    "settings": ("Settings",),
    "training": ("table", "train", "tune"),
}  # fmt: skip

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name):
    for module, names in _HOME.items():
        if name in names:
            return getattr(part(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def part(name):
    """Import a module of this package by its name.

    Raises
    ------
    ToolMissing
        If torch is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(f".{name}", __name__)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ToolMissing(
            "training needs PyTorch, which is not installed; `pip install 'tnhw[train]'`"
        ) from None
