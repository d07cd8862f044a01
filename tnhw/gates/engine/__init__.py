"""Engines: layers of a network folded in time, one after the other."""

from .chain import Chain
from .engine import Engine

__all__ = ["Chain", "Engine"]
