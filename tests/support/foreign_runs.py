"""Imported networks beside an execution by `qonnx` that shares nothing with the import."""

import numpy as np


def executed(path, x):
    """What qonnx computes for inputs one by one, with the file as it is: rows of the output."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    model = ModelWrapper(str(path)).transform(_shapes())
    name = model.graph.output[0].name
    return np.array(
        [execute_onnx(model, {model.graph.input[0].name: one[None]})[name].ravel() for one in x]
    )


def _shapes():
    from qonnx.transformation.infer_shapes import InferShapes

    return InferShapes()


def beside(imported, path, x):
    """Compare results with an execution that shares nothing with the import; returns how many differ."""
    network, real = imported.network, executed(path, x)
    y = network.golden(imported.encode(x))
    if network.result == "class":
        classes = real[:, 0].astype(int) if imported.ends_in_class else real.argmax(axis=1)
        return int((y[np.arange(len(y)), classes] < y.max(axis=1)).sum())
    (place,) = imported.places[-1]
    if place.codes is None:
        return 0
    wanted = np.empty_like(y)
    wanted[:, place.order.ravel()] = place.codes.encode(real)
    return int((y != wanted).any(axis=1).sum())
