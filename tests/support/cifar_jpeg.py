"""CIFAR-10 from an npz file of JPEG images, which is how the tests have it.

``python tests/support/cifar_jpeg.py cifar10_jpeg.npz FOLDER [ROWS]`` writes ``FOLDER/cifar10.npz``, which tnhw reads, perhaps
with the first rows of each part only.
"""

import io
import sys
from pathlib import Path

import numpy as np


def decoded(path, rows=None):
    """x uint8 [n, 32, 32, 3], y [n], x_test, y_test: the first `rows` of each part, by default all."""
    from PIL import Image

    parts = []
    with np.load(path) as arrays:
        for part in ("train", "test"):
            content, ends = arrays[f"{part}_jpeg"].tobytes(), arrays[f"{part}_offset"]
            labels = arrays[f"{part}_label"][:rows]
            files = (content[ends[row] : ends[row + 1]] for row in range(len(labels)))
            images = [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]
            parts += [np.stack(images), labels]
    return parts


def write(path, folder, rows=None):
    """Write cifar10.npz."""
    names = ("x", "y", "x_test", "y_test")
    np.savez(Path(folder, "cifar10.npz"), **dict(zip(names, decoded(path, rows), strict=True)))


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
