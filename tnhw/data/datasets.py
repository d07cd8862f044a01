"""Data sets by name: those that tnhw knows, and those that plug-ins register.

Choices during training are made with the validation part, which is taken from the training part; the test part is used
once, at the end.
"""

from __future__ import annotations

import os
from pathlib import Path

from .. import plugins
from ..errors import InputError
from ..kernel.names import check_name
from ..support import environment
from ..support.config import nearest
from .dataset import Data, Dataset
from .published import PUBLISHED, Published, noisy

__all__ = ["DATASETS", "Data", "Dataset", "find", "load", "names", "noisy", "register"]

#: Data sets by their names; `register` adds to them.
DATASETS = dict(PUBLISHED)


def register(dataset: Dataset) -> None:
    """Add a data set, so that every verb that takes the name of one takes its name.

    Raises
    ------
    InputError
        If it is no `Dataset`, its name is no identifier, or there is another one of its name.
    """
    if not isinstance(dataset, Dataset):
        raise InputError(f"a data set must be a tnhw.data.Dataset, not {type(dataset).__name__}")
    check_name(dataset.name)
    if DATASETS.setdefault(dataset.name, dataset) is not dataset:
        raise InputError(
            f"there is a data set `{dataset.name}` already; give this one another name"
        )


def names() -> list[str]:
    """Names of all data sets, with those of plug-ins.

    Raises
    ------
    InputError
        If a plug-in cannot be imported.
    """
    plugins.load()
    return list(DATASETS)


def find(name: str) -> Dataset:
    """The record of a data set.

    Raises
    ------
    InputError
        If the name is not known, or a plug-in cannot be imported.
    """
    if name not in names():
        raise InputError(f"there is no data set {name!r}; {nearest(name, DATASETS)}")
    return DATASETS[name]


def load(name: str, folder: str | os.PathLike[str] | None = None) -> Data:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of `DATASETS`.
    folder : path, optional
        Folder with the files, by default that of TNHW_DATA; ``digits`` needs none.

    Returns
    -------
    Data

    Raises
    ------
    InputError
        If the name is not known, a file is missing or its content is not what was published, or if the loader of a plug-in
        fails or returns something else than `Dataset` says.
    """
    dataset = find(name)
    chosen = folder or environment.text("TNHW_DATA")
    where = Path(chosen) if chosen else None
    if name in PUBLISHED:
        loader = dataset.loader
        if isinstance(loader, Published) and loader.digest is None:
            parts, digest = loader.digested(where)
            return Data.of(dataset, parts, card={"sha256": digest})
        return Data.of(dataset, dataset.loader(where), card={})
    try:
        parts = dataset.loader(where)
        x, y, x_test, y_test = parts
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"data set `{name}`: its loader fails ({type(error).__name__}: {error}); correct the plug-in's module "
            f"`{dataset.loader.__module__}`"
        ) from error
    return Data.of(dataset, (x, y, x_test, y_test))
