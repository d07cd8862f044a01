"""Optimisers: Adam, or one of the user's own, on the real parameters of a model in groups."""

import torch

from ..errors import InputError

__all__ = ["groups", "make"]


def groups(layers, settings):
    """Groups of parameters: dicts of ``params``, ``share`` (of the learning rate), ``lr`` and ``weight_decay``.

    Weight decay is for the parameters `p` of synapses alone. `fit` sets ``lr`` to ``share`` times the rate before each step.
    """
    found = {(1.0, 0.0): []}
    for layer in layers:
        found[1.0, 0.0] += [layer.bias, layer.temper]
        for name, p in layer.p.items():
            share = layer.synapse.slow.get(name, 1.0)
            found.setdefault((share, settings.decay if name == "p" else 0.0), []).append(p)
    return [
        {"params": p, "share": share, "lr": settings.rate * share, "weight_decay": decay}
        for (share, decay), p in found.items()
    ]


def make(own, layers, settings):
    """The optimiser of a fit: what `own` gives for the groups of parameters, or Adam if it is None.

    Raises
    ------
    InputError
        If `own` gives no optimiser of torch, or one of other groups.
    """
    given = groups(layers, settings)
    if own is None:
        return torch.optim.AdamW(given) if settings.decay else torch.optim.Adam(given)
    optimiser = own(given)
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise InputError(
            f"`optimiser` must be a function of parameter groups that gives a torch.optim.Optimizer, not {optimiser!r}"
        )
    if not all("share" in group for group in optimiser.param_groups):
        raise InputError("`optimiser` must give its optimiser the groups as it gets them")
    return optimiser
