"""The gates around a component on a board: bytes to streams and back, or a self-test."""

from .selftest import SelfTest
from .top import Harness

__all__ = ["Harness", "SelfTest"]
