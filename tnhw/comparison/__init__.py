"""Comparisons: power, performance and area of networks and kernels, side by side."""

from .networks import compare

__all__ = ["compare"]
