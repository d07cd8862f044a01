"""Netlists of FPGA families: synthesis, counts of cells, and models to simulate them with."""

from .synthesis import count, synthesise

__all__ = ["count", "synthesise"]
