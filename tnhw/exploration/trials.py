"""One trial: a network is costed, trained in stages that grow, and stopped as soon as it is clearly dominated."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..boards import Board
from ..data import Data
from ..errors import InputError
from ..network import Network
from ..train.recipes import Recipe
from ..train.training import train
from .costing import Estimate, estimate, untrained
from .front import Point
from .stopping import out_of_reach, overtaken, short_trainings
from .study import Work

__all__ = ["OutOfTime", "Task", "label_of", "run", "trained"]


class OutOfTime(Exception):
    """The time of the search is over while a trial runs: it goes on when the search does."""


class Trained(NamedTuple):
    """A network after its training, and its score on the validation part."""

    network: Network
    score: float


Trainer = Callable[..., Trained]


@dataclass(frozen=True)
class Task:
    """What all trials of a search have in common.

    Attributes
    ----------
    data : Data
    board : Board
    objective : str
        Of `tnhw.exploration.costing.OBJECTIVES`.
    speed : float
        Vectors a second that a design has to keep, for the objective ``cells``.
    wanted : float or None
        Score that the user asks for.
    seed : int
    threads : int
    unit : str
        Of scores.
    trainer : callable
        `trained`, or another with its parameters.
    """

    data: Data
    board: Board
    objective: str
    speed: float
    wanted: float | None
    seed: int
    threads: int
    unit: str
    trainer: Trainer


def run(
    work: Work,
    task: Task,
    say: Callable[[str], object] = lambda text: None,
    expired: Callable[[], bool] = lambda: False,
) -> None:
    """Do a trial, or what is left of it, and tell the study how it ended.

    `say` is called after every epoch with the state in words.

    Raises
    ------
    OutOfTime
        If `expired` returned True after an epoch.
    """
    begun = time.monotonic()
    before = work.known("seconds") or 0.0

    def clock() -> None:
        work.note("seconds", round(before + time.monotonic() - begun, 1))

    label = label_of(work.recipe)
    work.note("label", label)
    try:
        point, why = _Trial(work, task, label, say, expired).run()
    except InputError as error:  # a combination that there is no network for
        point, why = None, f"cannot be made: {error}"
    except BaseException:
        clock()
        raise
    clock()
    if point is None:
        work.stop(why)
    else:
        work.done(replace(point, seconds=work.known("seconds")))


@dataclass(frozen=True)
class _Trial:
    work: Work
    task: Task
    label: str
    say: Callable[[str], object]
    expired: Callable[[], bool]

    def run(self) -> tuple[Point | None, str]:
        """The finished trial, or None and why it was stopped."""
        work, task = self.work, self.task
        found = self._estimate(untrained(work.recipe, task.data.dataset))
        if found is None:
            return (
                None,
                f"no design fits {task.board.name}"
                + f" at {task.speed:,.0f} vectors a second" * bool(task.speed),
            )
        cost = found.value(task.objective)
        work.note("cost", cost)
        for stage, epochs in short_trainings(work.recipe.epochs):
            score = self._score(epochs)
            if work.first:
                continue
            if out_of_reach(stage, score, task.wanted, task.unit):
                return None, f"{score:.2f} after {epochs} epochs is too far from {task.wanted:g}"
            rivals = work.study.rivals(work.number)
            rows = len(task.data.x_valid)
            if rival := overtaken(stage, epochs, score, cost, rivals, task.unit, rows):
                return (
                    None,
                    f"after {epochs} epochs trial {rival.number} is more accurate and costs no more",
                )
        point = self._point(self._train(work.recipe.epochs))
        return point, "" if point else f"no design of the trained network fits {task.board.name}"

    def _estimate(self, network: Network) -> Estimate | None:
        return estimate(network, self.task.board, self.task.objective, self.task.speed)

    def _score(self, epochs: int) -> float:
        """The score after a short training, which is done once."""
        scores: dict[str, float] = dict(self.work.known("scores") or {})
        if str(epochs) not in scores:
            scores[str(epochs)] = self._train(epochs).score
            self.work.note("scores", scores)
        return scores[str(epochs)]

    def _train(self, epochs: int) -> Trained:
        whole = self.work.recipe.epochs

        def report(record: dict[str, Any]) -> None:
            part = "" if epochs == whole else f" (short training, {epochs} of {whole} epochs)"
            self.say(f"{self.label}: epoch {record['epoch']} of {record['epochs']}{part}")
            if self.expired():
                raise OutOfTime

        return self.task.trainer(
            replace(self.work.recipe, epochs=epochs), self.task.seed + self.work.number, data=self.task.data,
            name=f"{self.task.data.dataset.word}_trial{self.work.number}", threads=self.task.threads,
            checkpoint=self.work.file(f".{epochs}.checkpoint"), report=report,
        )  # fmt: skip

    def _point(self, made: Trained) -> Point | None:
        work, network = self.work, made.network
        found = self._estimate(network)
        if found is None:
            return None
        network.save(work.file(".npz"))
        return Point(
            trial=work.number,
            kind=kind_of(work.recipe),
            label=self.label,
            score=made.score,
            cost=found.value(self.task.objective),
            estimate=found,
            recipe=work.settings,
            synapses=network.card.get("synapses", network.synapses),
            stored_bits=network.card.get("stored_bits", 0),
        )


def trained(recipe: Recipe, seed: int, **options: Any) -> Trained:
    """The network of a recipe, fitted to the training part: `tnhw.train.train` with these `options`."""
    network = train(recipe, seed, **options)
    return Trained(network, network.card["score"])


def kind_of(recipe: Recipe) -> str:
    """Name of the kind of neuron in `tnhw.train.recipes.KINDS`; MACs with weights of any number of bits are one kind."""
    if recipe.rule == "threshold":
        if recipe.gain:
            return "gain-complement" if recipe.complement else "gain"
        return "threshold4" if recipe.min_level == 2 else "threshold"
    return recipe.rule


def label_of(recipe: Recipe) -> str:
    """A network in words: kind, hidden layers, and what else was chosen."""
    kind = kind_of(recipe)
    words = [kind, "-".join(recipe.hidden), f"u{recipe.bits}"]
    if kind == "threshold":
        words.insert(1, f"{recipe.levels} levels")
    if kind == "mac":
        words.insert(1, f"{recipe.weight_bits} bits")
    if recipe.inject:
        words.append(f"{recipe.inject} MAC layer" + "s" * (recipe.inject > 1))
    return ", ".join(words)
