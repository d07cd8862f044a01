"""Formulas: the emitted Verilog as what each register becomes, and solvers for it."""
