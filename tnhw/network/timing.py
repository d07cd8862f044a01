"""When the engines of a design work: latency and interval as sums of loop bounds and pipeline depths.

Each layer has two banks of activations at its input: one is written while the other is read. Images side by side move
through the layers as one, in the time that one image takes; only the stream into the first layer has them one after the
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from ..gates.engine.deal import Deal
from ..gates.engine.drain import Drain
from .stage import Stage

__all__ = ["Delay", "bank_cycles", "delays", "latency", "pipeline_interval", "received", "shared_interval", "slowest", "span", "warm_up"]  # fmt: skip

WARM_UP = 8
TIGHT_WARM_UP = 16


class Delay(NamedTuple):
    """Cycles of one layer, if nothing stalls."""

    enter: int  # from the last beat that it receives to the first word that it reads
    run: int  # from there to its last beat of results


def delays(engines: Sequence[Sequence[Stage]], depths: Sequence[int]) -> list[Delay]:
    """The delays of each layer, in the order of the network: list of Delay.

    Parameters
    ----------
    engines : sequence of sequence of Stage
        The stages of each engine; together they are in the order of the network.
    depths : sequence of int
        Pipeline depth of each engine in cycles.
    """
    stages = [stage for own in engines for stage in own]
    depth_of = [
        depth + Drain.latency_of(own)
        for own, depth in zip(engines, depths, strict=True)
        for _ in own
    ]
    beats = [stages[0].fold.simd, *(stage.fold.drain for stage in stages[:-1])]
    found = []
    for stage, depth, beat in zip(stages, depth_of, beats, strict=True):
        from_bank = any(stage is own[0] for own in engines)
        enter = 1 + from_bank + (beat != stage.fold.simd)
        rest = stage.beats[1]
        to_last_group = stage.cycles - max(stage.steps, rest) + stage.steps - 1
        found.append(Delay(enter, to_last_group + depth - 1 + rest))
    return found


def latency(each: Sequence[Delay], images: int) -> int:
    """Cycles from the acceptance of a vector's last beat to its result, if nothing stalls and no other vector is inside."""
    return sum(delay.enter + delay.run for delay in each) + 1 + Deal.latency * (images > 1)


def shared_interval(stages: Sequence[Stage], each: Sequence[Delay]) -> int:
    """Cycles from vector to vector, or from group to group, if one engine computes all layers in turn."""
    first, last = stages[0], stages[-1]
    turn = sum(delay.run for delay in each[:-1]) + sum(delay.enter for delay in each[1:])
    turn += last.cycles
    # The next image is already read while the last group leaves; if that takes longer, it waits.
    turn -= max(0, last.beats[1] - last.steps)
    turn += max(0, last.beats[1] - first.steps)
    return max(received(first), turn)


def pipeline_interval(stages: Sequence[Stage]) -> int:
    """Cycles from vector to vector, or from group to group, if each layer has an engine of its own."""
    return max(slowest(stages), *_bank_cycles(stages))


def slowest(stages: Sequence[Stage]) -> int:
    """Cycles in the slowest layer, or in the stream into the first layer if that is slower."""
    return max(received(stages[0]), *(stage.cycles for stage in stages))


def received(first: Stage) -> int:
    """Cycles in which the first layer receives an image, or all images of a group."""
    return first.in_words * first.fold.images


def warm_up(stages: Sequence[Stage]) -> int:
    """Number of vectors after which results of engines in a row are `interval` apart.

    Where a group of results takes more beats to leave than steps to compute, the first images are faster, as
    no results are in their way yet. Where two layers or more need both of their banks all the time, some of the first images
    wait a cycle, until all banks change in time.
    """
    slow = any(stage.drains_slowly for stage in stages)
    interval = pipeline_interval(stages)
    tight = sum(cycles == interval for cycles in _bank_cycles(stages)) > 1
    return max(WARM_UP * slow, TIGHT_WARM_UP * tight) * stages[0].fold.images


def span(stage: Stage) -> int:
    """Cycles from a layer's first result of an image to its last one, about."""
    rest = stage.beats[1]
    return stage.cycles - max(stage.steps, rest) + rest


def bank_cycles(arrives_in: int, beat: int, stage: Stage) -> int:
    """The fewest cycles from image to image for which the two banks of a layer are enough.

    A bank is in use from the first beat of an image until its last word has been read, and the two take turns.

    Parameters
    ----------
    arrives_in : int
        Cycles in which an image arrives: `received`, or the `span` of the layer before.
    beat : int
        Channels in a beat.
    stage : Stage
    """
    into_word = int(beat != stage.fold.simd)
    return ceil((arrives_in + into_word + stage.cycles + 2) / 2)


def _bank_cycles(stages: Sequence[Stage]) -> list[int]:
    """`bank_cycles` of each layer."""
    first = stages[0]
    found = [bank_cycles(received(first), first.fold.simd, first)]
    for before, stage in pairwise(stages):
        found.append(bank_cycles(span(before), before.fold.drain, stage))
    return found
