"""Which folds go with which layers, and with the layers around them."""

from collections.abc import Sequence

from ..errors import InputError
from .stage import Stage

__all__ = ["check_folds"]


def check_folds(stages: Sequence[Stage], engines: Sequence[Sequence[Stage]], result: str) -> None:
    """Check the folds of a network that gives a `result`, ``class`` or ``vector``.

    Parameters
    ----------
    stages : sequence of Stage
        Each layer with its fold.
    engines : sequence of sequence of Stage
        The stages that each engine computes.
    result : str

    Raises
    ------
    InputError
        If a fold does not go with the others; the message names the layer.
    """
    for stage in stages:
        if stage.fold.images != stages[0].fold.images:
            raise InputError(
                f"layer `{stage.layer.name}`: {stage.fold.images} images side by side, but {stages[0].fold.images} in "
                f"`{stages[0].layer.name}`; it must be the same number in all layers"
            )
    _check_lines(stages, engines)
    for own in engines:
        for stage in own[1:]:
            if (stage.fold, stage.synapse) != (own[0].fold, own[0].synapse):
                raise InputError(
                    f"layer `{stage.layer.name}` cannot share an engine with "
                    f"`{own[0].layer.name}`: rule, formats and fold must be the same; use "
                    '`schedule = "pipeline"`'
                )
    for before, after in zip(stages, stages[1:], strict=False):
        if after.fold.simd % before.fold.drain:
            raise InputError(
                f"layer `{before.layer.name}`: its {before.fold.drain} results a cycle must "
                f"divide the {after.fold.simd} inputs a cycle of `{after.layer.name}`"
            )
        whole = before.layer.keys.outputs % before.fold.drain == 0
        if before.layer.positions > 1 and after.layer.keys.kind == "dense" and not whole:
            raise InputError(
                f"layer `{before.layer.name}`: its {before.fold.drain} results a cycle must "
                f"divide {before.layer.keys.outputs} outputs, as a dense layer follows"
            )
    last = stages[-1]
    if result == "class" and last.fold.drain > 1:
        raise InputError(f"layer `{last.layer.name}`: a class needs one result a cycle")
    if last.layer.keys.outputs % last.fold.drain:
        raise InputError(
            f"layer `{last.layer.name}`: its {last.fold.drain} results a cycle must divide "
            f"{last.layer.keys.outputs} outputs"
        )


def _check_lines(stages, engines):
    """Check the lines that layers hold: all of them, or none."""
    if not any(stage.fold.lines for stage in stages):
        return
    if len(engines) < len(stages):
        raise InputError(
            "layers that share an engine hold whole images: leave `lines` out of the folds"
        )
    if stages[0].fold.images > 1:
        raise InputError(
            "images side by side are held whole: leave `images` or `lines` out of the folds"
        )
    for stage in stages:
        height, least = stage.layer.in_shape[0], stage.layer.least_lines
        where, lines = f"layer `{stage.layer.name}`", stage.fold.lines
        if not least <= lines <= 2 * height:
            raise InputError(
                f"{where}: `lines` must be {least} to {2 * height}, not {lines}: it is given for all layers or for none"
            )
        if stage.drains_slowly:
            raise InputError(
                f"{where}: its results leave in more cycles than it computes them, so it holds whole images: "
                "give more results a cycle, or leave `lines` out of all folds"
            )
