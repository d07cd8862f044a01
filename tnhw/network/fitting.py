"""Designs of a network that fit a board: the fastest ones, what others cost, and what a board that is too small lacks.

Whether a design really fits, only its build shows: cells are estimates (`tnhw.network.cost`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

from ..boards import Board
from .cost import Cost
from .design import Design
from .folding import Chain, Folds, fastest_first, smallest
from .network import Network

__all__ = ["HARNESS", "Room", "fit", "fit_smallest", "front", "shortage"]

HARNESS = Cost(500, 1)  # serial line, framing and buffers, measured on iCEBreaker
# Share of a device's cells that place and route can use without trouble. At 85 % nextpnr-ice40 did not place
# digits_tn on an iCEstick. On ECP5 the ends of carry chains take LUTs that Yosys does not count: 20.5 k became 25.8 k in
# nextpnr-ecp5. Of other families it is a guess.
FILL = {"ice40": 0.8, "ecp5": 0.68}
FILL_OF_OTHERS = 0.85
APART = 1.05  # the least ratio of two intervals that are listed
NEARLY = 3  # designs that do not fit, and that are listed for comparison


@dataclass(frozen=True)
class Room:
    """What a board has for a design besides its harness.

    Parameters
    ----------
    board : Board
    dsp : bool
        Whether products take DSP blocks.
    """

    board: Board
    dsp: bool = False

    @property
    def cells(self) -> int:
        """Logic cells that can be used, with those of the harness."""
        fill = FILL.get(self.board.family, FILL_OF_OTHERS)
        return round(fill * self.board.capacity.LUT)

    def lacks(self, chain: Chain) -> dict[str, int]:
        """How many ``cells``, ``RAM`` and ``DSP`` are missing for a design; empty if it should fit."""
        whole, capacity = chain.cost + HARNESS, self.board.capacity
        missing = {
            "cells": ceil(whole.cells - self.cells),
            "RAM": whole.ram - capacity.RAM,
            "DSP": self.dsp * (chain.products - capacity.DSP),
        }
        return {what: number for what, number in missing.items() if number > 0}

    def fits(self, chain: Chain) -> bool:
        return not self.lacks(chain)

    def taken(self, chain: Chain) -> float:
        """What a design takes, in cells: a block RAM counts as its share of the device."""
        return chain.cost.cells + self.board.capacity.LUT / self.board.capacity.RAM * chain.cost.ram

    def excess(self, chain: Chain) -> float:
        """The largest share of the device's cells, RAMs or DSP blocks that is missing."""
        capacity = self.board.capacity
        whole = {"cells": capacity.LUT, "RAM": capacity.RAM, "DSP": capacity.DSP}
        return max((n / max(1, whole[what]) for what, n in self.lacks(chain).items()), default=0.0)


def fit(
    network: Network, board: Board, *, images: int = 1, dsp: bool = False, **options: Any
) -> Iterator[tuple[Design, Cost]]:
    """Designs of a network that should fit a board, the fastest first, with their estimates.

    Up to `images` images are computed side by side; `options` are as for `Design`. The estimates are for parameters that
    cannot be loaded, even if `options` ask for a loadable design.

    Yields
    ------
    Design, Cost

    Raises
    ------
    InputError
        If `images` is not 1 to 16.
    """
    room, before = Room(board, dsp), None
    found = fastest_first(network, board.family, dsp, images, room.fits, room.taken)
    for _, _, chain in found:
        if chain.folds != before:
            before = chain.folds
            yield Design(network, chain.folds, dsp=dsp, **options), chain.cost + HARNESS


def fit_smallest(
    network: Network, board: Board, *, cycles: float = inf, images: int = 1, dsp: bool = False,
    **options: Any,
) -> tuple[Design, Cost] | None:  # fmt: skip
    """The design of fewest cells that should fit a board and takes at most so many cycles a vector, with its estimate.

    Other arguments are as for `fit`. The result is None if there is no such design.
    """
    room = Room(board, dsp)
    chain = smallest(network, board.family, dsp, images, room.fits, cycles)
    if chain is None:
        return None
    return Design(network, chain.folds, dsp=dsp, **options), chain.cost + HARNESS


def front(network: Network, board: Board, *, images: int = 1, dsp: bool = False) -> list[tuple[int, int, Chain]]:  # fmt: skip
    """Designs of a network with which a board leaves a choice, the fastest first.

    They are those that fit, and that no other one beats in both speed and cells; before them there are a few that are
    faster, and for which the least is missing. Arguments are as for `fit`.

    Returns
    -------
    list of (int, int, Chain)
        Interval in cycles, images side by side, and the design without the board's harness.
    """
    room = Room(board, dsp)
    every = fastest_first(
        network, board.family, dsp, images, lambda chain: True,
        lambda chain: (room.excess(chain), chain.cost.cells, chain.cost.ram), APART,
    )  # fmt: skip
    faster: list[tuple[int, int, Chain]] = []
    fitting: list[tuple[int, int, Chain]] = []
    for one in every:
        if room.fits(one[2]):
            if not fitting or one[2].cost.cells < fitting[-1][2].cost.cells:
                fitting.append(one)
        elif not fitting and (not faster or room.excess(one[2]) < room.excess(faster[-1][2])):
            faster.append(one)
    return faster[-NEARLY:] + fitting


def shortage(network: Network, board: Board, *, dsp: bool = False) -> str:
    """What a board has too little of for a network of which no design fits: a sentence without a full stop."""
    folds, room = Folds(network, board.family, dsp), Room(board, dsp)
    nearest = min(folds.chains(folds.intervals()[-1]), key=room.excess).in_lines(board.family)
    missing = " and ".join(f"{number} {what}" for what, number in room.lacks(nearest).items())
    return (
        f"the design that comes closest has the folds {','.join(map(str, nearest.folds))}, and lacks {missing} "
        f"(by the estimate; of the {board.capacity.LUT} cells {room.cells} can be used)"
    )
