"""Networks to ONNX files, which any runtime can execute, and back."""

from .reader import load
from .writer import model, save

__all__ = ["load", "model", "save"]
