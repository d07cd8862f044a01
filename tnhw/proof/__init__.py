"""Formal proofs on the emitted Verilog: it equals the definition for all inputs, and loses nothing."""

from .options import PROPERTIES, ProofOptions
from .proving import Result, prove, prove_text

__all__ = ["PROPERTIES", "ProofOptions", "Result", "prove", "prove_text"]
