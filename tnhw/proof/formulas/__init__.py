"""Formulas: the next value of each register of the emitted Verilog, and solvers for such formulas."""
