"""What is tried next: Optuna's sampler proposes, from all trials that there are, a network that was not tried before.

The sampler works on a copy of the trials in memory. Only a proposal that is taken becomes a trial of the journal, with one line
of it, so that a process that is killed while it proposes leaves nothing behind.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from ..data import Dataset
from ..train.recipes import Recipe
from .space import Space

__all__ = ["DIRECTIONS", "Proposal", "propose", "quiet"]

DIRECTIONS: tuple[Literal["maximize", "minimize"], ...] = (
    "maximize",
    "minimize",
)  # the score, and the cost
STARTUP = 10  # trials before the sampler learns from them
STUBBORN = 20  # proposals in a row that were tried before, after which any other will do
GIVE_UP = 1000  # proposals in a row that were tried before, after which there is none left


class Proposal(NamedTuple):
    """A network to try, and Optuna's parameters that stand for it."""

    recipe: Recipe
    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]


def propose(
    trials: Sequence[FrozenTrial],
    known: Sequence[Recipe],
    space: Space,
    dataset: Dataset,
    seed: int,
) -> Proposal | None:
    """The network of the next trial, or None if every network of the space was tried.

    The same trials and seed give the same proposal.

    Parameters
    ----------
    trials : sequence of FrozenTrial
        All trials until now, those that run among them.
    known : sequence of Recipe
        Their recipes.
    space : Space
    dataset : Dataset
    seed : int
    """
    tried, number = set(known), len(trials)
    if len(tried) >= space.size(dataset):
        return None
    with quiet():
        study = optuna.create_study(directions=list(DIRECTIONS))  # in memory
        study.add_trials(trials)
        for again in range(GIVE_UP):
            first = {} if again else space.first(dataset, number)
            study.sampler = _sampler(
                (seed * 1_000_003 + number * 1009 + again) % 2**32, again, first
            )
            trial = study.ask()
            recipe = recipe_of(trial, space, dataset)
            if recipe not in tried:
                return Proposal(recipe, trial.params, trial.distributions)
            study.tell(trial, state=TrialState.FAIL)
    return None


def recipe_of(trial: optuna.trial.Trial, space: Space, dataset: Dataset) -> Recipe:
    """The recipe that a trial of Optuna draws."""

    def draw(name: str, count: int, ordered: bool) -> int:
        if ordered:
            return trial.suggest_int(name, 0, count - 1)
        return int(trial.suggest_categorical(name, list(range(count))))

    return space.recipe(dataset, draw)


def _sampler(seed: int, again: int, first: dict[str, int]) -> optuna.samplers.BaseSampler:
    if again >= STUBBORN:
        return optuna.samplers.RandomSampler(seed=seed)
    sampler = optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True, constant_liar=True
    )
    return optuna.samplers.PartialFixedSampler(first, sampler) if first else sampler


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's warnings that multivariate sampling is experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
