"""The rules: one file each, numpy and gates side by side."""

from . import addernet, mac, shift, ternary, threshold

__all__ = ["addernet", "mac", "shift", "ternary", "threshold"]
