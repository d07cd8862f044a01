"""Search for networks: for some data and a board, the front of accuracy against speed or cells.

A *trial* is one network with one training. Optuna proposes trials and keeps them (`study`); the space of what is
varied (`space`), what a network costs on the board (`costing`), which trainings are stopped early (`stopping`), one
trial (`trials`), the front (`front`), its ends in hardware (`finishing`) and the report (`report`) know nothing of
Optuna. `searching` has the loop around them.

Optuna is imported by this package alone, and only when a search runs.
"""

from importlib import import_module
from typing import Any

from ..errors import ToolMissing

__all__ = ["part"]

NEEDED = {"optuna": "Optuna", "torch": "PyTorch"}


def part(name: str) -> Any:
    """Import a module of this package by its name.

    Raises
    ------
    ToolMissing
        If Optuna or PyTorch is not installed; the message says how to install them.
    """
    try:
        for package in NEEDED:
            import_module(package)
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        raise ToolMissing(
            f"a search needs {NEEDED[error.name]}, which is not installed; "
            '`pip install "tnhw[search,train]"`'
        ) from None
    return import_module(f".{name}", __name__)
