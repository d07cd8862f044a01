"""The format `model`: a checkpoint of an interrupted training, or an ONNX file, as a network in an npz file."""

from pathlib import Path

from ..errors import InputError

__all__ = ["export"]


def export(file, out, say):
    """Write the network of a checkpoint, in the state that training has reached, or of an ONNX file.

    See `tnhw.export`.
    """
    if out is None:
        raise InputError("name the model to write with -o FILE.npz")
    out = Path(out)
    if Path(file).suffix == ".onnx":
        from ..catalogue import load

        network = load(file)
    else:
        from ..train import part

        network = part("training").export_checkpoint(Path(file), out.stem)
    network.save(out)
    return {"written": str(out), "model": str(out)} | network.card
