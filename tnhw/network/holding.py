"""How many rows of its input images each layer of a design holds: the fewest with which the design stays as fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .cost import activation_blocks
from .stage import Stage
from .timetable import Timetable
from .timing import pipeline_interval

__all__ = ["held", "in_lines", "usual"]


def in_lines(stages: Sequence[Stage], family: str) -> list[Stage] | None:
    """The same stages with the fewest lines, or None if two whole images for each layer are as small, or faster.

    Lines are taken from one layer after the other, from the one whose lines are the longest on, as long as the design keeps
    the interval that it has with whole images. For a given device family the result is always the same.

    Parameters
    ----------
    stages : sequence of Stage
        All layers of a network, which hold whole images and have engines of their own.
    family : str
        Device family whose block RAMs are counted.

    Returns
    -------
    list of Stage or None
    """
    if stages[0].fold.images > 1 or any(stage.drains_slowly for stage in stages):
        return None
    if all(stage.layer.in_shape[0] == 1 for stage in stages):
        return None
    interval = pipeline_interval(stages)
    found = [held(stage, 2 * stage.layer.in_shape[0]) for stage in stages]
    if not _keeps(found, interval):
        return None

    def bits(number):
        return stages[number].line_words * stages[number].word_bits

    for number in sorted(range(len(stages)), key=bits, reverse=True):
        found[number] = _fewest(found, number, interval)
    whole, lines = (
        sum(activation_blocks(stage, family, number == 0) for number, stage in enumerate(own))
        for own in (stages, found)
    )
    return found if lines < whole else None


def held(stage: Stage, lines: int) -> Stage:
    """The same stage with so many lines."""
    return Stage(stage.layer, replace(stage.fold, lines=lines), stage.synapse, stage.loadable)


def usual(stage: Stage) -> Stage:
    """The same stage with as many lines as are mostly enough: of those that arrive meanwhile, a step and one more."""
    layer = stage.layer
    return held(stage, min(layer.least_lines + layer.strides[0] + 1, 2 * layer.in_shape[0]))


def _fewest(stages, number, interval):
    """The stage of this number with the fewest lines with which all stages keep an interval, as they do now."""
    stage = stages[number]
    low, high = stage.layer.least_lines, stage.fold.lines
    while low < high:  # more lines are never slower
        middle = (low + high) // 2
        if _keeps([*stages[:number], held(stage, middle), *stages[number + 1 :]], interval):
            high = middle
        else:
            low = middle + 1
    return held(stage, high)


def _keeps(stages, interval):
    """Whether a design whose images begin so many cycles apart gives its results as often."""
    settled = Timetable(stages, interval).settled()
    return settled is not None and settled[1] == interval
