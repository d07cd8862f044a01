"""The modules of a model in the order in which they run."""

from torch import nn

from ..errors import InputError
from .layers import Layer

__all__ = ["layers_of", "modules_of"]


def modules_of(model):
    """(name, module) of each module of a `torch.nn.Sequential`, those of nested ones in their places.

    Raises
    ------
    InputError
        If the model, or a module that is no layer of `tnhw.train`, holds modules and is not a `Sequential`: what it
        does with them is not known.
    """
    return list(_within(model, ""))


def layers_of(model):
    """The layers of a `torch.nn.Sequential`, nested ones too, all of which `fit` trains.

    Raises
    ------
    InputError
        As for `modules_of`, if a module has parameters that are not a layer's, or if there is no layer.
    """
    layers = []
    for name, module in modules_of(model):
        if isinstance(module, Layer):
            layers.append(module)
        elif next(module.parameters(), None) is not None:
            raise InputError(
                f"module `{name}` ({type(module).__name__}) has parameters that would not be trained: only layers of tnhw.train "
                "are; replace it, or use `tnhw.train.convert`"
            )
    if not layers:
        raise InputError("the model has no layers")
    return layers


def _within(module, name):
    if isinstance(module, nn.Sequential):
        for own, inner in module.named_children():
            yield from _within(inner, f"{name}.{own}" if name else own)
    elif isinstance(module, Layer) or next(module.children(), None) is None:
        yield name or "model", module
    else:
        called = f"module `{name}`" if name else "the model"
        raise InputError(
            f"{called} ({type(module).__name__}) has modules inside and is no torch.nn.Sequential, so their order is not known: "
            "write it as a Sequential of layers of tnhw.train"
        )
