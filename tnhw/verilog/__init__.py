"""Verilog: deterministic text, the manifest that describes it, and lists of signals for wave viewers."""

from .emitting import emit, emitted, generate, golden_vectors
from .manifests import manifest

__all__ = ["emit", "emitted", "generate", "golden_vectors", "manifest"]
