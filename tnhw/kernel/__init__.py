"""The kernel: its keys, its golden model, its parameters and names, and the payloads of its streams."""

from .kernel import ARCHITECTURES, Kernel

__all__ = ["ARCHITECTURES", "Kernel"]
