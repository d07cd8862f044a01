"""Diagrams of boxes and edges, as SVG text."""

from .data_flow import draw

__all__ = ["draw"]
