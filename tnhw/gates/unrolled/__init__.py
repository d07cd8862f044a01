"""Networks unrolled: every synapse has gates of its own, with its constant parameter in them."""

from .planning import Neurons
from .unrolled import Unrolled

__all__ = ["Neurons", "Unrolled"]
