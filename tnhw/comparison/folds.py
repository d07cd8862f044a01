"""The folds of a network between which a board leaves a choice: cells against vectors a second."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..boards import Board
from ..network import Network
from ..network.cost import largest_error
from ..network.fitting import HARNESS, Room, front
from ..network.folding import Chain
from ..support.files import write_files
from ..support.results import Result, Table
from . import plots

__all__ = ["FoldChoice", "FoldFront", "choices"]


@dataclass(frozen=True)
class FoldChoice:
    """One design of a network, by the cost model.

    Parameters
    ----------
    folds : str
        As `tnhw build --folds` takes them.
    images, interval : int
        Images side by side, and cycles from one group of them to the next.
    lanes : int
        Synapses that are computed in a cycle.
    cells, ram : int
        Estimated logic cells, where a carry cell counts as one, and block RAMs; with the serial line of a board.
    rate : float
        Vectors a second at the clock of the board.
    lacks : dict
        How many ``cells``, ``RAM`` and ``DSP`` the board lacks for it; empty if it should fit.
    """

    folds: str
    images: int
    interval: int
    lanes: int
    cells: int
    ram: int
    rate: float
    lacks: dict[str, int]


@dataclass(frozen=True, repr=False)
class FoldFront(Result):
    """The designs of a network that fit a board and that no other one beats in both speed and cells, the fastest first.

    Before them there are a few that are faster, and for which the board lacks the least.

    Parameters
    ----------
    network, board : str
    clock : float
        Clock of the board in Hz.
    capacity : dict
        Logic cells and block RAMs of the device, and the cells that can be used.
    error : float
        Largest error of the cost model in percent, or None where it was not measured for the family.
    rows : list of FoldChoice
    """

    network: str
    board: str
    clock: float
    capacity: dict[str, int]
    error: float | None
    rows: list[FoldChoice] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """One line: how many designs there are, and the fastest one that fits."""
        fitting = [row for row in self.rows if not row.lacks]
        best = f"the fastest that fits is {fitting[0].folds}" if fitting else "none fits"
        return f"of {self.network} on {self.board}: {len(self.rows)} folds, {best}"

    def to_dict(self) -> dict[str, Any]:
        return {
            **{key: getattr(self, key) for key in ("network", "board", "clock", "capacity")},
            "largest_error_percent": self.error,
            "folds": [vars(row) for row in self.rows],
        }

    def tables(self) -> list[Table]:
        """Its rows, in the order of their speed."""
        lines: list[Any] = [("vectors/s", "cycles", "folds", "lanes", "cells", "RAM", "lacks")]
        lines += [
            (
                f"{row.rate:,.0f}", f"{row.interval / row.images:g}", row.folds, row.lanes, row.cells, row.ram,
                " and ".join(f"{number} {what}" for what, number in row.lacks.items()) or "-",
            )
            for row in self.rows
        ]  # fmt: skip
        error = "by a model of another family"
        if self.error is not None:
            error = f"up to {self.error:g} % wrong for the designs that were measured"
        title = (
            f"{self.network} on {self.board}, {self.clock / 1e6:g} MHz; cells are estimates, {error}; "
            f"{self.capacity['usable']} of {self.capacity['cells']} cells can be used, and {self.capacity['RAM']} RAMs"
        )
        return [Table(title, lines, headed=True)]

    def picture(self) -> str:
        """Cells against vectors a second, as SVG text.

        Raises
        ------
        ToolMissing
            If Matplotlib is missing.
        """
        points = [(row.rate, row.cells, not row.lacks) for row in self.rows]
        return plots.folds(points, self.capacity, f"{self.network} on {self.board}")

    def write(self, folder: str | Path) -> Path:
        """Write the picture to a folder; returns its path.

        Raises
        ------
        ToolMissing
            If Matplotlib is missing.
        """
        name = f"folds_{self.board}.svg"
        write_files(folder, {name: self.picture()})
        return Path(folder) / name


def choices(network: Network, board: Board, *, images: int = 8, dsp: bool = False) -> FoldFront:
    """The front of a network's folds on a board.

    Parameters
    ----------
    network : Network
    board : Board
    images : int
        Most images side by side.
    dsp : bool
        Whether products are computed in DSP blocks.

    Raises
    ------
    InputError
        If `images` is not 1 to 16.
    """
    room = Room(board, dsp)

    def row(interval: int, number: int, chain: Chain) -> FoldChoice:
        whole = chain.cost + HARNESS
        return FoldChoice(
            folds=",".join(map(str, chain.folds)), images=number, interval=interval, lanes=chain.lanes,
            cells=round(whole.cells), ram=whole.ram, rate=board.clock.frequency * number / interval,
            lacks=room.lacks(chain),
        )  # fmt: skip

    found = front(network, board, images=images, dsp=dsp)
    capacity = {"cells": board.capacity.LUT, "usable": room.cells, "RAM": board.capacity.RAM}
    return FoldFront(
        network.name, board.name, board.clock.frequency, capacity, largest_error(board.family),
        [row(*one) for one in found],
    )  # fmt: skip
