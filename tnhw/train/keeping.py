"""Conversions of one network with different layers kept, and which of them have to be kept."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import numpy as np
import torch

from ..data.scores import percent_correct
from ..errors import CheckFailed, InputError
from .distilling import Teacher
from .evaluating import evaluate
from .fitting import fit
from .originals import Original
from .students import student

__all__ = ["KEPT", "Plan", "Rows", "Tuned", "Work"]

KEPT = "mac"  # rule of the layers that are kept
PART = 1000  # inputs for which the original computes its outputs at once
SECONDS = 5  # between lines of progress
TRIAL = 1  # epochs after which the cost of a layer is measured


@dataclass(frozen=True)
class Rows:
    """Inputs as integers, the original's logits for them, and labels or the original's classes."""

    x: np.ndarray
    logits: np.ndarray
    y: np.ndarray
    labelled: bool

    @classmethod
    def of(cls, original, x, y, report):
        """Rows x [n, ...] with their labels y [n] or None; `report` is called now and then with how far it is."""
        if y is not None and not 0 <= y.min() <= y.max() < original.classes:
            raise InputError(
                f"`y` must lie in 0 .. {original.classes - 1}, the classes of the original, but holds {y.min()} .. {y.max()}"
            )
        parts, last = [], monotonic()
        for first in range(0, len(x), PART):
            parts.append(original.logits(x[first : first + PART]))
            if monotonic() - last > SECONDS:
                last = monotonic()
                report(
                    f"outputs of the original for {min(first + PART, len(x)):,} of {len(x):,} inputs"
                )
        logits = np.concatenate(parts)
        return cls(
            original.integers(x), logits, logits.argmax(1) if y is None else y, y is not None
        )

    @property
    def teacher(self):
        """Score of the original, in percent."""
        return percent_correct(self.logits.argmax(1)[:, None], self.y)


@dataclass(frozen=True)
class Tuned:
    model: torch.nn.Sequential
    kept: tuple[int, ...]
    valid: float


@dataclass(frozen=True)
class Plan:
    """What the layers become that are not kept."""

    original: Original
    rule: str
    bits: int
    options: dict

    def student(self, kept):
        """The network before it is fine-tuned, with these layers kept, by their numbers."""
        numbers = range(len(self.original.parts))
        rules = [KEPT if number in kept else self.rule for number in numbers]
        return student(self.original, rules, bits=self.bits, options=self.options)


@dataclass(frozen=True)
class Work:
    """Converts with different layers kept, always with the same data and settings."""

    plan: Plan
    rows: Rows
    valid: Rows
    teaching: dict
    epochs: int
    fitting: dict
    report: Callable[[str], None]

    @property
    def parts(self):
        return self.plan.original.parts

    def score(self, model, rows):
        """Score of a model, in percent."""
        return evaluate(model, rows.x, rows.y, shape=self.plan.original.shape)

    def made(self, kept, epochs=None, what=""):
        """The fine-tuned network with these layers kept, by their numbers."""
        model = self.plan.student(kept)
        teacher = Teacher(torch.as_tensor(self.rows.logits), **self.teaching)

        def report(record):
            self.report(
                f"{what}epoch {record['epoch']} of {record['epochs']}, loss {record['loss']:.4f}, validation {record['score']:.2f}"
            )

        history = fit(
            model, self.rows.x, self.rows.y if self.rows.labelled else None, epochs=epochs or self.epochs,
            shape=self.plan.original.shape, valid=(self.valid.x, self.valid.y), teacher=teacher, report=report, **self.fitting,
        )  # fmt: skip
        return Tuned(model.eval(), tuple(kept), history[-1]["score"])

    def automatic(self, limit):
        """The network with the fewest layers kept that loses at most `limit` points, and the cost of each layer."""
        wanted = self.valid.teacher - limit
        tuned, costs = self.made((), what="no layer kept: "), {}
        for number in self._order(costs) if tuned.valid < wanted else ():
            kept = sorted({*tuned.kept, number})
            names = ", ".join(self.parts[one].name for one in kept)
            tuned = self.made(kept, what=f"kept {names}: ")
            if tuned.valid >= wanted:
                break
        if tuned.valid < wanted:
            raise CheckFailed(
                f"with all layers kept the network loses {self.valid.teacher - tuned.valid:.2f} points, more than {limit:g}: allow a "
                "larger loss, more bits or more epochs"
            )
        return tuned, costs

    def _order(self, costs):
        """Numbers of the layers, the one first that costs most; puts the cost of each into `costs`."""
        numbers = range(len(self.parts))
        best = self.made(numbers, TRIAL, "all layers kept: ").valid
        for number in numbers:
            name = self.parts[number].name
            others = [one for one in numbers if one != number]
            costs[name] = round(
                best - self.made(others, TRIAL, f"only {name} converted: ").valid, 3
            )
        return sorted(numbers, key=lambda number: -costs[self.parts[number].name])
