"""tnhw: neural networks without multipliers, in hardware."""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "Format": "synapse",
    "Kernel": "kernel",
    "RULES": "synapse",
    "load": "catalogue",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module `tnhw` has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__():
    return sorted(__all__)
