"""Diagrams of boxes and edges, as SVG text."""

from .data_flow import draw
from .pictured import Pictured

__all__ = ["Pictured", "draw"]
