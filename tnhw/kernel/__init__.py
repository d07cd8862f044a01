"""The kernel: its keys, its golden model, its parameters and names, and the payloads of its streams."""

from ..gates.kernels import ARCHITECTURES
from .kernel import Kernel

__all__ = ["ARCHITECTURES", "Kernel"]
