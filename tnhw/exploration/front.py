"""The front: the trials to which no other is better in one objective and as good in the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .costing import Estimate

__all__ = ["Point", "cheapest", "ends", "front"]


@dataclass(frozen=True)
class Point:
    """A trial that was trained to its end.

    Attributes
    ----------
    trial : int
        Its number.
    kind : str
        Kind of neuron, one of `tnhw.train.recipes.KINDS`.
    label : str
        The network in words.
    score : float
        Of the validation part: percent, or dB for data whose targets are vectors.
    cost : float
        Of the search's objective; less is better.
    estimate : Estimate
    recipe : dict
        Fields of its `tnhw.train.recipes.Recipe`.
    synapses, stored_bits : int
    seconds : float
        Of all its trainings.
    """

    trial: int
    kind: str
    label: str
    score: float
    cost: float
    estimate: Estimate
    recipe: dict[str, Any]
    synapses: int = 0
    stored_bits: int = 0
    seconds: float = 0.0


def front(points: Iterable[Point]) -> list[Point]:
    """The points of the front, the cheapest first; of equal points that of the first trial."""
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost, -one.score, one.trial)):
        if not found or point.score > found[-1].score:
            found.append(point)
    return found


def cheapest(points: Iterable[Point], score: float) -> Point | None:
    """The cheapest point of the front with at least a score, or None if there is none."""
    return next((point for point in front(points) if point.score >= score), None)


def ends(points: Iterable[Point], wanted: float | None = None) -> dict[str, Point]:
    """The points that are built, by what they are: the ends of the front, and the cheapest with the wanted score.

    One that is several of them is there once, by the first name.
    """
    points = list(points)
    own = front(points)
    if not own:
        return {}
    chosen = None if wanted is None else cheapest(points, wanted)
    named = {"chosen": chosen, "most accurate": own[-1], "cheapest": own[0]}
    found: dict[str, Point] = {}
    for name, point in named.items():
        if point is not None and point not in found.values():
            found[name] = point
    return found
