"""`search`: from data and a board to the front of accuracy against speed or cells."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..boards import Board, load_board
from ..data import Data, datasets, own_set
from ..errors import InputError
from ..support.config import plain_number

if TYPE_CHECKING:
    from ..exploration.result import SearchResult

__all__ = ["search"]

File = str | os.PathLike[str]


def search(
    source: str | Data | None,
    board: str | Path | Board,
    *,
    data: File | None = None,
    data_file: File | None = None,
    input_bits: int = 4,
    quantise: Literal["all", "each"] | None = None,
    objective: str = "speed",
    speed: float = 0.0,
    accuracy: float | None = None,
    budget: float | None = None,
    trials: int | None = None,
    rule: Sequence[str] | None = None,
    levels: Sequence[int] | None = None,
    bits: Sequence[int] | None = None,
    weight_bits: Sequence[int] | None = None,
    width: Sequence[int] | None = None,
    hidden_layers: Sequence[int] | None = None,
    inject: Sequence[int] | None = None,
    epochs: Sequence[int] | None = None,
    rate: Sequence[float] | None = None,
    seed: int = 0,
    threads: int = 1,
    build: bool = True,
    out: File | None = None,
    say: Callable[[str], object] = lambda text: None,
    stopped: Callable[[SearchResult], object] = lambda result: None,
) -> SearchResult:
    """Search for networks: the front of accuracy on the validation part against what they cost on a board.

    The search lives in its folder. Called again with the same arguments it goes on, and several processes may work in one
    folder at the same time. The ends of the front, and the cheapest network with the wanted accuracy, are then trained with
    the validation part, measured on the test part, and built.

    Parameters
    ----------
    source : str or Data, or None
        Name of a data set, or a loaded one; None with `data_file`.
    board : str, path or Board
        A name from ``tnhw list``, or a board TOML.
    data : path, optional
        Folder with the files of data sets.
    data_file, input_bits, quantise
        Instead of `source`: a file of one's own, as for :func:`tnhw.data.own_set.load`.
    objective : str
        What is weighed against accuracy: ``speed``, cycles a vector of the fastest design that fits; or ``cells``, of the
        smallest design that computes `speed` vectors a second.
    speed : float
        For ``cells``: vectors a second at the board's clock.
    accuracy : float, optional
        Accuracy that is wanted on the validation part, in percent (in dB for vectors). Networks that are far from it are
        given up sooner.
    budget : float, optional
        Minutes after which no trial goes on. Default: 15, if `trials` is not given. The last training and the builds come
        afterwards.
    trials : int, optional
        Trials of the study after which there is no further one.
    rule, levels, bits, weight_bits, width, hidden_layers, inject, epochs, rate : list, optional
        Values of a dimension; one value holds it. `rule` has kinds of neurons, `width` the outputs of every hidden layer.
        See `tnhw.exploration.space.Space`.
    seed : int
        Trial n is trained with seed `seed` + n.
    threads : int
        Threads of PyTorch.
    build : bool
        Whether bitstreams are built.
    out : path, optional
        Folder of the search. Default: ``build/search/<data>_<board>``.
    say : callable
        Called with a line of text for each step.
    stopped : callable
        Called with the result so far, if the search is interrupted.

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
    loaded = _data(source, data, data_file, plain_number(input_bits), quantise)
    given: dict[str, Sequence[Any] | None] = {
        "rules": rule, "levels": levels, "bits": bits, "weight_bits": weight_bits, "widths": width,
        "hidden_layers": hidden_layers, "inject": inject, "epochs": epochs, "rates": rate,
    }  # fmt: skip
    space = {
        key: [plain_number(one) for one in values]
        for key, values in given.items()
        if values is not None
    }
    if budget is None and trials is None:
        budget = 15.0
    folder = (
        Path(out)
        if out is not None
        else Path("build", "search", f"{loaded.dataset.word}_{target.name}")
    )
    return searching.search(
        loaded, target, folder=folder, space=space, objective=objective, speed=plain_number(speed),
        accuracy=plain_number(accuracy), budget=plain_number(budget), trials=plain_number(trials),
        seed=plain_number(seed), threads=threads, build=build, say=say, stopped=stopped,
    )  # fmt: skip


def _data(
    source: str | Data | None,
    folder: File | None,
    file: File | None,
    bits: int,
    quantise: Literal["all", "each"] | None,
) -> Data:
    if (source is None) == (file is None):
        raise InputError("give either a data set, perhaps with --data, or --data-file")
    if file is not None:
        if folder is not None:
            raise InputError("give either a data set, perhaps with --data, or --data-file")
        return own_set.load(Path(file), bits, quantise)
    if isinstance(source, Data):
        return source
    return datasets.load(str(source), folder)
