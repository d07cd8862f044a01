"""Comparisons of networks and of kernels: area, speed, power, accuracy."""

from .networks import compare

__all__ = ["compare"]
