"""Proofs about numbers: sums split into lanes, loaded parameters, the netlist."""
