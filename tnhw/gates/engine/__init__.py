"""Engines: hardware that computes the layers of a network step by step, and connects them in a row."""

from .chain import Chain
from .engine import Engine

__all__ = ["Chain", "Engine"]
