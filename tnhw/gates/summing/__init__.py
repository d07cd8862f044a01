"""Sums of many small integers: trees of adders, bit heaps, shared terms, rounding."""
