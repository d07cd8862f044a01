"""ONNX: a network as a file that any runtime executes, and back."""

from .reader import load
from .writer import model, save

__all__ = ["load", "model", "save"]
