"""What a network costs on a board, by the model of `tnhw.network.cost`: known before it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

from ..boards import Board
from ..data import Dataset
from ..errors import InputError
from ..network import Design, Fold, Network, fit, fit_smallest
from ..train.exporting import export
from ..train.recipes import Recipe, build

__all__ = ["IMAGES", "OBJECTIVES", "Estimate", "check_board", "design_of", "estimate", "untrained"]

IMAGES = 8  # most images side by side

#: Objective to the heading of its column, and what it is.
OBJECTIVES = {
    "speed": ("cycles a vector", "cycles a vector of the fastest design that should fit the board"),
    "cells": ("cells", "logic cells of the smallest design that should fit the board"),
}


@dataclass(frozen=True)
class Estimate:
    """A design of a network and its cost by the model.

    Attributes
    ----------
    folds : str
        Folds as `tnhw build --folds` takes them.
    interval, images : int
        Cycles from one group of vectors side by side to the next, and the vectors in a group.
    cells : float
        Logic cells with those of the harness, in which a carry cell counts as one.
    ram : int
        Block RAMs.
    """

    folds: str
    interval: int
    images: int
    cells: float
    ram: int

    @property
    def cycles(self) -> float:
        """Cycles a vector."""
        return self.interval / self.images

    def value(self, objective: str) -> float:
        """What is minimised: a value of `OBJECTIVES`."""
        return self.cycles if objective == "speed" else self.cells

    def rate(self, frequency: float) -> float:
        """Vectors a second at a clock of `frequency` Hz."""
        return frequency / self.cycles

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


def check_board(board: Board) -> None:
    """Raise InputError if no open tools build for a board: the ends of the front could not be measured."""
    if board.vendor_tool:
        raise InputError(
            f"board {board.name}: only {board.vendor_tool} builds for it, so no point could be measured; choose another board of "
            "`tnhw list`"
        )


def untrained(recipe: Recipe, dataset: Dataset, name: str = "untrained") -> Network:
    """A network as the recipe's, with random parameters that take every value that training may give them.

    A design follows from shapes, from stored bits, and a little from the largest sums, which training changes: the trained
    network may have a slightly different one.

    Raises
    ------
    InputError
        If there is no such network.
    """
    model = build(replace(recipe, spread=1.0), 0, dataset)
    for layer in model:
        if "t" in layer.p:  # thresholds of their own, which begin at 0
            layer.p["t"].data.uniform_(0, 1)  # seeded by `build`
    return export(model, name, dataset.shape, result=dataset.task)


def estimate(
    network: Network, board: Board, objective: str = "speed", speed: float = 0.0
) -> Estimate | None:
    """The best design of a network on a board, or None if none should fit.

    With the objective ``cells`` it is the smallest of those that compute `speed` vectors a second or more at the board's
    clock. Products are counted as logic, also where the device has DSP blocks.
    """
    if next(fit(network, board), None) is None:  # several vectors side by side need still more
        return None
    frequency = board.clock.frequency
    slowest = frequency / speed if speed else inf
    if objective == "speed":
        chosen = next(fit(network, board, images=IMAGES), None)
    else:
        chosen = fit_smallest(network, board, cycles=slowest, images=IMAGES)
    if chosen is None:
        return None
    design, cost = chosen
    folds = ",".join(map(str, design.folds))
    found = Estimate(folds, design.interval, design.images, cost.cells, cost.ram)
    return found if found.cycles <= slowest else None


def design_of(network: Network, chosen: Estimate) -> Design:
    """The design of an estimate, for the same network or another one of its shape."""
    folds = [Fold.parse(text) for text in chosen.folds.split(",")]
    return Design(network, folds)
