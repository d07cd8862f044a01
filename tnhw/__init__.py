"""tnhw: neural networks without multipliers, in hardware.

The names for use from Python are here. Each is imported when it is first used, so that ``import tnhw`` is fast.
"""

from importlib import import_module

__version__ = "0.1.0"

# The package of each name; `__init__.pyi` has the same for editors and type checkers.
_HOME = {
    "Format": "synapse",
    "RULES": "synapse",
    "Kernel": "kernel",
    "Network": "network",
    "Layer": "network",
    "Design": "network",
    "load": "catalogue",
    "generate": "api",
    "simulate": "api",
    "prove": "api",
    "build": "api",
    "compare": "api",
    "folds": "api",
    "convert": "api",
    "search": "api",
    "draw": "pictures",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module `tnhw` has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
