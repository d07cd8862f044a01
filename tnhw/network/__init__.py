"""Networks: layers in a row, how much of each is computed at once (its fold), and the design that results."""

from .design import Design
from .fitting import fit, fit_smallest
from .folding import fold, fold_shared
from .layer import Layer
from .network import Network
from .stage import Fold
from .unrolled import UnrolledDesign

__all__ = [
    "Design",
    "Fold",
    "Layer",
    "Network",
    "UnrolledDesign",
    "fit",
    "fit_smallest",
    "fold",
    "fold_shared",
]
