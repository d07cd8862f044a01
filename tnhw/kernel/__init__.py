"""Kernels: their keys, golden model, parameters and names, and the payloads of their streams."""

from ..gates.kernels import ARCHITECTURES
from .kernel import Kernel

__all__ = ["ARCHITECTURES", "Kernel"]
