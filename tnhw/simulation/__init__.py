"""Simulation of Verilog or of a netlist against the golden model."""

from .simulating import SIMULATORS, Result, simulate

__all__ = ["Result", "SIMULATORS", "simulate"]
