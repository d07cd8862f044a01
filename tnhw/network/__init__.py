"""Networks: layers in a row, how they are folded onto engines, and the design that this gives."""

from .design import Design
from .folding import fit, fold, fold_shared
from .layer import Layer
from .network import Network
from .stage import Fold

__all__ = ["Design", "Fold", "Layer", "Network", "fit", "fold", "fold_shared"]
