"""A checkpoint of an interrupted training as an integer network."""

from pathlib import Path

from ..errors import InputError

__all__ = ["export"]


def export(file, out, say):
    """Write the integer network of a checkpoint, as far as its training came; see `tnhw.export`."""
    from ..train import _module

    if out is None:
        raise InputError("name the model to write with -o FILE.npz")
    out = Path(out)
    network = _module("training").export_checkpoint(Path(file), out.stem)
    network.save(out)
    return {"written": str(out), "model": str(out)} | network.card
