"""The parts of a good network file, and files with parts that a test has changed."""

import json

import numpy as np
from random_networks import TWO


def header():
    """Header of a good file."""
    layers = [dict(layer) for layer in TWO["layers"]]
    keys = {key: TWO[key] for key in ("name", "input", "shape")}
    return {"kind": "tnhw-network", "version": 1, **keys, "layers": layers}


def members():
    """Arrays of a good file."""
    return {
        f"{layer['name']}.{name}": array
        for layer, arrays in zip(TWO["layers"], TWO["arrays"], strict=True)
        for name, array in arrays.items()
    }


def write(path, header, arrays):
    """An npz file; `header` is a dict, a text, or None for no header at all."""
    text = header if isinstance(header, str | type(None)) else json.dumps(header)
    own = {} if text is None else {"header": np.array(text)}
    np.savez(path, **own, **arrays)
    return path
