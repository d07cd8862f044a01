"""Formal proofs about emitted Verilog: it computes the definition for all inputs, and its streams lose nothing."""

from .options import PROPERTIES, ProofOptions
from .proving import Result, prove, prove_text

__all__ = ["PROPERTIES", "ProofOptions", "Result", "prove", "prove_text"]
