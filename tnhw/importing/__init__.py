"""Networks that others trained: quantised ONNX and QONNX files become networks of tnhw, exactly."""

from .importing import Imported, load

__all__ = ["Imported", "load"]
