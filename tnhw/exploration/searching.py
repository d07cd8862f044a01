"""A search from its settings to its report: trials until the time is over, then the ends of the front in hardware."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..boards import Board
from ..data import Data
from ..errors import InputError
from ..support.progress import progress
from ..train.training import UNITS
from .costing import OBJECTIVES, check_board
from .finishing import Made, finish, made_before
from .front import ends
from .report import write
from .result import SearchResult
from .space import Space, space_for
from .study import Study, Work
from .trials import OutOfTime, Task, Trainer, label_of, run, trained

__all__ = ["search"]

EVERY = 20.0  # seconds after which a report is written even if the front is as before
VERSION = 1  # another number whenever trials of an older search would not be the same


def search(
    data: Data,
    board: Board,
    *,
    folder: Path,
    space: Mapping[str, Sequence[Any]] | None = None,
    objective: str = "speed",
    speed: float = 0.0,
    accuracy: float | None = None,
    budget: float | None = None,
    trials: int | None = None,
    seed: int = 0,
    threads: int = 1,
    build: bool = True,
    say: Callable[[str], object] = lambda text: None,
    stopped: Callable[[SearchResult], object] = lambda result: None,
    trainer: Trainer = trained,
) -> SearchResult:
    """Search for the front of accuracy against a cost, train the ends of the front to the end, and build them.

    The parameters are those of :func:`tnhw.search`, with the data set and the board as objects, and:

    Parameters
    ----------
    folder : Path
        Of the study, of all its files, and of the report.
    space : dict
        Values of dimensions by the keys of `tnhw.exploration.space.DIMENSIONS`.
    stopped : callable
        Called with the result so far if the search is interrupted.
    trainer : callable
        Trains a network: see `tnhw.exploration.trials.trained`.
    """
    _check(data, board, objective, speed, budget, trials)
    chosen = space_for(data.dataset, space or {})
    settings = _settings(data, board, chosen, objective, speed, seed)
    unit = UNITS[data.dataset.task]
    task = Task(data, board, objective, speed, accuracy, seed, threads, unit, trainer)
    one = _Search(Study(folder, settings, chosen, data.dataset, seed), task, settings, say)
    try:
        one.trials(trials, budget)
        return one.finish(build)
    except KeyboardInterrupt:
        stopped(one.report())
        raise


class _Search:
    """A search in this process.

    Parameters
    ----------
    study : Study
    task : Task
    settings : dict
    say : callable
    """

    def __init__(
        self, study: Study, task: Task, settings: Mapping[str, Any], say: Callable[[str], object]
    ) -> None:
        self._study, self._task, self._settings, self._say = study, task, settings, say
        self._state, self._front, self._written = "", [-1], -EVERY

    def trials(self, limit: int | None, minutes: float | None) -> None:
        """Work on trials until there are `limit`, or for so many minutes."""
        end = None if minutes is None else time.monotonic() + 60 * minutes

        def expired() -> bool:
            return end is not None and time.monotonic() >= end

        while not expired():
            work = self._study.work(limit)
            if work is None:
                return
            self._state = label_of(work.recipe)
            try:
                with progress(f"trial {work.number}", lambda: self._state):
                    run(work, self._task, self._show, expired)
            except OutOfTime:
                self._say(
                    f"trial {work.number}: not finished in time; the next search goes on with it"
                )
                return
            finally:
                work.leave()
            self._tell(work, end)

    def _show(self, text: str) -> None:
        self._state = text

    def _tell(self, work: Work, end: float | None) -> None:
        """Say how a trial ended, and write the report if there is something new in it."""
        result = self.report(always=False)
        point = next((one for one in result.points if one.trial == work.number), None)
        if point is None:
            why = next(one["why"] for one in result.stopped if one["trial"] == work.number)
            text = f"stopped: {why}"
        else:
            text = f"{point.score:.2f} {result.short}, {result.cost(point)}"
            text += " (front)" if point in result.front else ""
        left = "" if end is None else f"; {max(0.0, end - time.monotonic()) / 60:.1f} min left"
        self._say(f"trial {work.number}: {label_of(work.recipe)}: {text}; {result.counts}{left}")
        if point is not None and point in result.front:
            steps = (f"{one.score:.2f} at {one.cost:.4g}" for one in result.front)
            self._say(
                f"front, {result.short} at {OBJECTIVES[self._task.objective][0]}: {', '.join(steps)}"
            )

    def report(self, built: Sequence[Made] | None = None, always: bool = True) -> SearchResult:
        """Write the report of what is known now, `always` or if the front is new or some time has passed; return the result."""
        with self._study.alone("report"):
            task, points = self._task, self._study.points()
            known = {point.trial for point in ends(points, task.wanted).values()}
            if built is None:
                built = [one for one in made_before(self._study.folder) if one.trial in known]
            result = SearchResult(
                folder=self._study.folder, data=task.data.dataset.name, board=task.board.name,
                clock=task.board.clock.frequency, objective=task.objective, unit=task.unit, points=points,
                stopped=self._study.stopped(), waiting=len(self._study.begun()), wanted=task.wanted, built=built,
            )  # fmt: skip
            numbers, now = [point.trial for point in result.front], time.monotonic()
            if always or numbers != self._front or now - self._written >= EVERY:
                write(result, self._settings)
                self._front, self._written = numbers, now
            return result

    def finish(self, build: bool) -> SearchResult:
        """Train the ends of the front to the end, build them, and write the report with them."""
        with self._study.alone("finishing"):
            chosen = ends(self._study.points(), self._task.wanted)
            if not chosen:
                self._say("no network was trained to its end: give more minutes, or fewer epochs")
            elif self._task.wanted is not None and "chosen" not in chosen:
                self._say(f"no network has the wanted {self._task.wanted:g}")
            built: list[Made] = []
            for what, point in chosen.items():
                with progress(f"trial {point.trial}, {what}", lambda: self._state):
                    made = finish(
                        what, point, self._task, self._study.folder, built=build, say=self._say,
                        report=lambda record: self._show(f"epoch {record['epoch']} of {record['epochs']}"),
                    )  # fmt: skip
                built.append(made)
            return self.report(built)


def _check(
    data: Data, board: Board, objective: str, speed: float, budget: float | None, trials: int | None
) -> None:
    if objective not in OBJECTIVES:
        raise InputError(f"the objective must be {' or '.join(OBJECTIVES)}, not {objective!r}")
    if speed and objective != "cells":
        raise InputError(
            "a least speed is for the objective `cells`: `speed` looks for the fastest"
        )
    if not 0 <= speed < 1e12:
        raise InputError(f"`speed` must be vectors a second, 0 or more, not {speed!r}")
    if budget is not None and not budget > 0:
        raise InputError(f"`budget` must be minutes, more than 0, not {budget!r}")
    if trials is not None and trials < 1:
        raise InputError(f"`trials` must be 1 or more, not {trials!r}")
    if budget is None and trials is None:
        raise InputError("give a budget in minutes, or a number of trials")
    check_board(board)


def _settings(
    data: Data, board: Board, space: Space, objective: str, speed: float, seed: int
) -> dict[str, Any]:
    """What must be the same whenever a search is continued, by what a message calls it."""
    rows = [len(data.x_train), len(data.x_valid), len(data.x_test)]
    return {
        "version": VERSION,
        "data": data.dataset.name,
        "rows": rows,
        "card": dict(data.card),
        "board": board.name,
        "clock": board.clock.frequency,
        "capacity": board.capacity.model_dump(),
        "objective": objective,
        "speed": speed,
        "seed": seed,
        **space.to_dict(),
    }
