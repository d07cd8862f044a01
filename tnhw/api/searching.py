"""`search`: from data and a board to the front of accuracy against speed or cells."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ..boards import Board, load_board
from ..data import Data, datasets
from ..support.config import plain_number

if TYPE_CHECKING:
    from ..exploration.result import SearchResult

__all__ = ["search"]

File = str | os.PathLike[str]
NAMES = {"rule": "rules", "width": "widths", "rate": "rates"}  # fields of `Space` with other names


class Dimensions(TypedDict, total=False):
    """What a search varies: a list of values for each, or one value, which holds it. See `tnhw.exploration.space.Space`.

    Attributes
    ----------
    rule
        Kinds of neurons.
    levels, bits, weight_bits
        Levels of ``threshold``, bits of activations, bits of weights of ``mac``.
    width, hidden_layers
        Outputs of every hidden layer, and numbers of hidden layers.
    inject
        Numbers of MAC layers at the front.
    epochs, rate
        Passes through the data, and learning rates.
    """

    rule: str | Sequence[str] | None
    levels: int | Sequence[int] | None
    bits: int | Sequence[int] | None
    weight_bits: int | Sequence[int] | None
    width: int | Sequence[int] | None
    hidden_layers: int | Sequence[int] | None
    inject: int | Sequence[int] | None
    epochs: int | Sequence[int] | None
    rate: float | Sequence[float] | None


def search(
    source: str | Data,
    board: str | Path | Board,
    *,
    data: File | None = None,
    objective: str = "speed",
    speed: float = 0.0,
    accuracy: float | None = None,
    budget: float | None = None,
    trials: int | None = None,
    seed: int = 0,
    threads: int = 1,
    build: bool = True,
    out: File | None = None,
    say: Callable[[str], object] = lambda text: None,
    stopped: Callable[[SearchResult], object] = lambda result: None,
    **space: Unpack[Dimensions],
) -> SearchResult:
    """Search for networks: the front of accuracy on the validation part against what they cost on a board.

    Called again with the same arguments it goes on, and several processes may work in one folder. At last the ends of the
    front, and the cheapest network with the wanted accuracy, are trained with the validation part, measured on the test
    part, and built.

    Parameters
    ----------
    source : str or Data
        Name of a data set, or a loaded one, as of :func:`tnhw.data.own_set.load`.
    board : str, path or Board
        A name from ``tnhw list``, or a board TOML.
    data : path, optional
        Folder with the files of data sets.
    objective : str
        What is weighed against accuracy: ``speed``, cycles a vector of the fastest design that fits; or ``cells``, of the
        smallest design that computes `speed` vectors a second.
    speed : float
        For ``cells``: vectors a second at the board's clock.
    accuracy : float, optional
        Wanted on the validation part, in percent (dB for vectors). Networks that are far from it are given up sooner.
    budget : float, optional
        Minutes after which no trial goes on, before the last trainings and the builds. Default: 15 without `trials`.
    trials : int, optional
        Trials of the study after which there is no further one.
    seed, threads : int
        Trial n is trained with seed `seed` + n, and so many threads of PyTorch.
    build : bool
        Whether bitstreams are built.
    out : path, optional
        Folder of the search. Default: ``build/search/<data>_<board>``.
    say, stopped : callable
        Called with a line of text for each step, and with the result so far if the search is interrupted.
    **space
        What is varied: see `Dimensions`.

    Returns
    -------
    tnhw.exploration.result.SearchResult

    Raises
    ------
    InputError
        If an argument is wrong, or the folder holds a search with other settings.
    ToolMissing
        If Optuna or PyTorch is not installed.
    """
    from ..exploration import part

    searching = part("searching")
    target = board if isinstance(board, Board) else load_board(str(board))
    loaded = source if isinstance(source, Data) else datasets.load(source, data)
    values = {
        NAMES.get(key, key): _listed(given) for key, given in space.items() if given is not None
    }
    folder = f"build/search/{loaded.dataset.word}_{target.name}" if out is None else out
    return searching.search(
        loaded, target, folder=Path(folder), space=values, objective=objective, speed=plain_number(speed),
        accuracy=plain_number(accuracy), budget=plain_number(15.0 if budget is None and trials is None else budget), trials=plain_number(trials),
        seed=plain_number(seed), threads=threads, build=build, say=say, stopped=stopped,
    )  # fmt: skip


def _listed(values: Any) -> list[Any]:
    """The values of a dimension; one alone is a list of one."""
    alone = isinstance(values, str) or not hasattr(values, "__iter__")
    return [plain_number(one) for one in ([values] if alone else values)]
