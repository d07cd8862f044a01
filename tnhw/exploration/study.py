"""The trials of a search, in Optuna's storage: a journal in the folder of the search, which several processes may share.

A process that works on a trial holds the lock of the trial's file. A trial that is running in the journal and whose lock is
free was left by a process that was interrupted or killed: the next process takes it over under the same number, so with the
same network and the same seed, from its checkpoint. No trial is lost, and none is there twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from ..data import Dataset
from ..errors import InputError
from ..support.files import make_folder, write_files
from ..train.recipes import Recipe
from .claims import FileLock, alone, claim
from .costing import Estimate
from .front import Point
from .proposals import DIRECTIONS, propose, quiet
from .space import Space
from .stopping import Rival

__all__ = ["Study", "Work"]

SETTINGS, JOURNAL = "search.json", "study.journal"


class Study:
    """The trials of a search.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    settings : dict
        What has to be the same for all trials of the study; JSON-able. Text and numbers by what they are called.
    space : Space
    dataset : Dataset
    seed : int

    Raises
    ------
    InputError
        If the folder holds another search, or its journal cannot be read.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], space: Space, dataset: Dataset, seed: int
    ) -> None:
        self.folder, self._space, self._dataset, self._seed = folder, space, dataset, seed
        make_folder(folder / "trials")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with self.alone("asking"):
            self._check(json.loads(json.dumps(settings)))
            journal = folder / JOURNAL
            try:
                backend = JournalFileBackend(str(journal), lock_obj=FileLock(journal))  # type: ignore[arg-type, unused-ignore]
                self._study = optuna.create_study(
                    storage=optuna.storages.JournalStorage(backend), study_name="tnhw",
                    load_if_exists=True, directions=list(DIRECTIONS),
                )  # fmt: skip
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{journal}: is damaged ({error}); remove the folder, or choose another one with -o"
                ) from None

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """In the block no other process is in one for the same purpose."""
        with alone(self.folder / "trials" / f"{what}.lock"):
            yield

    def _check(self, settings: dict[str, Any]) -> None:
        """Keep the settings of a new search; refuse others for one that is there."""
        path = self.folder / SETTINGS
        if not path.exists():
            write_files(self.folder, {SETTINGS: json.dumps(settings, indent=1) + "\n"})
            return
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            known.keys()
        except (ValueError, AttributeError):
            raise InputError(f"{path}: is damaged; choose another folder with -o") from None
        for key in {**settings, **known}:
            if known.get(key) != settings.get(key):
                raise InputError(
                    f"{self.folder}: holds a search with other settings: {key} {_words(known.get(key))}, not "
                    f"{_words(settings.get(key))}; give the same, or choose another folder with -o"
                )

    # Trials

    def work(self, limit: int | None = None) -> Work | None:
        """A trial to work on: one that was left, or else a new one.

        None if there are `limit` trials, those that others work on among them, or every network of the space was tried.
        """
        with self.alone("asking"):
            trials = self._trials()
            for one in trials:
                if one.state == TrialState.RUNNING and (lock := self._left(one.number)) is not None:
                    return self._work(one, lock, True)
            if limit is not None and len(trials) >= limit:
                return None
            known = [_recipe(one) for one in trials]
            found = propose(trials, known, self._space, self._dataset, self._seed)
            if found is None:
                return None
            self._study.add_trial(
                optuna.trial.create_trial(
                    state=TrialState.RUNNING,
                    params=found.params,
                    distributions=found.distributions,
                    user_attrs={"recipe": found.recipe.to_dict()},
                )
            )
            one = self._trials()[-1]
            lock = self._claim(one.number)
            assert lock is not None  # it is new, and nobody else is asking
            return self._work(one, lock, False)

    def _work(self, trial: optuna.trial.FrozenTrial, lock: int, resumed: bool) -> Work:
        live = optuna.trial.Trial(self._study, trial._trial_id)
        return Work(self, live, lock, _recipe(trial), resumed)

    def _claim(self, number: int) -> int | None:
        return claim(self.folder / "trials" / f"{number}.lock")

    def _left(self, number: int) -> int | None:
        """The lock of a trial that nobody works on; None if somebody does, or has just finished it."""
        lock = self._claim(number)
        if lock is not None and self._trials()[number].state != TrialState.RUNNING:
            os.close(lock)
            return None
        return lock

    def _trials(self) -> list[optuna.trial.FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    # What is known

    def is_first(self, number: int) -> bool:
        """Whether a trial is the first of its kind of neuron."""
        return bool(self._space.first(self._dataset, number))

    def rivals(self, besides: int) -> list[Rival]:
        """The costs and scores of all trials but one, those that run among them."""
        found = []
        for one in self._trials():
            if one.number != besides and (cost := one.user_attrs.get("cost")) is not None:
                scores = {
                    int(key): value for key, value in one.user_attrs.get("scores", {}).items()
                }
                found.append(Rival(one.number, cost, scores))
        return found

    def points(self) -> list[Point]:
        """The trials that were trained to their ends."""
        return [
            Point(
                **one.user_attrs["point"]
                | {"estimate": Estimate(**one.user_attrs["point"]["estimate"])}
            )
            for one in self._trials()
            if one.state == TrialState.COMPLETE
        ]

    def stopped(self) -> list[dict[str, Any]]:
        """``trial``, ``label``, ``why`` and ``seconds`` of each trial that was stopped before its end."""
        return [
            {
                "trial": one.number,
                **{key: one.user_attrs.get(key) for key in ("label", "why", "seconds")},
            }
            for one in self._trials()
            if one.state == TrialState.PRUNED
        ]

    def begun(self) -> list[int]:
        """Numbers of the trials that run, or wait to be continued."""
        return [one.number for one in self._trials() if one.state == TrialState.RUNNING]


class Work:
    """A trial, as long as this process works on it.

    Attributes
    ----------
    number : int
    recipe : tnhw.train.recipes.Recipe
    resumed : bool
        Whether another process began with it.
    """

    def __init__(
        self, study: Study, trial: optuna.trial.Trial, lock: int, recipe: Recipe, resumed: bool
    ) -> None:
        self.study, self.number, self.recipe, self.resumed = study, trial.number, recipe, resumed
        self._trial, self._lock = trial, lock

    @property
    def first(self) -> bool:
        """Whether the trial is one of the first: see `Space.first`."""
        return self.study.is_first(self.number)

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe, JSON-able."""
        return self.recipe.to_dict()

    def file(self, ending: str) -> Path:
        """A file of the trial."""
        return self.study.folder / "trials" / f"{self.number}{ending}"

    def known(self, key: str) -> Any:
        """What was noted of the trial; None if nothing was."""
        return self._trial.user_attrs.get(key)

    def note(self, key: str, value: Any) -> None:
        """Keep a fact of the trial; JSON-able."""
        self._trial.set_user_attr(key, value)

    def done(self, point: Point) -> None:
        """The trial was trained to its end."""
        self.note("point", asdict(point))
        self._tell(TrialState.COMPLETE, [point.score, point.cost])

    def stop(self, why: str) -> None:
        """The trial is given up."""
        self.note("why", why)
        self._tell(TrialState.PRUNED)

    def leave(self) -> None:
        """Leave the trial to the next process that asks for work; without effect where it is finished."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _tell(self, state: TrialState, values: list[float] | None = None) -> None:
        with quiet():
            self.study._study.tell(self._trial, values, state=state)
        for path in (self.study.folder / "trials").glob(f"{self.number}.*"):
            if path.suffix in (".checkpoint", ".lock"):
                path.unlink(missing_ok=True)
        self.leave()


def _recipe(trial: optuna.trial.FrozenTrial) -> Recipe:
    return Recipe.from_dict(trial.user_attrs["recipe"])


def _words(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)
