"""The result of a search: its front, what was built of it, and the commands to go on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..support.results import Result, Table
from .costing import OBJECTIVES
from .finishing import Made
from .front import Point, front

__all__ = ["SearchResult"]

CHEAPEST = {"speed": "fastest", "cells": "smallest"}


@dataclass(frozen=True, repr=False)
class SearchResult(Result):
    """What a search has found so far.

    Attributes
    ----------
    folder : Path
    data, board : str
    clock : float
        Of the board, in Hz.
    objective : str
        ``speed`` or ``cells``.
    unit : str
        Of scores.
    points : list of Point
        All trials that were trained to their ends.
    stopped : list of dict
        The others, with why they were stopped.
    waiting : int
        Trials that others work on, or that were interrupted.
    wanted : float or None
        The score that was asked for.
    built : list of Made
    """

    folder: Path
    data: str
    board: str
    clock: float
    objective: str
    unit: str
    points: Sequence[Point]
    stopped: Sequence[dict[str, Any]] = ()
    waiting: int = 0
    wanted: float | None = None
    built: Sequence[Made] = field(default_factory=list)

    @property
    def front(self) -> list[Point]:
        """The front of all trials, the cheapest first."""
        return front(self.points)

    def fronts(self) -> dict[str, list[Point]]:
        """The front of each kind of neuron."""
        kinds = sorted({point.kind for point in self.points})
        return {kind: front(point for point in self.points if point.kind == kind) for kind in kinds}

    @property
    def summary(self) -> str:
        """One line: how many networks were tried, and the ends of the front."""
        text = f"{self.data} on {self.board}: {self.counts}"
        if not (own := self.front):
            return f"{text}; no front yet"
        ends = " to ".join(
            f"{one.score:.2f} {self.short} at {self.cost(one)}" for one in (own[0], own[-1])
        )
        return f"{text}; front of {len(own)}: {ends}"

    @property
    def counts(self) -> str:
        """How many trials ended how."""
        count = len(self.points)
        text = f"{count} network{'s' * (count != 1)} trained, {len(self.stopped)} stopped early"
        return text + (f", {self.waiting} not finished" if self.waiting else "")

    @property
    def short(self) -> str:
        """The unit of scores: ``%`` or ``dB``."""
        return self.unit.split()[0]

    def cost(self, point: Point) -> str:
        """What is minimised, in words."""
        if self.objective == "cells":
            return f"{point.cost:,.0f} cells"
        return f"{point.cost:.4g} cycles a vector"

    def lines(self, points: Sequence[Point]) -> list[tuple[Any, ...]]:
        """Points as the rows of a table, the first with the headings."""
        rows: list[tuple[Any, ...]] = [
            (
                "trial",
                "network",
                f"validation {self.short}",
                "cycles a vector",
                "vectors/s",
                "cells",
                "RAM",
                "folds",
            )
        ]
        for point in points:
            one = point.estimate
            rows.append(
                (point.trial, point.label, f"{point.score:.2f}", f"{one.cycles:.4g}", f"{one.rate(self.clock):,.0f}",
                 f"{one.cells:.0f}", one.ram, one.folds)
            )  # fmt: skip
        return rows

    def made_lines(self) -> list[tuple[Any, ...]]:
        """What was built, as the rows of a table, the first with the headings."""
        rows: list[tuple[Any, ...]] = [
            (
                "which",
                "trial",
                f"{self.short} of",
                "",
                "cycles a vector",
                "vectors/s",
                "Fmax MHz",
                "LUT",
                "RAM",
                "activity",
                "bitstream",
            )
        ]
        for one in self.built:
            rows.append(
                (self.which(one), one.trial, f"{one.score:.2f}", one.measured_on,
                 f"{one.cycles:.4g}" if one.cycles else "", f"{one.rate:,.0f}" if one.rate else "",
                 f"{one.fmax / 1e6:.1f}" if one.fmax else "", one.cells.get("LUT", ""), one.cells.get("RAM", ""),
                 f"{one.activity:,.0f}" if one.activity else "", one.unbuilt or one.bitstream)
            )  # fmt: skip
        return rows

    def which(self, one: Made) -> str:
        """What a built point is, by the objective."""
        return CHEAPEST[self.objective] if one.what == "cheapest" else one.what

    def next_commands(self) -> list[str]:
        """Commands to type next."""
        if not self.built:
            return []
        one = self.built[0]
        file, bitstreams = self.folder / one.file, self.folder / "bitstreams"
        last = f"tnhw build {file} --board {self.board} --images 8"
        if one.bitstream:
            last = f"tnhw upload {file} --board {self.board} -o {bitstreams}"
        return [f"tnhw simulate {file}", last]

    def to_dict(self) -> dict[str, Any]:
        own = {point.trial for point in self.front}
        return {
            "folder": str(self.folder),
            "data": self.data,
            "board": self.board,
            "clock_hz": self.clock,
            "objective": self.objective,
            "unit": self.unit,
            "wanted": self.wanted,
            "trials": {
                "trained": len(self.points),
                "stopped": len(self.stopped),
                "waiting": self.waiting,
            },
            "front": [_record(point, self.clock) for point in self.front],
            "fronts": {
                kind: [one.trial for one in points] for kind, points in self.fronts().items()
            },
            "points": [
                _record(point, self.clock) | {"front": point.trial in own} for point in self.points
            ],
            "stopped": list(self.stopped),
            "built": [asdict(one) | {"rate": one.rate} for one in self.built],
            "next": self.next_commands(),
        }

    def tables(self) -> list[Table]:
        heading = OBJECTIVES[self.objective][0]
        title = f"{self.data} on {self.board}: front of validation {self.short} against {heading}; {self.counts}"
        tables = [Table(title, self.lines(self.front), headed=True)]
        if self.built:
            tables.append(Table("trained to the end, and built", self.made_lines(), headed=True))
        return tables


def _record(point: Point, clock: float) -> dict[str, Any]:
    return asdict(point) | {"cycles": point.estimate.cycles, "rate": point.estimate.rate(clock)}
