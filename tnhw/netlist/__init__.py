"""Netlists for FPGA families: synthesis, counts of cells, and models of the cells for simulation."""

from .synthesis import count, synthesise

__all__ = ["count", "synthesise"]
