"""Formal proofs on the emitted Verilog: it equals the definition for all inputs, and loses nothing."""

from .proving import PROPERTIES, Result, prove, prove_text

__all__ = ["PROPERTIES", "Result", "prove", "prove_text"]
