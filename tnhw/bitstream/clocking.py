"""At which frequency a design runs on a board: that of the board's clock, or one that the device's loop makes from it."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..boards.board import Board
from ..boards.pll import Setting, highest
from ..errors import InputError
from .record import BuildRecord

__all__ = ["fastest", "setting"]

TRIALS = 4


def setting(board: Board, asked: int | str | None) -> Setting | None:
    """The setting of the board's loop for a frequency in Hz; None for the board's clock itself.

    Raises
    ------
    InputError
        If the board has no loop, or it makes nothing as low.
    """
    clock = board.clock
    if asked in (None, "board", clock.frequency):
        return None
    if isinstance(asked, str):
        raise InputError(f"`frequency` must be `board`, `max` or a number, not {asked!r}")
    if clock.pll is None:
        raise InputError(
            f"board {board.name}: runs at {clock.frequency / 1e6:g} MHz; its file names no loop "
            "(`clock.pll`) that makes another frequency"
        )
    found = highest(board.family, clock.frequency, asked or 0, pad=clock.pll == "pad")
    if found is None:
        raise InputError(
            f"board {board.name}: its loop makes no frequency as low as {(asked or 0) / 1e6:g} MHz "
            f"from {clock.frequency / 1e6:g} MHz"
        )
    return found


def fastest(
    board: Board,
    build: Callable[..., BuildRecord],
    out_dir: Path,
    options: Mapping[str, Any],
) -> BuildRecord:
    """Build for the highest frequency that the loop makes and the routed design reaches.

    Place and route depends on the frequency, so that what one design reaches is tried as the target of the next one, at
    most `TRIALS` times.

    Parameters
    ----------
    board
    build
        Takes a folder and options, and builds.
    out_dir
        Receives the files of the fastest build.
    options
        Of `BuildOptions`.
    """
    best: int | None = None
    with tempfile.TemporaryDirectory() as folder:
        trial = {**options, "allow_timing_fail": True}
        record = build(Path(folder), **trial | {"frequency": "board"})
        for _ in range(TRIALS if board.clock.pll else 0):
            found = highest(
                board.family, board.clock.frequency, record.fmax, pad=board.clock.pll == "pad"
            )
            least = max(best or 0, board.clock.frequency)
            if found is None or round(found.frequency) <= least:
                break
            record = build(Path(folder), **trial | {"frequency": round(found.frequency)})
            if record.timing_met:
                best = record.frequency
            elif best:
                break
    return build(out_dir, **{**options, "frequency": best or "board"})
