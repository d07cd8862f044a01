"""`folds`: the designs of a network between which a board leaves a choice."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..boards import Board, load_board
from ..catalogue import load
from ..errors import InputError
from ..network import Network
from ..support.config import plain_number

if TYPE_CHECKING:
    from ..catalogue import Source
    from ..comparison.folds import FoldFront

__all__ = ["folds"]


def folds(
    source: "Source", board: str | Path | Board, *, images: int = 8, dsp: bool = False
) -> "FoldFront":
    """The folds of a network that no other ones beat in both speed and cells on a board, by the cost model.

    Parameters
    ----------
    source : str, path or Network
    board : str, path or Board
        A board's name, its file, or the board.
    images : int
        Most images that are computed side by side.
    dsp : bool
        Whether products are computed in DSP blocks.

    Returns
    -------
    FoldFront
        With the designs in `rows`, the fastest first; its method `write` writes a picture.

    Raises
    ------
    InputError
        If the source is not a network, or an argument is wrong.
    """
    from ..comparison.folds import choices

    loaded = load(source)
    if not isinstance(loaded, Network):
        raise InputError(f"{loaded.name}: only a network has folds, and this is none")
    target = board if isinstance(board, Board) else load_board(str(board))
    return choices(loaded, target, images=plain_number(images), dsp=dsp)
