"""Simulation of Verilog or of a netlist, compared with the golden model."""

from .simulating import SIMULATORS, Result, simulate

__all__ = ["Result", "SIMULATORS", "simulate"]
