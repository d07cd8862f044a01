"""How well results fit the targets of a data set."""

import math

import numpy as np

__all__ = ["percent_correct", "psnr"]


def percent_correct(y: np.ndarray, labels: np.ndarray) -> float:
    """Percentage of results [n, outputs] that name the label [n]. With several outputs the class is the first largest."""
    classes = y[:, 0] if y.shape[1] == 1 else y.argmax(axis=1)
    return 100 * float((classes == labels).mean())


def psnr(y: np.ndarray, targets: np.ndarray, peak: int) -> float:
    """Peak signal-to-noise ratio in dB of results [n, outputs]; the mean square is over all outputs of all vectors.

    `peak` is the largest value of the output format.
    """
    error = float(((np.asarray(y) - targets) ** 2).mean())
    return 20 * math.log10(peak) - 10 * math.log10(max(error, 1e-12))
