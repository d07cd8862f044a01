"""Engines: hardware that computes the layers of a network step by step, and connects them in a row."""

from .axi import AxiChain
from .chain import Chain
from .engine import Engine

__all__ = ["AxiChain", "Chain", "Engine"]
