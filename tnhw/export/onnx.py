"""The format `onnx`: a network as an ONNX file."""

from pathlib import Path

from ..catalogue import load
from ..errors import InputError
from ..network import Network
from ..onnx.writer import DOMAIN, OPSET, save

__all__ = ["export"]


def export(file, out, say):
    """Write a network as ONNX; see `tnhw.export`."""
    network = load(file)
    if not isinstance(network, Network):
        raise InputError(f"{file}: a kernel; the format `onnx` is for networks")
    out = Path(out or Path("build", network.name, f"{network.name}.onnx"))
    if out.suffix != ".onnx":
        raise InputError(f"{out}: name a file that ends in .onnx with -o")
    made = save(network, out)
    calls = [node.op_type for node in made.graph.node if node.domain == DOMAIN]
    return {
        "written": str(out),
        "functions": sorted(set(calls)),
        "opset": OPSET,
        "calls": len(calls),
    }
