"""Vectors of the user's own as the integers that a network takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data import own
from ..data.encoding import Encoder
from ..network import Network

__all__ = ["of_network"]


def of_network(
    network: Network, path: str | Path, outputs: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The vectors int64 [n, inputs] and the targets of an npz file for a network, or None if the file has no targets.

    Real vectors are encoded where the network's card says how. Targets are labels [n], or with `outputs` also numbers
    [n, outputs]; see `tnhw.data.own.integers`.

    Raises
    ------
    InputError
        If the file cannot be read, or an array has a wrong shape, type or value for this network.
    """
    encoder = Encoder.of_card(network.card, network.inputs, network.name)
    classes = network.layers[-1].keys.outputs if network.result == "class" else None
    return own.integers(
        path, network.input, network.inputs, outputs=outputs, classes=classes, encoder=encoder
    )
