"""When a trial is given up before its whole training.

A trial is trained with a sixteenth of its epochs first, then from the start with a quarter, and at last with all. Each is a
whole training of its own, whose rate falls to zero: in the middle of a long one, when the rate is high, the score says
little.

A trial stops after a short training if there is a rival which costs no more, and after as many epochs made clearly fewer
errors: `FACTORS` times as many are allowed, and for classes one standard error of the difference. Such a trial would be
dominated at its end, unless it gained on the rival far more than trials usually do. The first trial of each kind of neuron
is not stopped so, because kinds do not learn equally fast, and the report shows the front of each. With a wanted accuracy, it also stops if
the errors would have to fall by more than `HOPES`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["FACTORS", "HOPES", "Rival", "losses", "out_of_reach", "overtaken", "short_trainings"]

PARTS = (1 / 16, 1 / 4)  # of the epochs
FACTORS = (1.4, 1.15)  # times a rival's errors, after each of `PARTS`
HOPES = (5.0, 2.0)  # how many times fewer the errors may become until the end
FEWEST = 5  # epochs of a short training


@dataclass(frozen=True)
class Rival:
    """Another trial: its number, its cost, and its scores by the epochs of its trainings."""

    number: int
    cost: float
    scores: Mapping[int, float] = field(default_factory=dict)


def short_trainings(epochs: int) -> list[tuple[int, int]]:
    """The short trainings of a trial: (stage, epochs) of each, without those that are too short to say anything."""
    pairs = ((stage, round(part * epochs)) for stage, part in enumerate(PARTS))
    return [(stage, count) for stage, count in pairs if FEWEST <= count < epochs]


def losses(score: float, unit: str) -> float:
    """A score as a loss, of which less is better: percent of errors, or for a score in dB the mean square error."""
    return 100 - score if unit.startswith("%") else 10 ** (-score / 10)


def overtaken(
    stage: int,
    epochs: int,
    score: float,
    cost: float,
    rivals: Iterable[Rival],
    unit: str,
    rows: int,
) -> Rival | None:
    """The rival that is clearly better than a trial after a short training, or None.

    Parameters
    ----------
    stage, epochs : int
        Of the training, as `short_trainings` has them.
    score, cost : float
        Of the trial.
    rivals : iterable of Rival
    unit : str
        Of the scores: ``% correct`` or ``dB PSNR``.
    rows : int
        Rows that the score is measured on.
    """
    own = losses(score, unit)
    for rival in rivals:
        if rival.cost > cost or epochs not in rival.scores:
            continue
        theirs = losses(rival.scores[epochs], unit)
        allowed = FACTORS[stage] * theirs
        if unit.startswith("%"):
            shares = (own / 100, theirs / 100)
            allowed += 100 * math.sqrt(sum(p * (1 - p) for p in shares) / rows)
        if own > allowed:
            return rival
    return None


def out_of_reach(stage: int, score: float, wanted: float | None, unit: str) -> bool:
    """Whether a trial cannot be expected to reach the wanted score, after a short training."""
    return wanted is not None and losses(score, unit) > HOPES[stage] * losses(wanted, unit)
