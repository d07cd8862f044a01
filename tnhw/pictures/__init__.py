"""Pictures of kernels and networks, as SVG text."""

from .data_flow import draw

__all__ = ["draw"]
