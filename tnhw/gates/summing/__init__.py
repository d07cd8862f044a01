"""Sums of many small integers: adder trees, bit heaps, shared terms, requantisation."""
