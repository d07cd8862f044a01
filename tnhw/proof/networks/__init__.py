"""Proofs about whole networks: their Verilog, executed for all inputs at once."""
